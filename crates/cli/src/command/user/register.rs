//! `register`: the first login of a user who was given a token: sets the password, and makes the controller known to this client.
//!
//! The surprise: all is asked before anything is sent, since the token is good once.

use base::Secret;
use client::files::{Controller, Controllers};
use client::register::{RegisterError, Registered, reachable, register};
use client::{Credentials, Place, Target};
use wire::registration::Registration;

use crate::command::user::login::remember;
use crate::command::user::welcome::welcome;
use crate::command::{Command, Scope};
use crate::context::connect::proof::Entering;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::select;

pub const COMMAND: Command = Command {
    name: "register",
    args: "<registration string>",
    purpose: "Registers a controller.",
    doc: "Takes what `add-user`, or `change-user-password --reset`, printed. Asks for a new password and for the name that this client gives the\n\
          controller, sets the password, and logs in. The string is good once, and it is all that is needed: nobody else is to see it.",
    examples: "\n    juju register MFATA3JvZDAnExMxMDQuMTU0LjQyLjQ0OjE3MDcwExAxMC4xMjguMC4yOjE3MDcw\n    juju register --replace \
               MFATA3JvZDAnExMxMDQuMTU0LjQyLjQ0OjE3MDcwExAxMC4xMjguMC4yOjE3MDcw",
    see_also: &["add-user", "change-user-password", "login", "unregister"],
    flags: &[Flag::bool(&["replace"], "Replace any existing controller")],
    scope: Scope::None,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(text) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("registration string required"));
    };
    context.args.at_most(1)?;
    if text.contains('.') || text == "localhost" {
        return Err(Error::failed(format!(
            "cannot register {text:?}: controllers that are known by their host alone are not supported; \
             use the string that an administrator of the controller gives you"
        )));
    }
    let token = Registration::read(&text).map_err(|bad| Error::failed(format!("invalid registration token: {bad}")))?;
    let all = context.store.controllers()?;
    let known = known_by_address(&all, &token);
    if let Some(known) = &known {
        refuse_known(context, known, &token)?;
    }
    let password = new_password(context).await?;
    let name = ask_name(context, &all, known.as_deref(), &token.controller)?;
    let cannot_reach = || {
        let addresses = token.addresses.join(", ");
        Error::connection(format!(
            "Cannot reach controller {name:?} at: {addresses}.\nCheck that the controller ip is reachable from your network."
        ))
    };
    let address = reachable(&token.addresses).await.map_err(|_| cannot_reach())?;
    let done = register(&token, &address, &password).await.map_err(|error| explain(context, error))?;
    keep(context, &name, known.as_deref(), &token, &done)?;
    context.info(format!("Initial password successfully set for {}.", token.user));
    let api = enter(context, &name, &token, &done, &password).await?;
    context.note("\n");
    welcome(context, &api).await
}

/// A controller that this client knows by one of the token's addresses.
fn known_by_address(all: &Controllers, token: &Registration) -> Option<String> {
    let has = |one: &Controller| one.api_endpoints.iter().any(|known| token.addresses.contains(known));
    all.controllers.iter().find(|(_, one)| has(one)).map(|(name, _)| name.clone())
}

fn refuse_known(context: &Context, known: &str, token: &Registration) -> Result<()> {
    let program = &context.program;
    let head = format!("A controller with the same address has already been registered on this client as {known:?}.");
    match context.account(known)? {
        Some(account) => Err(Error::failed(format!(
            "{head}\nYou are already logged in as user {:?}.\n\
             To update controller details and login as user {:?}:\n    \
             1. run '{program} logout'\n    \
             2. re-run '{program} register --replace' with your registration string.\n",
            account.user, token.user
        ))),
        None if context.args.is_set("replace") => Ok(()),
        None => Err(Error::failed(format!("{head}\nTo login run '{program} login -c {known}'."))),
    }
}

async fn new_password(context: &mut Context) -> Result<Secret> {
    let eof = || Error::failed("cannot read password: EOF");
    let first = context.ask_unseen("Enter a new password: ").await?.ok_or_else(eof)?;
    if first.is_empty() {
        return Err(Error::failed("you must specify a non-empty password"));
    }
    let second = context.ask_unseen("Confirm password: ").await?.ok_or_else(eof)?;
    if first != second {
        return Err(Error::failed("passwords do not match"));
    }
    Ok(Secret::new(first))
}

