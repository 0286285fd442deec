//! `disable-command`: switches a set of commands off for a model, with a message for those who try.
//!
//! The surprise: words after the set are the message, quoted or not; a set that is off already gets the new one.

use serde_json::json;

use super::{WORDS, given, switch};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "disable-command",
    args: "<command set> [message ...]",
    arguments: &[WORDS, &[]],
    purpose: "Disables commands for the model.",
    doc: "Guards a model against slips. 'destroy-model' stands against its destruction and its controller's,\n\
          'remove-object' against removals too, 'all' against every change. Whoever tries is refused with\n\
          the message. On the controller's model 'all' guards what is the controller's as well.",
    examples: "\n    juju disable-command destroy-model\n    \
               juju disable-command remove-object Ask Ann before you remove anything\n    juju disable-command all",
    see_also: &["disabled-commands", "enable-command"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let kind = given(context)?;
    let message = context.args.positional().get(1..).unwrap_or_default().join(" ");
    let mut params = json!({"type": kind});
    if !message.is_empty() {
        params["message"] = json!(message);
    }
    let api = context.model_api().await?;
    switch(&api, "SwitchBlockOn", params).await
}
