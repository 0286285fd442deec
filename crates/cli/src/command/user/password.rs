//! `change-user-password`: one's own, or another's; or takes one away, and lets its user set a new one.
//!
//! The surprise: after a change of one's own no password is kept here any more, but a login by macaroon, as the stock command has it.

use base::Secret;
use client::files::Accounts;
use client::{Credentials, Place};
use serde_json::json;

use crate::command::user::token;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "change-user-password",
    args: "[<user name>]",
    arguments: &[&[Noun::User]],
    purpose: "Changes the password for the current or specified user.",
    doc: "Without a name it is your own. Only administrators change those of others; for them --reset takes the password away and prints a\n\
          `register` command, with which the user sets one. Logins that were kept by macaroon end with the password.\n\n\
          With --no-prompt the password is a line of standard input.",
    examples: "\n    juju change-user-password\n    juju change-user-password bob --reset\n    juju change-user-password bob\n    \
               echo \"$NEW\" | juju change-user-password --no-prompt",
    see_also: &["add-user", "register"],
    flags: &[
        Flag::bool(&["no-prompt"], "don't prompt for password and just read a line from stdin"),
        Flag::bool(&["reset"], "Reset user password"),
    ],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let controller = context.controller_name()?;
    let own = context.user(&controller)?;
    let user = context.args.get(0).unwrap_or(&own).to_owned();
    if context.args.is_set("reset") {
        return reset(context, &own, &user).await;
    }
    let password = new_password(context).await?;
    let api = context.controller_api().await?;
    let params = json!({"changes": [{"tag": format!("user-{user}"), "password": password.reveal()}]});
    api.call_one("UserManager", "SetPassword", params).await.map_err(|e| e.explain_block("all"))?;
    if user != own {
        context.info(format!("Password for {user:?} has been changed."));
        return Ok(());
    }
    keep_login(context, &api, &password).await?;
    context.info("Your password has been changed.");
    Ok(())
}

async fn reset(context: &mut Context, own: &str, user: &str) -> Result<()> {
    let program = context.program.clone();
    if user == own {
        context.info(format!(
            "You cannot reset your own password.\n\
             If you want to change it, please call `{program} change-user-password` without --reset option."
        ));
        return Ok(());
    }
    let api = context.controller_api().await?;
    let params = json!({"entities": [{"tag": format!("user-{user}")}]});
    let result = api.call_one("UserManager", "ResetPassword", params).await?;
    let token = token::of(context, &api, user, &result)?;
    let token = token.reveal();
    context
        .info(format!("Password for {user:?} has been reset.\nAsk the user to run:\n     {program} register {token}"));
    Ok(())
}

async fn new_password(context: &mut Context) -> Result<Secret> {
    if context.args.is_set("no-prompt") {
        context.note("reading password from stdin...\n");
        let line = context.io.read_line()?.unwrap_or_default();
        return match line.is_empty() {
            true => Err(Error::failed("password cannot be empty")),
            false => Ok(Secret::new(line)),
        };
    }
    let eof = || Error::failed("EOF");
    let first = context.ask_unseen("new password: ").await?.ok_or_else(eof)?;
    if first.is_empty() {
        return Err(Error::failed("you must enter a password"));
    }
    let second = context.ask_unseen("type new password again: ").await?.ok_or_else(eof)?;
    if first != second {
        return Err(Error::failed("Passwords do not match"));
    }
    Ok(Secret::new(first))
}

/// Logs in by macaroon with the new password, and forgets the old one, which is worth nothing any more.
async fn keep_login(context: &mut Context, api: &Api, password: &Secret) -> Result<()> {
    let (target, _) = context.target(&api.controller)?;
    let mut who = Credentials { user: api.user.clone(), cli_args: context.audited(), ..Credentials::default() };
    let proved = context.prove_with(&target, Place::Controller, &mut who, password).await;
    context.store.update(|all: &mut Accounts| {
        if let Some(account) = all.controllers.get_mut(&api.controller) {
            account.password = None;
        }
        Ok::<_, Error>(())
    })?;
    let uuid = context.store.controllers()?.controllers.get(&api.controller).map(|one| one.uuid.clone());
    proved.and_then(|()| context.keep_proof(&api.controller, &uuid.unwrap_or_default(), &who))
}
