//! `dump-model`: all that the controller keeps of a model, secrets left out. The original's flag for developers makes it known.
//!
//! The surprise: the controller answers a YAML document, which is read and printed anew, so that `--format json` works with any controller.

use serde_json::{Value, json};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::select;

/// The word in `JUJU_DEV_FEATURE_FLAGS` with which the commands that dump are known.
pub const FEATURE: &str = "developer-mode";

pub const COMMAND: Command = Command {
    name: "dump-model",
    args: "[<model name>]",
    arguments: &[&[Noun::Model]],
    purpose: "Displays the records of a model.",
    doc: "Prints what the controller keeps of a model, by kind and id, without secrets. With --simplified operations and\n\
          tasks are left out. For administrators of the model; JUJU_DEV_FEATURE_FLAGS must hold 'developer-mode'.",
    examples: "\n    juju dump-model\n    juju dump-model mymodel --simplified\n    juju dump-model --format json",
    see_also: &["models", "show-model"],
    flags: &[Flag::bool(&["simplified"], "Dump a simplified partial model")],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    hidden: true,
    feature: FEATURE,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let params = json!({"simplified": context.args.is_set("simplified")});
    let answer = ask(context, "DumpModels", params).await?;
    let text = answer.as_str().unwrap_or("");
    let parsed = client::files::yaml::read(text)
        .map_err(|why| Error::failed(format!("cannot read the controller's description of the model: {why}")))?;
    context.result_node(&Node::from(&parsed).sorted())
}

/// What a method of `ModelManager` answers of the model that the line names.
pub async fn ask(context: &mut Context, method: &str, mut params: Value) -> Result<Value> {
    context.args.at_most(1)?;
    let typed = context.args.get(0).map(str::to_owned);
    let selected = match (typed, &context.selected) {
        (Some(typed), _) => select::model(&context.store, &context.io, Some(&typed))?,
        (None, Some(selected)) => selected.clone(),
        (None, None) => select::model(&context.store, &context.io, None)?,
    };
    let (_, uuid) = context.find_model(&selected).await?;
    let api = context.controller_api_of(&selected.controller).await?;
    params["entities"] = json!([{"tag": format!("model-{uuid}")}]);
    api.call_one("ModelManager", method, params).await
}
