//! `login HOST`: at a controller that this client knows by nothing but where it is.
//!
//! ```text
//!   host shows its CA --> user says that it is the controller's (or --trust) --> login --> the controller is kept
//! ```
//! Must not keep anything before the login has worked. The surprise: a host that is an address of a known controller is that controller,
//! whose CA is known, so that nothing is asked.

use std::time::Duration;

use client::files::{Controller, Controllers};
use client::probe::{Shown, probe};
use client::{Connection, DialError, LoginError, Target};

use super::login;
use crate::context::connect::proof::Entering;
use crate::context::connect::redirect::fingerprint;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::select;

/// Where controllers listen when nobody says otherwise: our own, and those that the public reaches.
const PORTS: [u16; 2] = [17070, 443];

/// A host as it was typed.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    /// Without port and brackets.
    name: String,
    /// `host:port`, the likelier first.
    addresses: Vec<String>,
}

impl Host {
    fn read(typed: &str) -> Result<Host> {
        let invalid = || Error::failed("it is no host name or address: want HOST, HOST:PORT, or [IPV6]:PORT");
        let (name, port) = match typed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, "")) => (name, None),
            Some((name, rest)) => (name, Some(rest.strip_prefix(':').ok_or_else(invalid)?)),
            None if typed.parse::<std::net::Ipv6Addr>().is_ok() => (typed, None),
            None => typed.split_once(':').map_or((typed, None), |(name, port)| (name, Some(port))),
        };
        let is_v6 = name.parse::<std::net::Ipv6Addr>().is_ok();
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
            && name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !(is_v6 || is_name && !typed.starts_with('[')) {
            return Err(invalid());
        }
        let ports = match port {
            None => PORTS.to_vec(),
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(invalid()),
                Ok(port) => vec![port],
            },
        };
        let at = |port: u16| if is_v6 { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
        Ok(Host { name: name.to_owned(), addresses: ports.into_iter().map(at).collect() })
    }

    /// What its controller is called when nobody says otherwise.
    fn called(&self) -> String {
        self.name.replace(':', "-").to_lowercase()
    }
}

/// The connection of whoever is logged in now; nothing when it was so already.
pub async fn enter(context: &mut Context, typed: &str) -> Result<Option<Api>> {
    let host = Host::read(typed)?;
    let wanted = login::wanted(context)?;
    let named = context.args.maybe("c").map(str::to_lowercase);
    let all = context.store.controllers()?;
    let is_at = |one: &Controller| one.api_endpoints.iter().any(|known| host.addresses.contains(known));
    if let Some((known, _)) = all.controllers.iter().find(|(_, one)| is_at(one)) {
        let known = known.clone();
        if named.is_some_and(|named| named != known) {
            return Err(known_as(context, &known));
        }
        return login::enter(context, &known).await;
    }
    let name = free_name(context, &all, named, &host, typed)?;
    let shown = probe(&host.name, &host.addresses).await.map_err(|error| Error::connection(base::chain(&error)))?;
    trusted(context, &name, typed, &shown)?;
    let target = Target { addresses: vec![shown.address.clone()], ca_pem: shown.ca_pem.clone() };
    let mut who = login::proving(context, wanted);
    let connection = match login::log_in(context, &name, &target, &mut who, Duration::ZERO).await {
        Ok(connection) => connection,
        Err(Entering::Proof(error)) => return Err(error),
        Err(Entering::Login(error)) => return Err(explain(context, error, &name)),
    };
    let uuid = keep(context, &name, &shown, &connection)?;
    let user = login::logged_in(&connection).unwrap_or_else(|| who.user.clone());
    login::remember(context, &name, &user)?;
    context.keep_proof(&name, &uuid, &who)?;
    context.learn(&name, &connection)?;
    Ok(Some(Api { connection, controller: name, user, model: String::new(), model_uuid: String::new() }))
}

fn known_as(context: &Context, known: &str) -> Error {
    let program = &context.program;
    Error::failed(format!("this client knows the controller as {known:?}: use `{program} login -c {known}`"))
}

