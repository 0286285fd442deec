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

pub async fn login(session: &Session, params: Value) -> Result<(String, LoginResult), Refused> {
    let request: LoginRequest = lenient::from_value(params).map_err(|cause| Refused::Text(cause.to_string()))?;
    let user = who(session, &request).await?;
    admitted(session, &user)?;
    let model = session.model();
    let shared = session.shared();
    // Being late with "last seen" must not keep anybody out.
    if let Err(refusal) = shared.state.change(|beliefs, given| change::login::seen(beliefs, &user, model, given)).await
    {
        tracing::warn!(words = refusal.words(), context = refusal.context(), "last login not noted");
    }
    Ok((user.clone(), result(session, &user)?))
}

/// Checks who it is.
async fn who(session: &Session, request: &LoginRequest) -> Result<String, Refused> {
    if request.auth_tag.is_empty() {
        let nothing = request.credentials.is_empty() && request.macaroons.is_empty();
        return Err(match nothing {
            // `juju login` without a name asks for one when it reads this code.
            true => Refused::Code("no credentials provided", code::NO_CREDENTIALS),
            false => Refusal::new(Kind::Unauthorized, "failed to authenticate request: unauthorized").into(),
        });
    }
    let tag: Tag =
        request.auth_tag.parse().map_err(|invalid: base::tag::TagError| Refused::Text(invalid.to_string()))?;
    let Tag::User(user) = tag else {
        // Juju's own agents are not served.
        return Err(wrong().into());
    };
    if request.credentials.is_empty() {
        return Err(Refused::Code("no credentials provided", code::NO_CREDENTIALS));
    }
    verify(session.shared(), session.source(), &user, Secret::new(request.credentials.clone())).await?;
    Ok(user)
}

/// The password is this user's, and the user is in use.
pub async fn verify(shared: &Shared, from: Source, user: &str, password: Secret) -> Result<(), Refusal> {
    let stored = {
        let read = shared.state.read();
        let record = read.users.get(user).filter(|user| !user.removed && !user.disabled);
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
