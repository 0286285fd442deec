//! Connecting as the user of a controller, to the controller or to one of its models; asking over the connection.
//!
//! Must not know commands. The surprise: each connection writes what it learned (addresses, version, access) back to
//! the client store, because the next one, perhaps the stock command's, starts from there.

use base::chain;
use std::time::Duration;

use base::ModelUuid;
use client::files::{Accounts, Controller, Controllers};
use client::{CallError, Connection, Credentials, DialError, LoginError, Place, Target};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Context;
use crate::error::{Error, Result};
use crate::manual::controller::is_ours;
use crate::select;
use proof::Entering;

mod models;
pub(crate) mod proof;
pub mod redirect;

/// How long a controller that refuses connections is tried; the original takes ten minutes without a word.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a command line.
const AUDITED: usize = 4096;
const PAUSE: Duration = Duration::from_secs(2);

/// A connection that is logged in.
#[derive(Clone)]
pub struct Api {
    pub connection: Connection,
    /// The controller's name in the client store.
    pub controller: String,
    /// The user's name, `admin`.
    pub user: String,
    /// `owner/model`; empty on a controller connection.
    pub model: String,
    /// Empty on a controller connection.
    pub model_uuid: String,
}

impl Context {
    /// A connection to the controller this command works on.
    pub async fn controller_api(&mut self) -> Result<Api> {
        let name = self.controller_name()?;
        self.controller_api_of(&name).await
    }

    /// A connection to a controller by name.
    pub async fn controller_api_of(&mut self, name: &str) -> Result<Api> {
        self.open(name, Place::Controller, self.deadline(PATIENCE)).await
    }

    /// The same, giving up after a while.
    pub async fn controller_api_within(&mut self, name: &str, patience: Duration) -> Result<Api> {
        self.open(name, Place::Controller, self.deadline(patience)).await
    }

    /// A connection to the model this command works on.
    pub async fn model_api(&mut self) -> Result<Api> {
        let selected = match &self.selected {
            Some(selected) => selected.clone(),
            None => select::model(&self.store, &self.io, self.args.maybe("m"))?,
        };
        self.model_api_of(&selected).await
    }

