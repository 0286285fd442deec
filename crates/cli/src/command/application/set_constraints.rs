//! `set-constraints`: replaces what new machines of an application ask for.

use base::Constraints;
use serde_json::{Value, json};

use crate::command::application::is_name;
use crate::command::{Command, Scope};
use crate::completion::{CONSTRAINTS, Noun};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "set-constraints",
    args: "<application> <constraint>=<value> ...",
    arguments: &[&[Noun::Application], &[Noun::Word(CONSTRAINTS)]],
    purpose: "Sets machine constraints for an application.",
    doc: "Sets constraints that hold for machines which new units of the application get.\n\
          All are replaced; those of the model hold where the application names none.",
    examples: "\n    juju set-constraints mysql cores=8 mem=16G",
    see_also: &["constraints", "set-model-constraints"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some((name, words)) = context.args.positional().split_first() else {
        return Err(Error::usage("no application name specified"));
    };
    if !is_name(name) {
        return Err(Error::usage(format!("invalid application name {name:?}")));
    }
    let constraints = Constraints::parse(&words.join(" ")).map_err(|e| Error::usage(e.to_string()))?;
    let params = json!({"application": name, "constraints": constraints});
    let api = context.model_api().await?;
    let reply: Result<Value> = api.call("Application", "SetConstraints", params).await;
    reply.map(drop).map_err(|e| e.explain_block("all"))
}
