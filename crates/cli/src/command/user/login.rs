//! `login`: as a user of a controller that this client knows. The surprise: no password is kept, but a macaroon, which runs out after a day.

use std::time::Duration;

use client::files::{Account, Accounts};
use client::{Connection, Credentials, LoginError, Place, Target};

use crate::command::user::host;
use crate::command::user::welcome::welcome;
use crate::command::{Command, Scope};
use crate::context::connect::proof::Entering;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::select;

pub const COMMAND: Command = Command {
    name: "login",
    args: "[controller host name or address]",
    purpose: "Logs a user in to a controller.",
    doc: "Asks for the password once; what is kept is good for a day, or until the password is changed. Without --user the name is asked for.\n\
          With --no-prompt the password is a line of standard input.\n\n\
          The controller is one that this client knows: the current one, or that of --controller. A host name or an address, with a port or\n\
          without, makes another known, under the name of --controller, or else of the host. Its CA certificate is shown by its fingerprint, to be\n\
          compared with that of 'juju show-controller' at a client that knows it; --trust takes any. Nothing is kept before the login has worked.",
    examples: "\n    juju login\n    juju login -u bob\n    juju login -c mycontroller -u bob\n    juju login -c other -u bob 10.0.0.5:17070\n    echo \"$PASSWORD\" | juju login -u bob --no-prompt",
    see_also: &["logout", "register", "change-user-password", "disable-user", "enable-user"],
    flags: &[
        Flag::bool(&["no-prompt"], "don't prompt for password just read a line from stdin"),
        Flag::bool(&["trust"], "automatically trust controller CA certificate"),
        Flag::text(&["u", "user"], "log in as this local user"),
    ],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// How long a controller that does not answer is tried.
const PATIENCE: Duration = Duration::from_secs(30);

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    if let Some(host) = context.args.get(0).map(str::to_owned) {
        return match host::enter(context, &host).await {
            Ok(Some(api)) => welcome(context, &api).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error.context(&format!("cannot log into {host:?}"))),
        };
    }
    let name = context.controller_name().map_err(|error| match known_none(context) {
        true => Error::failed("no current controller"),
        false => error,
    })?;
    match enter(context, &name).await {
        Ok(Some(api)) => welcome(context, &api).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error.context(&format!("cannot log into controller {name:?}"))),
    }
}

fn known_none(context: &Context) -> bool {
    context.args.maybe("c").is_none() && context.store.controllers().is_ok_and(|all| all.controllers.is_empty())
}

/// Whom the line names: nobody, or one who may be.
pub fn wanted(context: &Context) -> Result<Option<String>> {
    let wanted = context.args.maybe("u").map(str::to_owned);
    if let Some(user) = wanted.as_deref().filter(|user| !select::is_user(user)) {
        return Err(Error::failed(format!(
            "user name {user:?} not valid\n\
             A user name may contain any case alpha-numeric characters, '+', '.', and '-'; \n\
             '@' to specify an optional domain. The user name and domain must begin and end \n\
             with alpha-numeric characters. Examples of valid users include bob, Bob@local, bob@somewhere-else, 0-a-f@123"
        )));
    }
    Ok(wanted)
}

/// The connection of whoever is logged in now; nothing when it was so already.
pub async fn enter(context: &mut Context, name: &str) -> Result<Option<Api>> {
    let wanted = wanted(context)?;
    if let Some(account) = context.account(name)?.filter(|account| !account.user.is_empty()) {
        if wanted.as_ref().is_some_and(|user| *user != account.user) {
            let (user, program) = (account.user, &context.program);
            return Err(Error::failed(format!(
                "already logged in as {user}.\n\n\
                 Run \"{program} logout\" first before attempting to log in as a different user."
            )));
        }
        context.controller_api_of(name).await?;
        return Ok(None);
    }
    let entry = context.store.controllers()?.controllers.get(name).cloned();
    let entry = entry.ok_or_else(|| select::controller_not_found(name))?;
    let target = Target { addresses: entry.api_endpoints.clone(), ca_pem: entry.ca_cert.clone() };
    let mut who = proving(context, wanted);
    let connection = match log_in(context, name, &target, &mut who, PATIENCE).await {
        Ok(connection) => connection,
        Err(Entering::Proof(error)) => return Err(error),
        Err(Entering::Login(error)) => return Err(context.explain_login(error, name)),
    };
    let user = logged_in(&connection).unwrap_or_else(|| who.user.clone());
    remember(context, name, &user)?;
    context.keep_proof(name, &entry.uuid, &who)?;
    context.learn(name, &connection)?;
    let controller = name.to_owned();
    Ok(Some(Api { connection, controller, user, model: String::new(), model_uuid: String::new() }))
}

/// Who is to log in; without a name it is asked for when the controller wants one.
pub fn proving(context: &Context, wanted: Option<String>) -> Credentials {
    let user = wanted.map(|user| user.strip_suffix("@local").unwrap_or(&user).to_owned());
    Credentials { user: user.unwrap_or_default(), cli_args: context.audited(), ..Credentials::default() }
}

/// Opens a connection, asking for what lacks. A controller that does not answer is tried for a while.
pub async fn log_in(
    context: &mut Context,
    name: &str,
    target: &Target,
    who: &mut Credentials,
    patience: Duration,
) -> Result<Connection, Entering> {
    let until = context.deadline(patience);
    loop {
        match context.enter(name, target, Place::Controller, who, "").await {
            Err(Entering::Login(LoginError::Refused(error)))
                if error.code == wire::code::NO_CREDENTIALS
                    && who.user.is_empty()
                    && !context.args.is_set("no-prompt") =>
            {
                who.user = ask_user(context).map_err(Entering::Proof)?;
            }
            Err(Entering::Login(LoginError::Dial(error)))
                if error.is_transient() && tokio::time::Instant::now() < until =>
            {
                context.sleep(Duration::from_secs(2)).await;
            }
            other => return other,
        }
    }
}

/// Whom the controller takes us for.
pub fn logged_in(connection: &client::Connection) -> Option<String> {
    let identity = &connection.login_result().user_info.as_ref()?.identity;
    let user = identity.strip_prefix("user-").unwrap_or(identity);
    (!user.is_empty()).then(|| user.to_owned())
}

/// From now on commands are this user's.
pub fn remember(context: &Context, controller: &str, user: &str) -> Result<()> {
    context.store.update(|all: &mut Accounts| {
        let account = Account { user: user.to_owned(), ..Account::default() };
        all.controllers.insert(controller.to_owned(), account);
        Ok::<_, Error>(())
    })
}

fn ask_user(context: &mut Context) -> Result<String> {
    loop {
        let answer = context.ask("Enter username: ")?;
        match answer.as_deref().map(str::trim) {
            Some("") => {}
            Some(user) => return Ok(user.to_owned()),
            None => {
                context.note("\n");
                return Err(Error::failed("EOF"));
            }
        }
    }
}
