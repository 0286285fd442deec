//! `enable-command`: lets a set of commands through again.
//!
//! The surprise: each set is switched by itself; to enable `all` leaves `destroy-model` off if that was disabled too.

use serde_json::json;

use super::{WORDS, given, switch};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "enable-command",
    args: "<command set>",
    arguments: &[WORDS],
    purpose: "Enables commands that had been previously disabled.",
    doc: "Takes back what 'juju disable-command' did with the same set. Sets are apart: after 'all' was enabled,\n\
          'destroy-model' may still be disabled. 'juju disabled-commands' says what is.",
    examples: "\n    juju enable-command destroy-model\n    juju enable-command remove-object\n    \
               juju enable-command all",
    see_also: &["disable-command", "disabled-commands"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let kind = given(context)?;
    context.args.at_most(1)?;
    let api = context.model_api().await?;
    switch(&api, "SwitchBlockOff", json!({"type": kind})).await
}
