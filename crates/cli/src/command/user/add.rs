//! `add-user`: lets somebody onto a controller, who sets the password.

use serde_json::json;

use crate::command::user::token;
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::select;

pub const COMMAND: Command = Command {
    name: "add-user",
    args: "<user name> [<display name>]",
    purpose: "Adds a user to a controller.",
    doc: "Prints a `register` command for the new user, with which the user sets a password and is logged in. It is good once, until the user\n\
          has a password; `change-user-password --reset` makes another. Whoever has it can be that user: send it where nobody else reads.\n\n\
          The user may log in to the controller and nothing else, until access is granted.",
    examples: "\n    juju add-user bob\n    juju add-user --controller mycontroller ann \"Ann Smith\"",
    see_also: &[
        "register",
        "grant",
        "users",
        "show-user",
        "disable-user",
        "enable-user",
        "change-user-password",
        "remove-user",
    ],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no username supplied"));
    };
    context.args.at_most(2)?;
    let display = context.args.get(1).unwrap_or_default().to_owned();
    if !select::is_user(&name) {
        return Err(Error::failed(format!("invalid user name {name:?}")));
    }
    let api = context.controller_api().await?;
    let params = json!({"users": [{"username": name, "display-name": display}]});
    let added = api.call_one("UserManager", "AddUser", params).await;
    let added = added.map_err(|e| e.explain_permission("add a user").explain_block("all"))?;
    let token = token::of(context, &api, &name, &added)?;
    let shown = if display.is_empty() { name.clone() } else { format!("{display} ({name})") };
    let (program, token) = (&context.program, token.reveal());
    context.out(format!(
        "User \"{shown}\" added\nPlease send this command to {name}:\n    {program} register {token}\n\n\
         \"{shown}\" has not been granted access to any models. You can use \"{program} grant\" to grant access.\n"
    ))
}
