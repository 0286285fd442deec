//! Logging in: who it is, whether they may, and what they are told of this controller (`wire/protocol.md` 3).
//! It holds no session. The surprise: whoever is refused learns nothing of which part was wrong, and takes as long to learn it.

use crate::auth::TooManyBad;
use crate::convert::address::host_port;
use crate::error;
use crate::server::Shared;
use crate::session::Session;
use crate::strangers::Source;
use crate::table;
use base::{Kind, Refusal, Secret, Tag};
use model::access::{self, ControllerLevel};
use model::change;
use serde::Serialize;
use serde_json::Value;
use wire::facade::admin::{AuthUserInfo, HostPort, LoginRequest};
use wire::macaroon::Macaroon;
use wire::{Error, code, lenient};

/// The answer. Of our own since facades' versions are numbers.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoginResult {
    servers: Vec<Vec<HostPort>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_tag: Option<String>,
    controller_tag: String,
    user_info: AuthUserInfo,
    facades: Vec<FacadeVersions>,
    server_version: String,
}

#[derive(Serialize)]
struct FacadeVersions {
    name: &'static str,
    versions: &'static [i64],
}

pub enum Refused {
    Refusal(Refusal),
    Code(&'static str, &'static str),
    Text(String),
}

impl Refused {
    pub fn into_wire(self) -> Error {
        match self {
            Refused::Refusal(refusal) => error::wire(&refusal),
            Refused::Code(words, code) => Error::new(words, code),
            Refused::Text(words) => Error::new(words, ""),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused::Refusal(refusal)
    }
}

const WRONG: &str = "invalid entity name or password";

pub fn wrong() -> Refusal {
    Refusal::new(Kind::Unauthorized, WRONG)
}

/// How a login goes on.
pub enum Outcome {
    In(String, Box<LoginResult>),
    /// The answer, encoded: a macaroon to get discharged first.
    Discharge(String),
}

pub async fn login(session: &Session, params: Value) -> Result<Outcome, Refused> {
    let request: LoginRequest = lenient::from_value(params).map_err(|cause| Refused::Text(cause.to_string()))?;
    let user = match who(session, &request).await? {
        Who::Is(user) => user,
        Who::Says(user) => return Ok(Outcome::Discharge(wanting(session, &user).await)),
    };
    admitted(session, &user)?;
    let model = session.model();
    let shared = session.shared();
    // Being late with "last seen" must not keep anybody out.
    if let Err(refusal) = shared.state.change(|beliefs, given| change::login::seen(beliefs, &user, model, given)).await
    {
        tracing::warn!(words = refusal.words(), context = refusal.context(), "last login not noted");
    }
    let result = result(session, &user)?;
    Ok(Outcome::In(user, Box::new(result)))
}

/// A user that is known, or only named.
enum Who {
    Is(String),
    Says(String),
}

/// Checks who it is.
async fn who(session: &Session, request: &LoginRequest) -> Result<Who, Refused> {
    let shown = match request.credentials.is_empty() {
        true => by_macaroon(session.shared(), &read(&request.macaroons)).await,
        false => None,
    };
    if request.auth_tag.is_empty() {
        let nothing = request.credentials.is_empty() && request.macaroons.is_empty();
        return match (shown, nothing) {
            (Some(user), _) => Ok(Who::Is(user)),
            // `juju login` without a name asks for one when it reads this code.
            (None, true) => Err(Refused::Code("no credentials provided", code::NO_CREDENTIALS)),
            (None, false) => {
                Err(Refusal::new(Kind::Unauthorized, "failed to authenticate request: unauthorized").into())
            }
        };
    }
    let tag: Tag =
        request.auth_tag.parse().map_err(|invalid: base::tag::TagError| Refused::Text(invalid.to_string()))?;
    let Tag::User(user) = tag else {
        // Juju's own agents are not served.
        return Err(wrong().into());
    };
    if !request.credentials.is_empty() {
        verify(session.shared(), session.source(), &user, Secret::new(request.credentials.clone())).await?;
        return Ok(Who::Is(user));
    }
    match shown {
        Some(shown) if shown == user => Ok(Who::Is(user)),
        // Nobody vouches for users of elsewhere.
        _ if user.contains('@') => Err(wrong().into()),
        _ => Ok(Who::Says(user)),
    }
}

/// The macaroons of a login; what is none is passed over.
fn read(macaroons: &[Vec<Value>]) -> Vec<Vec<Macaroon>> {
    let slices = macaroons.iter().take(MACAROONS).filter_map(|slice| {
        let slice: Result<Vec<Macaroon>, _> = slice.iter().cloned().map(serde_json::from_value).collect();
        slice.ok().filter(|slice| !slice.is_empty())
    });
    slices.collect()
}

/// Whom the macaroons log in, if they hold.
pub async fn by_macaroon(shared: &Shared, slices: &[Vec<Macaroon>]) -> Option<String> {
    if slices.is_empty() {
        return None;
    }
    let keys = shared.bakery.keys(&shared.state, &*shared.seals).await;
    let (read, now) = (shared.state.read(), shared.state.now());
    let user = slices.iter().find_map(|slice| keys.logged_in(slice, &read, now));
    shared.metrics.login(user.is_some());
    user
}

/// Of one login that are looked at.
const MACAROONS: usize = 8;

/// The same is said whether there is such a user or not.
async fn wanting(session: &Session, user: &str) -> String {
    let shared = session.shared();
    let keys = shared.bakery.keys(&shared.state, &*shared.seals).await;
    let wanting = keys.wanting(user, session.host(), shared.state.now(), &**shared.state.chance());
    let answer = serde_json::json!({
        "discharge-required": wanting,
        "bakery-discharge-required": crate::http::discharge::baked(&wanting),
        "discharge-required-error": "macaroon discharge required: a password, or a macaroon that holds, is needed",
        "server-version": shared.version,
    });
    answer.to_string()
}

/// The password is this user's, and the user is in use.
pub async fn verify(shared: &Shared, from: Source, user: &str, password: Secret) -> Result<(), Refusal> {
    let stored = {
        let read = shared.state.read();
        let record = read.users.get(user).filter(|user| user.is_in_use());
        record.and_then(|record| record.password_hash.clone())
    };
    let verified = shared.passwords.verify(from, user, stored.as_ref(), password).await;
    shared.metrics.login(matches!(verified, Ok(true)));
    match verified {
        Ok(true) => Ok(()),
        Ok(false) => Err(wrong()),
        Err(TooManyBad { wait }) => {
            let words =
                format!("too many bad passwords from this address, try again in {}s", wait.as_secs_f64().ceil());
            Err(Refusal::new(Kind::TryAgain, words))
        }
    }
}

/// May be here at all.
fn admitted(session: &Session, user: &str) -> Result<(), Refusal> {
    let read = session.shared().state.read();
    if access::on_controller(&read, user) < Some(ControllerLevel::Login) {
        return Err(Refusal::denied());
    }
    match session.model() {
        Some(model) if access::on_model(&read, user, model).is_none() => Err(Refusal::denied()),
        _ => Ok(()),
    }
}

fn result(session: &Session, user: &str) -> Result<LoginResult, Refusal> {
    let read = session.shared().state.read();
    let controller = read.controller()?;
    let model = session.model();
    let on_model = model.and_then(|model| access::on_model(&read, user, model));
    let facades = table::listed(model.is_some());
    Ok(LoginResult {
        servers: vec![controller.endpoints.iter().map(host_port).collect()],
        model_tag: model.map(|model| Tag::Model(model).to_string()),
        controller_tag: format!("controller-{}", controller.uuid),
        user_info: AuthUserInfo {
            identity: format!("user-{user}"),
            display_name: String::new(),
            controller_access: access::on_controller(&read, user)
                .map(|level| level.as_str().to_owned())
                .unwrap_or_default(),
            model_access: on_model.map(|level| level.as_str().to_owned()).unwrap_or_default(),
            ..AuthUserInfo::default()
        },
        facades: facades.map(|facade| FacadeVersions { name: facade.name, versions: facade.versions }).collect(),
        server_version: session.shared().version.clone(),
    })
}