fn ask_name(context: &mut Context, all: &Controllers, known: Option<&str>, suggested: &str) -> Result<String> {
    let shown = match known {
        Some(known) => format!(" [replace {known}]"),
        None if suggested.is_empty() || all.controllers.contains_key(suggested) => String::new(),
        None => format!(" [{suggested}]"),
    };
    loop {
        let answer = context.ask(&format!("Enter a name for this controller{shown}: "))?;
        let answer = answer.ok_or_else(|| Error::failed("cannot read the controller's name: EOF"))?;
        let name = match (answer.trim(), known) {
            ("", Some(known)) => return Ok(known.to_owned()),
            ("", None) if shown.is_empty() => {
                context.note("You must specify a non-empty controller name.\n");
                continue;
            }
            ("", None) => suggested.to_owned(),
            (typed, _) => typed.to_lowercase(),
        };
        if !select::is_controller_name(&name) {
            context.note(format!("Controller name {name:?} is not valid.\n"));
        } else if all.controllers.contains_key(&name) && Some(name.as_str()) != known {
            context.note(format!("Controller {name:?} already exists.\n"));
        } else {
            return Ok(name);
        }
    }
}

fn explain(context: &Context, error: RegisterError) -> Error {
    match error {
        RegisterError::Refused(refused) if matches!(refused.code.as_str(), "not found" | "bad request") => {
            Error::failed(format!(
                "Provided registration token may have expired.\n\
                 A controller administrator must reset your user to issue a new token.\n\
                 See \"{} help change-user-password\" for more information.",
                context.program
            ))
        }
        RegisterError::Refused(refused) => Error::from_result(&refused.message, &refused.code),
        other => Error::connection(base::chain(&other)),
    }
}

fn keep(context: &Context, name: &str, known: Option<&str>, token: &Registration, done: &Registered) -> Result<()> {
    context.store.update(|all: &mut Controllers| {
        if let Some((other, _)) =
            all.controllers.iter().find(|(other, one)| one.uuid == done.uuid && Some(other.as_str()) != known)
        {
            return Err(Error::failed(format!(
                "the password is set, and this client knows the controller already, as {other:?}: log in there with \
                 `{} login -c {other} -u {}`",
                context.program, token.user
            )));
        }
        if let Some(known) = known.filter(|known| *known != name) {
            all.controllers.shift_remove(known);
        }
        let mut addresses = vec![done.address.clone()];
        addresses.extend(token.addresses.iter().filter(|address| **address != done.address).cloned());
        let entry = Controller {
            uuid: done.uuid.clone(),
            api_endpoints: addresses,
            ca_cert: done.ca_pem.clone(),
            ..Controller::default()
        };
        all.controllers.insert(name.to_owned(), entry);
        all.current_controller = Some(name.to_owned());
        Ok(())
    })?;
    remember(context, name, &token.user)
}

/// By the cookie that came with the registration; with the password where a server gave none.
async fn enter(
    context: &mut Context,
    name: &str,
    token: &Registration,
    done: &Registered,
    password: &Secret,
) -> Result<Api> {
    let target = Target { addresses: vec![done.address.clone()], ca_pem: done.ca_pem.clone() };
    let mut who = Credentials { user: token.user.clone(), cli_args: context.audited(), ..Credentials::default() };
    if done.cookie.is_empty() {
        context.prove_with(&target, Place::Controller, &mut who, password).await?;
    }
    let entered = context.enter(name, &target, Place::Controller, &mut who, &done.cookie).await;
    let connection = entered.map_err(|error| match error {
        Entering::Login(error) => context.explain_login(error, name),
        Entering::Proof(error) => error,
    })?;
    context.keep_proof(name, &done.uuid, &who)?;
    context.learn(name, &connection)?;
    let (controller, user) = (name.to_owned(), token.user.clone());
    Ok(Api { connection, controller, user, model: String::new(), model_uuid: String::new() })
}