/// The name that the controller gets in the client store.
fn free_name(context: &Context, all: &Controllers, named: Option<String>, host: &Host, typed: &str) -> Result<String> {
    let name = named.clone().unwrap_or_else(|| host.called());
    if !select::is_controller_name(&name) {
        return Err(Error::failed(format!("controller name {name:?} is not valid")));
    }
    if !all.controllers.contains_key(&name) {
        return Ok(name);
    }
    let program = &context.program;
    Err(Error::failed(match named {
        None => format!(
            "{name:?} is a controller that this client knows at other addresses: use `{program} login -c {name}` for it, \
             or `{program} login -c NAME {typed}` to log in at that host"
        ),
        Some(_) => format!(
            "controller {name:?} is known already, at other addresses: give another name, or `{program} unregister {name}` first"
        ),
    }))
}

/// Asks whether what the host showed is the controller's.
fn trusted(context: &mut Context, name: &str, typed: &str, shown: &Shown) -> Result<()> {
    let Some(print) = fingerprint(&shown.ca_pem) else {
        return Err(Error::failed(format!(
            "{} shows no certificate of a controller's own CA: it is none, or one behind a public certificate, which is \
             not supported; use the `register` command that an administrator of the controller gives you",
            shown.address
        )));
    };
    if context.args.is_set("trust") {
        return Ok(());
    }
    let presented = format!(
        "Controller {name:?} ({typed}) presented a CA cert that could not be verified.\nCA fingerprint: [{print}]"
    );
    if context.args.is_set("no-prompt") {
        return Err(Error::failed(format!("controller CA not trusted\n\n{presented}\n--trust accepts it unasked")));
    }
    let answer = context.ask(&format!("{presented}\nTrust remote controller? (y/N): "))?.unwrap_or_default();
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::failed("controller CA not trusted")),
    }
}

fn explain(context: &Context, error: LoginError, name: &str) -> Error {
    match error {
        LoginError::Dial(DialError::Untrusted { address, .. }) => Error::connection(format!(
            "{address} is no controller: its certificate is not the one that a controller's CA gives it"
        )),
        LoginError::Dial(DialError::Websocket { address, why }) => {
            Error::connection(format!("{address} answers, but not as a controller does: {why}"))
        }
        other => context.explain_login(other, name),
    }
}

/// Makes the controller known, and gives its uuid.
fn keep(context: &Context, name: &str, shown: &Shown, connection: &Connection) -> Result<String> {
    let login = connection.login_result();
    let uuid = login.controller_tag.strip_prefix("controller-").unwrap_or_default().to_owned();
    if uuid.is_empty() {
        return Err(Error::failed("the controller does not say its uuid, without which it cannot be kept"));
    }
    context.store.update(|all: &mut Controllers| {
        if let Some((known, _)) = all.controllers.iter().find(|(_, one)| one.uuid == uuid) {
            return Err(known_as(context, known));
        }
        let entry = Controller {
            uuid: uuid.clone(),
            api_endpoints: vec![shown.address.clone()],
            ca_cert: shown.ca_pem.clone(),
            ..Controller::default()
        };
        all.controllers.insert(name.to_owned(), entry);
        all.current_controller = Some(name.to_owned());
        Ok(())
    })?;
    Ok(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_with_its_port_or_without() {
        let check = |typed: &str, expected: Option<(&str, &[&str])>| {
            let read = Host::read(typed).ok().map(|host| (host.called(), host.addresses));
            let expected =
                expected.map(|(name, all)| (name.to_owned(), all.iter().map(|one| (*one).to_owned()).collect()));
            assert_eq!(read, expected, "{typed}");
        };
        check("Ctl.example", Some(("ctl.example", &["Ctl.example:17070", "Ctl.example:443"])));
        check("10.0.0.5:17071", Some(("10.0.0.5", &["10.0.0.5:17071"])));
        check("fd00::5", Some(("fd00--5", &["[fd00::5]:17070", "[fd00::5]:443"])));
        check("[fd00::5]:1", Some(("fd00--5", &["[fd00::5]:1"])));
        for wrong in
            ["", ":1", "a:", "a:0", "a:70000", "a:b", "a/b", "https://a", "[a]:1", "[fd00::5]1", "-a", "a b", "a:1:2"]
        {
            check(wrong, None);
        }
    }
}
