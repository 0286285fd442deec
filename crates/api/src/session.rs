//! One connection: what it is to, whether it is logged in, and where each of its calls goes.
//! It reads no socket (`rpc` does). The surprise: the answers to calls that lead nowhere are golden: clients match these texts and codes
//! (`wire/protocol.md` 2.2).

use crate::audit::{self, Who};
use crate::call::{Answer, Call, not_built};
use crate::error;
use crate::login;
use crate::login::Outcome;
use crate::metrics::Counted;
use crate::places::Place;
use crate::server::Shared;
use crate::strangers::{Seat, Source};
use crate::table::{self, Missing};
use crate::watcher::{Watcher, Watchers};
use base::{ModelUuid, Refusal};
use model::access::{self, Need};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::time::Instant;
use wire::envelope::Request;
use wire::{Error, code};

pub struct Session {
    shared: Arc<Shared>,
    model: Option<ModelUuid>,
    phase: Mutex<Phase>,
    pub watchers: Watchers,
    seat: Seat,
    host: String,
    /// The command line of the client that logged in.
    command: OnceLock<String>,
    _counted: Counted,
}

#[derive(Clone)]
enum Phase {
    Before,
    /// A login is being checked: a second one beside it is refused.
    Checking,
    In(Arc<Place>),
}

impl Session {
    pub fn new(shared: Arc<Shared>, model: Option<ModelUuid>, seat: Seat, host: String) -> Session {
        let phase = Mutex::new(Phase::Before);
        let (_counted, watchers) = (shared.metrics.connection(), Watchers::new(shared.metrics.clone()));
        Session { shared, model, phase, watchers, seat, host, command: OnceLock::new(), _counted }
    }

    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The model that this is a connection to; nothing on a controller connection.
    pub fn model(&self) -> Option<ModelUuid> {
        self.model
    }

    /// The host and port by which its client found this controller.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where its client is.
    pub fn source(&self) -> Source {
        self.seat.source()
    }

    fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_phase(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Takes the right to log in; only one may be at it.
    fn begin_login(&self) -> bool {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let free = matches!(*phase, Phase::Before);
        if free {
            *phase = Phase::Checking;
        }
        free
    }

    async fn answer(self: Arc<Self>, request: Request, watcher: Option<Arc<Watcher>>) -> Answer {
        let gone = self.model.is_some_and(|model| self.shared.state.read().in_model(model).is_err());
        match (self.phase(), gone) {
            // Whoever watched a model to its end hears of it, and may tidy up.
            (Phase::In(place), true) if matches!(request.facade.as_str(), "AllWatcher" | "Pinger") => {
                self.dispatch(place.user().to_owned(), request, watcher, gone).await
            }
            (_, true) => {
                let model = self.model.map(|model| model.to_string()).unwrap_or_default();
                Err(Error::new(format!("unknown model: {model:?}"), code::MODEL_NOT_FOUND))
            }
            (Phase::In(place), false) => self.dispatch(place.user().to_owned(), request, watcher, gone).await,
            (Phase::Before | Phase::Checking, false) => self.before_login(request).await,
        }
    }

    async fn before_login(self: Arc<Self>, request: Request) -> Answer {
        if request.facade != "Admin" {
            return Err(no_facade(&request));
        }
        if request.version != 3 {
            let words = "this version of Juju does not support login from old clients";
            return Err(Error::new(words, code::NOT_SUPPORTED));
        }
        match request.method.as_str() {
            "Login" if self.begin_login() => {
                // Whatever ends this, a panic or a closed connection too, another login may follow.
                let turn = LoginTurn(&self);
                let said =
                    |name: &str| request.params.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
                let (tag, command) = (said("auth-tag").to_owned(), said("cli-args").to_owned());
                let outcome = login::login(&self, request.params).await.map_err(|refused| refused.into_wire());
                let name = tag.strip_prefix("user-").unwrap_or(&tag);
                let outcome = match outcome {
                    Ok(outcome) => outcome,
                    Err(refused) => {
                        let who = Who { command: &command, ..self.who(name) };
                        self.kept(Some(audit::login(self.model, &who)), Err(&refused)).await;
                        return Err(refused);
                    }
                };
                let (user, result) = match outcome {
                    Outcome::In(user, result) => (user, result),
                    // Said to strangers, who may come back with what is asked for.
                    Outcome::Discharge(wanted) => return Ok(wanted),
                };
                let place = self.shared.connections.take(&user).map_err(|refusal| error::wire(&refusal))?;
                std::mem::forget(turn);
                self.set_phase(Phase::In(Arc::new(place)));
                self.seat.known();
                let _ = self.command.set(command);
                self.kept(Some(audit::login(self.model, &self.who(&user))), Ok("")).await;
                serde_json::to_string(&result)
                    .map_err(|cause| error::wire(&Refusal::internal("answer cannot be written", cause)))
            }
            "Login" => Err(no_facade(&request)),
            "RedirectInfo" => Err(Error::new("not redirected", "")),
            _ => Err(Error::new(
                format!("no such request - method Admin.{} is not implemented", request.method.escape_debug()),
                code::NOT_IMPLEMENTED,
            )),
        }
    }

    async fn dispatch(
        self: Arc<Self>,
        user: String,
        request: Request,
        watcher: Option<Arc<Watcher>>,
        gone: bool,
    ) -> Answer {
        let found = table::find(&request.facade, request.version, &request.method, self.model.is_some());
        let (facade, method) = found.map_err(|missing| self.missing(missing, &request))?;
        let is_watcher = facade.name.ends_with("Watcher");
        if !request.id.is_empty() && !is_watcher {
            return Err(Error::new("id not found", code::NOT_FOUND));
        }
        let read = self.shared.state.read();
        let model = match self.model {
            Some(model) => Some(model),
            // Facades of both kinds of connections speak of the controller's model on a controller connection.
            None => read.controller.as_ref().map(|controller| controller.model_uuid),
        };
        // Access to a model goes with the model; its watchers were opened by those who had it.
        let need = if gone { Need::LoggedIn } else { method.need };
        let who = self.who(&user);
        let kept = audit::begin(read.controller.as_deref(), facade.name, method, self.model, &request.params, &who);
        let may = access::allows(&read, &user, model, need);
        drop(read);
        let Some(run) = method.run.filter(|_| may) else {
            let refused = if may { not_built(facade.name, method.name) } else { error::wire(&Refusal::denied()) };
            self.kept(kept, Err(&refused)).await;
            return Err(refused);
        };
        let pending = self.shared.audit.follow(&self.shared.state, kept);
        let call = Call { session: self.clone(), user: user.clone(), id: request.id, watcher, params: request.params };
        let answer = run(call).await;
        pending.ended(outcome(answer.as_ref().map(String::as_str)).as_deref()).await;
        // A `Next` may have waited for long: what it brings is for those who may see it now.
        match is_watcher && !self.still_may(&user, model, need) {
            true => Err(error::wire(&Refusal::denied())),
            false => answer,
        }
    }

    /// Of the one who is logged in, or names itself.
    fn who<'a>(&'a self, user: &'a str) -> Who<'a> {
        let command = self.command.get().map(String::as_str).unwrap_or_default();
        Who { user, from: self.seat.source(), command }
    }

    async fn kept(&self, begun: Option<audit::Begun>, answer: Result<&str, &Error>) {
        self.shared.audit.follow(&self.shared.state, begun).ended(outcome(answer).as_deref()).await;
    }

    fn still_may(&self, user: &str, model: Option<ModelUuid>, need: Need) -> bool {
        let read = self.shared.state.read();
        let gone = self.model.is_some_and(|model| read.in_model(model).is_err());
        access::allows(&read, user, model, if gone { Need::LoggedIn } else { need })
    }

    fn missing(&self, missing: Missing, request: &Request) -> Error {
        match missing {
            Missing::Facade => no_facade(request),
            Missing::Connection => {
                let kind = if self.model.is_some() { "model" } else { "controller" };
                let words = format!("facade {:?} not supported for {kind} API connection", request.facade);
                Error::new(words, code::NOT_SUPPORTED)
            }
            Missing::Method => {
                // Whatever a client calls a method goes to terminals and logs as one line.
                let (facade, version, method) = (&request.facade, request.version, request.method.escape_debug());
                let words = format!("no such request - method {facade}({version}).{method} is not implemented");
                Error::new(words, code::NOT_IMPLEMENTED)
            }
        }
    }
}

/// Why nothing was done, as the audit has it.
fn outcome(answer: Result<&str, &Error>) -> Option<String> {
    match answer {
        Ok(body) => audit::refused_within(body),
        Err(error) => Some(error.message.clone()),
    }
}

fn no_facade(request: &Request) -> Error {
    let words = match request.version {
        0 => format!("unknown object type {:?}", request.facade),
        version => format!("unknown version ({version}) of interface {:?}", request.facade),
    };
    Error::new(words, code::NOT_IMPLEMENTED)
}

/// Gives the right to log in back when dropped.
struct LoginTurn<'a>(&'a Session);

impl Drop for LoginTurn<'_> {
    fn drop(&mut self) {
        self.0.set_phase(Phase::Before);
    }
}

impl rpc::Handler for Session {
    fn call(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
        let calls = self.shared.metrics.calls(&request.facade, &request.method);
        // A `Stop` that was sent after a `Next` must not overtake it.
        let watcher = self.watchers.find(&request.id).ok();
        Box::pin(async move {
            let begun = Instant::now();
            let answer = self.answer(request, watcher).await;
            calls.done(begun.elapsed(), answer.is_err());
            answer
        })
    }

    fn owe(&self, bytes: usize) -> Option<Box<dyn Send>> {
        match self.phase() {
            Phase::In(place) => place.owe(bytes, self.shared.limits.owed_of_user).map(|debt| Box::new(debt) as _),
            // What is answered before a login is short, and asked for one at a time.
            Phase::Before | Phase::Checking => Some(Box::new(())),
        }
    }
}
