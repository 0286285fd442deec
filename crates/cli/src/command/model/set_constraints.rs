//! `set-model-constraints`: replaces what new machines of a model ask for by themselves.

use base::Constraints;
use serde_json::{Value, json};

use crate::command::{Command, Scope};
use crate::completion::{CONSTRAINTS, Noun};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "set-model-constraints",
    args: "<constraint>=<value> ...",
    arguments: &[&[Noun::Word(CONSTRAINTS)]],
    purpose: "Sets machine constraints on a model.",
    doc: "Sets constraints on the model that hold for machines added without constraints of their own.\n\
          All are replaced; without arguments none are left.",
    examples: "\n    juju set-model-constraints cores=2 mem=4G",
    see_also: &["models", "model-constraints"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let text = context.args.positional().join(" ");
    let constraints = Constraints::parse(&text).map_err(|e| Error::usage(e.to_string()))?;
    let api = context.model_api().await?;
    let params = json!({"application": "", "constraints": constraints});
    let reply: Result<Value> = api.call("ModelConfig", "SetModelConstraints", params).await;
    reply.map(drop).map_err(|e| e.explain_block("all"))
}
