//! `disable-user` and `enable-user`: shuts a user out, and lets it in again. The surprise: what the user has open ends at once.

use serde_json::json;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

pub const DISABLE: Command = Command {
    name: "disable-user",
    args: "<user name>",
    arguments: &[&[Noun::User]],
    purpose: "Disables a user.",
    doc: "The user can log in no more, and what it has open is refused from then on. It keeps its password and what it was granted:\n\
          `enable-user` lets it in again. The owner of the controller cannot be disabled.",
    examples: "\n    juju disable-user bob",
    see_also: &["users", "enable-user", "login", "remove-user"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context, "DisableUser", "disabled")),
    ..Command::BASE
};

pub const ENABLE: Command = Command {
    name: "enable-user",
    args: "<user name>",
    arguments: &[&[Noun::User]],
    purpose: "Enables a user that was disabled.",
    doc: "The user logs in as before, with what it was granted.",
    examples: "\n    juju enable-user bob",
    see_also: &["users", "disable-user", "login"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context, "EnableUser", "enabled")),
    ..Command::BASE
};

async fn run(context: &mut Context, method: &str, done: &str) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no username supplied"));
    };
    context.args.at_most(1)?;
    let api = context.controller_api().await?;
    let params = json!({"entities": [{"tag": format!("user-{name}")}]});
    api.call_one("UserManager", method, params).await.map_err(|e| e.explain_block("all"))?;
    context.info(format!("User {name:?} {done}"));
    Ok(())
}