    /// A connection to a model by what names it.
    pub async fn model_api_of(&mut self, selected: &select::ModelRef) -> Result<Api> {
        if self.account(&selected.controller)?.is_none() {
            return Err(Error::failed(format!("controller \"{}\": not logged", selected.controller)));
        }
        let (name, uuid) = self.find_model(selected).await?;
        let place = Place::Model(uuid.parse::<ModelUuid>().map_err(|e| Error::failed(e.to_string()))?);
        match self.open(&selected.controller, place, self.deadline(PATIENCE)).await {
            Ok(mut api) => {
                api.model = name;
                api.model_uuid = uuid;
                Ok(api)
            }
            Err(error) if error.code() == "model not found" => {
                Err(self.model_is_gone(&selected.controller, &name).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// Where a controller is and who we are there, for streams that are no calls.
    pub fn target(&self, controller: &str) -> Result<(Target, Credentials)> {
        let all = self.store.controllers()?;
        let entry = all.controllers.get(controller).ok_or_else(|| select::controller_not_found(controller))?;
        let account = self
            .account(controller)?
            .ok_or_else(|| Error::failed(format!("account details for controller {controller} not found")))?;
        let target = Target { addresses: entry.api_endpoints.clone(), ca_pem: entry.ca_cert.clone() };
        let password = account.password.clone().unwrap_or_default();
        let macaroons = match password.is_empty() {
            true => self.store.macaroons(controller, &entry.uuid, self.now()),
            false => Vec::new(),
        };
        let who = Credentials { user: account.user.clone(), password, macaroons, cli_args: self.audited() };
        Ok((target, who))
    }

    /// The line as the controller's audit gets it: a login has a bound, a line has none.
    pub(crate) fn audited(&self) -> String {
        let line = self.line.join(" ");
        if line.len() <= AUDITED {
            return line;
        }
        let end = (0..=AUDITED).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        format!("{}...", &line[..end])
    }

    async fn open(&mut self, name: &str, place: Place, until: tokio::time::Instant) -> Result<Api> {
        let (target, mut who) = self.target(name)?;
        let kept = who.macaroons.clone();
        let mut told = false;
        self.log("INFO", "juju.juju", &format!("connecting to API addresses: {:?}", target.addresses));
        let connection = loop {
            match self.enter(name, &target, place, &mut who, "").await {
                Ok(connection) => break connection,
                Err(Entering::Proof(error)) => return Err(error.unproven()),
                Err(Entering::Login(LoginError::Dial(e))) if e.is_transient() && self.is_down(name) => {
                    return Err(Error::connection(format!(
                        "unable to connect to API: {e}\n\nController {name:?} does not run on this host. Start it again with\n\n    \
                         juju start-controller {name}"
                    )));
                }
                Err(Entering::Login(LoginError::Dial(e)))
                    if e.is_transient() && tokio::time::Instant::now() < until =>
                {
                    self.log("DEBUG", "juju.api", &format!("{e}; trying again"));
                    // Scripts know the words of the end, and no others.
                    if self.io.stderr_is_terminal && !std::mem::replace(&mut told, true) {
                        self.info(format!("Controller {name:?} does not answer ({e}); trying for a while"));
                    }
                    self.sleep(PAUSE).await;
                }
                Err(Entering::Login(LoginError::Dial(e))) if e.is_transient() && self.is_startable(name) => {
                    return Err(Error::connection(format!(
                        "unable to connect to API: {e}\n\nIf what controller {name:?} runs in was stopped, start it again with\n\n    \
                         juju start-controller {name}"
                    )));
                }
                Err(Entering::Login(error)) => return Err(self.explain_login(error, name)),
            }
        };
        let login = connection.login_result();
        let identity = login.user_info.as_ref().map(|i| i.identity.clone()).unwrap_or_default();
        let logged_in = identity.strip_prefix("user-").unwrap_or(&identity);
        if !logged_in.is_empty() && logged_in != who.user {
            return Err(Error::failed(format!("attempted login as {logged_in:?} for user {:?}", who.user)));
        }
        if who.macaroons != kept {
            let uuid =
                self.store.controllers()?.controllers.get(name).map(|entry| entry.uuid.clone()).unwrap_or_default();
            self.keep_proof(name, &uuid, &who)?;
        }
        self.learn(name, &connection)?;
        Ok(Api {
            connection,
            controller: name.to_owned(),
            user: who.user,
            model: String::new(),
            model_uuid: String::new(),
        })
    }

    /// It is to run on this very host, and does not: nothing to wait for.
    fn is_down(&self, name: &str) -> bool {
        let uuid = self.store.controllers().ok().and_then(|all| all.controllers.get(name).map(|one| one.uuid.clone()));
        let here = self.injected.bootstrapper.as_ref();
        here.zip(uuid).is_some_and(|(here, uuid)| here.is_down(&uuid))
    }

    /// It was bootstrapped from here, in an instance of a cloud or on a host, where `start-controller` finds it.
    fn is_startable(&self, name: &str) -> bool {
        let all = self.store.controllers().unwrap_or_default();
        let noted = self.store.bootstrap_configs().is_ok_and(|all| all.controllers.contains_key(name));
        noted && all.controllers.get(name).and_then(|one| one.agent_version.as_deref()).is_some_and(is_ours)
    }

    pub(crate) fn explain_login(&self, error: LoginError, controller: &str) -> Error {
        match error {
            LoginError::Dial(DialError::Untrusted { .. }) => Error::connection(
                "unable to connect to API: tls: failed to verify certificate: x509: certificate signed by unknown \
                 authority",
            ),
            LoginError::Dial(error) => Error::connection(format!("unable to connect to API: {error}")),
            LoginError::Refused(error) if error.code == "redirection required" => {
                let typed = self.selected.as_ref().map_or("", |s| s.model.as_str());
                let user = self.user(controller).unwrap_or_default();
                let model = select::qualify(typed, &user).unwrap_or_else(|_| typed.to_owned());
                redirect::explain(&error, &model)
            }
            LoginError::Refused(error) => Error::from_call(&error.message, &error.code),
            LoginError::Discharge(_) => Error::connection(format!(
                "cannot log in to controller {controller:?}: it takes no proof that was given"
            )),
            other => Error::connection(format!("cannot log in: {}", chain(&other))),
        }
    }

    /// Writes back what the login said.
    pub(crate) fn learn(&mut self, name: &str, connection: &Connection) -> Result<()> {
        let login = connection.login_result();
        self.store.update(|all: &mut Controllers| {
            if let Some(entry) = all.controllers.get_mut(name) {
                learn_controller(entry, connection);
            }
            Ok::<_, Error>(())
        })?;
        let access = login.user_info.as_ref().map(|i| i.controller_access.clone()).unwrap_or_default();
        self.store.update(|all: &mut Accounts| {
            if let Some(account) = all.controllers.get_mut(name).filter(|_| !access.is_empty()) {
                account.last_known_access = Some(access);
            }
            Ok::<_, Error>(())
        })?;
        Ok(self.store.ensure_cookies(name)?)
    }

    /// Waits. `GRIGRI_WAIT_SCALE` shortens all waits, for those who play sessions back.
    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time.mul_f64(self.wait_scale())).await;
    }

    pub(crate) fn deadline(&self, after: Duration) -> tokio::time::Instant {
        tokio::time::Instant::now() + after.mul_f64(self.wait_scale())
    }

    pub(crate) fn wait_scale(&self) -> f64 {
        self.io.var("GRIGRI_WAIT_SCALE").and_then(|v| v.parse().ok()).filter(|s| (0.0..=1.0).contains(s)).unwrap_or(1.0)
    }
}

fn learn_controller(entry: &mut Controller, connection: &Connection) {
    let login = connection.login_result();
    if !login.server_version.is_empty() {
        entry.agent_version = Some(login.server_version.clone());
    }
    let mut known = vec![connection.address().to_owned()];
    for address in login.servers.iter().flatten().filter(|a| a.scope != "local-machine" && a.scope != "link-local") {
        known.push(match address.value.contains(':') {
            true => format!("[{}]:{}", address.value, address.port),
            false => format!("{}:{}", address.value, address.port),
        });
    }
    if known.len() == 1 {
        // A server that does not say where it is leaves what was known.
        known.extend(entry.api_endpoints.iter().cloned());
    }
    let mut unique: Vec<String> = Vec::new();
    for address in known {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    entry.api_endpoints = unique;
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        match &error {
            CallError::Refused(refused) => Error::from_call(&refused.message, &refused.code),
            CallError::Closed | CallError::Shape { .. } => Error::connection(chain(&error)),
        }
    }
}

impl From<&wire::Error> for Error {
    /// An error of one result in a list.
    fn from(error: &wire::Error) -> Error {
        Error::from_result(&error.message, &error.code)
    }
}

impl Api {
    /// Calls a method at the best version both sides speak. A refusal becomes `Error::from_call`.
    pub async fn call<R: DeserializeOwned>(&self, facade: &str, method: &str, params: impl Serialize) -> Result<R> {
        Ok(self.connection.call_as(facade, method, params).await?)
    }

    /// The same for what answers `{"results": [{"error": …, "result": …}]}`: one outcome for each.
    pub async fn call_each(&self, facade: &str, method: &str, params: impl Serialize) -> Result<Vec<Result<Value>>> {
        let reply: Value = self.call(facade, method, params).await?;
        Ok(each(&reply))
    }

    /// The same when exactly one result is due.
    pub async fn call_one(&self, facade: &str, method: &str, params: impl Serialize) -> Result<Value> {
        let mut results = self.call_each(facade, method, params).await?;
        match results.len() {
            1 => results.remove(0),
            n => Err(Error::failed(format!("expected 1 result, got {n}"))),
        }
    }

    /// What the user may do on the controller, as the login said.
    pub fn access(&self) -> &str {
        self.connection.login_result().user_info.as_ref().map_or("", |i| i.controller_access.as_str())
    }
}

/// The outcomes in a list of results. A result without a `result` key is itself the value.
pub fn each(reply: &Value) -> Vec<Result<Value>> {
    let Some(results) = reply.get("results").and_then(Value::as_array) else { return Vec::new() };
    results
        .iter()
        .map(|entry| match entry.get("error").filter(|e| !e.is_null()) {
            Some(error) => {
                let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
                Err(Error::from_result(field("message"), field("code")))
            }
            None => Ok(entry.get("result").unwrap_or(entry).clone()),
        })
        .collect()
}
