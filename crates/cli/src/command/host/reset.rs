//! `reset-admin-password`: back into a controller of this host whose password is lost.
//!
//! The surprise: a client store that knows nothing of the controller is given an entry, since a lost store is how
//! passwords get lost.

use base::Secret;
use client::files::{Accounts, Controller, Controllers};

use super::{chosen, operator};
use crate::command::Command;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::operating::Local;

pub const COMMAND: Command = Command {
    name: "reset-admin-password",
    args: "[<controller name>]",
    arguments: &[&[Noun::Controller]],
    purpose: "Give the first user of a controller on this host a new password.",
    doc: "For a controller of this host whose administrator's password is lost. It is to be run\n\
          on that host, as root; the controller may run or not. The user is also enabled again\n\
          and made superuser again, should that be what was lost.\n\n\
          The new password is made by chance, or read from standard input with '--stdin', and is\n\
          kept in the client store of whoever runs this command. Others log in anew.",
    examples: "\n    sudo grigri reset-admin-password\n    echo \"$NEW\" | sudo grigri reset-admin-password prod --stdin",
    see_also: &["doctor", "controllers"],
    flags: &[
        Flag::bool(&["stdin"], "Read the new password from standard input"),
        Flag::bool(&["no-prompt"], "Accepted for scripts; nothing is asked"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let injected = context.injected.clone();
    let operator = operator(&injected)?;
    let local = chosen(context, operator).await?;
    let password = match context.args.is_set("stdin") {
        true => Secret::new(context.io.read_line()?.unwrap_or_default()),
        false => Secret::new(uuid::Uuid::new_v4().simple().to_string()),
    };
    if password.is_empty() {
        return Err(Error::failed("the new password is empty"));
    }
    let user = operator.reset_password(&local.uuid, &password).await?;
    let name = keep(context, &local, &user, password)?;
    context.info(format!("Password of user {user:?} on controller {name:?} is reset, and kept in the client store."));
    Ok(())
}

/// Writes it to the client store; gives the name that the controller has there.
fn keep(context: &Context, local: &Local, user: &str, password: Secret) -> Result<String> {
    let name = context.store.update(|all: &mut Controllers| {
        if let Some((name, _)) = all.controllers.iter().find(|(_, entry)| entry.uuid == local.uuid) {
            return Ok::<_, Error>(name.clone());
        }
        let free = (1..).map(|n| if n == 1 { local.name.clone() } else { format!("{}-{n}", local.name) });
        let name = free.into_iter().find(|name| !all.controllers.contains_key(name)).unwrap_or_default();
        let entry = Controller {
            uuid: local.uuid.clone(),
            api_endpoints: local.endpoints.clone(),
            ca_cert: local.ca_cert.clone(),
            cloud: local.cloud.clone(),
            region: Some(local.region.clone()),
            cloud_type: Some(local.cloud_type.clone()),
            agent_version: Some(context.client_version()),
            controller_machine_count: 1,
            active_controller_machine_count: 1,
            ..Controller::default()
        };
        all.controllers.insert(name.clone(), entry);
        if all.current_controller.is_none() {
            all.current_controller = Some(name.clone());
        }
        Ok(name)
    })?;
    context.store.update(|all: &mut Accounts| {
        let account = all.controllers.entry(name.clone()).or_default();
        account.user = user.to_owned();
        account.password = Some(password);
        account.last_known_access = Some("superuser".to_owned());
        Ok::<_, Error>(())
    })?;
    context.store.ensure_cookies(&name)?;
    Ok(name)
}
