//! `show-user`: what a controller knows of one user.

use serde_json::json;

use crate::command::user::list;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "show-user",
    args: "[<user name>]",
    arguments: &[&[Noun::User]],
    purpose: "Show information about a user.",
    doc: "By default, the YAML format is used and the user name is the current user.",
    examples: "\n    juju show-user\n    juju show-user jsmith",
    see_also: &["add-user", "register", "users"],
    flags: &[Flag::bool(&["exact-time"], "Use full timestamp for connection times")],
    formats: &["yaml", "json"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let api = context.controller_api().await?;
    let name = context.args.get(0).unwrap_or(&api.user).to_owned();
    let params = json!({"entities": [{"tag": format!("user-{name}")}], "include-disabled": false});
    let user = api.call_one("UserManager", "UserInfo", params).await.map_err(|e| e.context(&name))?;
    let node = list::fields(context, &user);
    context.result_node(&node)
}
