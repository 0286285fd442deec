//! Getting a macaroon discharged by the controller itself: by a cookie of before, or by name and password (`wire/protocol.md` 3.7).
//!
//! It asks nobody for a password: between the two steps the caller does. The surprise: a controller that sends its users to another place for
//! that is told so, and nobody's password is sent there.

use crate::dial::Target;
use crate::post::{PostError, Posted, post};
use base::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::macaroon::Macaroon;

const VERSION: (&str, &str) = ("Bakery-Protocol-Version", "3");
const KIND: &str = "juju_userpass";

#[derive(Debug, thiserror::Error)]
pub enum DischargeError {
    #[error("cannot read the macaroon to discharge")]
    Macaroon,
    #[error("users of this controller log in at {0:?}, which is not supported")]
    Elsewhere(String),
    #[error("cannot get discharge from {location:?}: {source}")]
    Post { location: String, source: PostError },
    #[error("cannot get discharge from {location:?}: {why}")]
    Answer { location: String, why: String },
    /// In the server's own words: the password is wrong.
    #[error("{0}")]
    Refused(String),
    #[error("cannot read the controller's CA certificate")]
    Ca(#[source] rpc::tls::TlsError),
}

/// What is had at once, and what takes a password.
pub enum Step {
    /// The macaroon and its discharge, to log in with.
    Done(Vec<Macaroon>),
    Password(Box<Discharging>),
}

/// Stands between the question and the answer.
pub struct Discharging {
    root: Macaroon,
    location: String,
    address: String,
    path: String,
    query: String,
    config: Arc<ClientConfig>,
}

/// A macaroon as a login wants it discharged: bare, or in the form of bakery version 3.
struct Baked {
    root: Macaroon,
    /// What stands for a short id of a caveat.
    data: Value,
}

impl Baked {
    fn read(wanted: &Value) -> Option<Baked> {
        let bare = wanted.get("m").unwrap_or(wanted);
        let root = serde_json::from_value(bare.clone()).ok()?;
        Some(Baked { root, data: wanted.get("cdata").cloned().unwrap_or_default() })
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Said {
    code: String,
    message: String,
    macaroon: Option<Value>,
}

/// Asks for the discharge. `cookie`: the value of a `Cookie` header, or nothing.
pub async fn begin(target: &Target, wanted: &Value, cookie: &str) -> Result<Step, DischargeError> {
    let Baked { root, data } = Baked::read(wanted).ok_or(DischargeError::Macaroon)?;
    let mut others = root.caveats.iter().filter(|caveat| !caveat.vid.is_empty());
    let (Some(caveat), None) = (others.next(), others.next()) else { return Err(DischargeError::Macaroon) };
    let location = caveat.location.clone();
    let elsewhere = || DischargeError::Elsewhere(location.clone());
    let (address, path) =
        location.strip_prefix("https://").and_then(|rest| rest.split_once('/')).ok_or_else(elsewhere)?;
    let id = URL_SAFE_NO_PAD.encode(&caveat.id);
    let query = match data.get(&id).and_then(Value::as_str) {
        Some(data) => format!("caveat64={data}&id64={id}"),
        None => format!("id64={id}"),
    };
    let config = rpc::tls::client_config(&target.ca_pem, None).map_err(DischargeError::Ca)?;
    let (address, path) = (address.to_owned(), format!("/{path}"));
    let asked = Discharging { root, location, address, path, query, config };
    let mut headers = vec![VERSION];
    if !cookie.is_empty() {
        headers.push(("Cookie", cookie));
    }
    match asked.discharge("", &headers).await? {
        Ok(slice) => Ok(Step::Done(slice)),
        Err(said) if said.code == "interaction required" => Ok(Step::Password(Box::new(asked))),
        Err(said) => Err(asked.answered(said.message)),
    }
}

impl Discharging {
    /// Shows the password, and takes what it gives to the discharge.
    pub async fn password(self, user: &str, password: &Secret) -> Result<Vec<Macaroon>, DischargeError> {
        let form = json!({"form": {"user": user, "password": password.reveal()}}).to_string();
        let path = format!("{}/form", self.path);
        let posted = self.post(&path, &[VERSION, ("Content-Type", "application/json")], form.into_bytes()).await?;
        let said: Value = serde_json::from_slice(&posted.body).unwrap_or_default();
        if posted.status != 200 {
            let said: Said = serde_json::from_value(said).unwrap_or_default();
            return Err(DischargeError::Refused(said.message));
        }
        let token = said.pointer("/token/value").and_then(Value::as_str).and_then(|value| STANDARD.decode(value).ok());
        let token = token.ok_or_else(|| self.answered("no token in the answer".to_owned()))?;
        let proof = format!("&token64={}&token-kind={KIND}", URL_SAFE_NO_PAD.encode(token));
        self.discharge(&proof, &[VERSION]).await?.map_err(|said| self.answered(said.message))
    }

    async fn discharge(
        &self,
        proof: &str,
        headers: &[(&str, &str)],
    ) -> Result<Result<Vec<Macaroon>, Said>, DischargeError> {
        let path = format!("{}/discharge?{}{proof}", self.path, self.query);
        let posted = self.post(&path, headers, Vec::new()).await?;
        let said: Said = serde_json::from_slice(&posted.body).unwrap_or_default();
        if posted.status != 200 {
            let words = if said.message.is_empty() { format!("HTTP status {}", posted.status) } else { said.message };
            return Ok(Err(Said { message: words, ..said }));
        }
        let discharge = said.macaroon.as_ref().and_then(Baked::read).map(|baked| baked.root);
        let discharge = discharge.ok_or_else(|| self.answered("no macaroon in the answer".to_owned()))?;
        let bound = discharge.bound_to(&self.root);
        Ok(Ok(vec![self.root.clone(), bound]))
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Posted, DischargeError> {
        let posted = post(&self.address, self.config.clone(), path, headers, body).await;
        posted.map_err(|source| DischargeError::Post { location: self.location.clone(), source })
    }

    /// Where the password goes.
    pub fn location(&self) -> &str {
        &self.location
    }

    fn answered(&self, why: String) -> DischargeError {
        DischargeError::Answer { location: self.location.clone(), why }
    }
}
