//! `reload-spaces`: asks the cloud for its subnets anew.

use serde_json::{Value, json};

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "reload-spaces",
    purpose: "Reloads spaces and subnets from substrate.",
    doc: "Asks the model's cloud for its subnets. New ones begin in 'alpha'; those that the cloud has no more are forgotten, unless a\n\
          machine is in them.",
    examples: "\n    juju reload-spaces",
    see_also: &["spaces", "add-space", "show-space", "move-to-space"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let api = context.model_api().await?;
    let reloaded = api.call::<Value>("Spaces", "ReloadSpaces", json!({})).await;
    reloaded.map_err(|error| error.context("could not reload spaces").explain_block("all"))?;
    Ok(())
}
