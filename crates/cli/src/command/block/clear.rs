//! `enable-destroy-controller`: takes every switch of every model away, so that the controller can be destroyed.

use serde_json::{Value, json};

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "enable-destroy-controller",
    purpose: "Enable destroy-controller by removing disabled commands in the controller.",
    doc: "A controller is not destroyed while commands are disabled in any of its models. This enables them\n\
          all, in every model; only superusers may.",
    examples: "\n    juju enable-destroy-controller",
    see_also: &["destroy-controller", "disable-command", "disabled-commands", "enable-command"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let api = context.controller_api().await?;
    let done: Result<Value> = api.call("Controller", "RemoveBlocks", json!({"all": true})).await;
    done.map(drop)
}
