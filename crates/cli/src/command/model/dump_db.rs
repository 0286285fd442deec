//! `dump-db`: a model's records as the controller answers them, without a document in between. Known as `dump-model` is.

use serde_json::json;
use wire::yaml::Node;

use super::dump::{FEATURE, ask};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "dump-db",
    args: "[<model name>]",
    arguments: &[&[Noun::Model]],
    purpose: "Displays the records of a model as they are kept.",
    doc: "Prints the records that the controller keeps of a model, by kind and id, without secrets.\n\
          For administrators of the model; JUJU_DEV_FEATURE_FLAGS must hold 'developer-mode'.",
    examples: "\n    juju dump-db\n    juju dump-db mymodel",
    see_also: &["models", "dump-model"],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    hidden: true,
    feature: FEATURE,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let answer = ask(context, "DumpModelsDB", json!({})).await?;
    context.result_node(&Node::from(&answer).sorted())
}
