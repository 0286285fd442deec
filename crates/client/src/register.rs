//! Setting a first password with a registration token (`wire/protocol.md` 6.8). The surprise: whoever answers is not known yet. What is
//! sent and what comes back is under the token's key, so that nobody else can read the one or make the other.

use crate::dial::DialError;
use crate::post::{PostError, post};
use base::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use wire::registration::Registration;
use wire::secretbox::{self, KEY, NONCE};

const STAGGER: Duration = Duration::from_millis(50);

/// What the controller tells of itself.
#[derive(Debug)]
pub struct Registered {
    pub ca_pem: String,
    pub uuid: String,
    /// The address that answered, `host:port`.
    pub address: String,
    /// A `Cookie` header that proves the user for a moment.
    pub cookie: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("the token holds no key")]
    NoKey,
    #[error("the token names no address")]
    NoAddress,
    #[error(transparent)]
    Post(#[from] PostError),
    /// In the server's words, with its code.
    #[error("{0}")]
    Refused(wire::Error),
    #[error("{0} answers, and has not the token's key")]
    NotIts(String),
    #[error("cannot set up TLS")]
    Tls(#[source] rpc::tls::TlsError),
    #[error("the system has no random numbers")]
    NoChance,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Envelope {
    user: String,
    nonce: String,
    cipher_text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Told {
    ca_cert: String,
    controller_uuid: String,
}

#[derive(Deserialize)]
struct Failed {
    error: wire::Error,
}

/// The first of the token's addresses on which somebody speaks TLS.
pub async fn reachable(addresses: &[String]) -> Result<String, RegisterError> {
    let config = rpc::tls::unverified_config().map_err(RegisterError::Tls)?;
    let mut tries = tokio::task::JoinSet::new();
    for (number, address) in addresses.iter().cloned().enumerate() {
        let config = config.clone();
        tries.spawn(async move {
            tokio::time::sleep(STAGGER * u32::try_from(number).unwrap_or(u32::MAX)).await;
            crate::dial::secure(&address, config).await.map(|_| address)
        });
    }
    let mut last: Option<DialError> = None;
    while let Some(tried) = tries.join_next().await {
        match tried {
            Ok(Ok(address)) => return Ok(address),
            Ok(Err(error)) => last = Some(error),
            Err(_) => {}
        }
    }
    Err(last.map_or(RegisterError::NoAddress, |error| RegisterError::Post(PostError::Dial(error))))
}

/// Sets the password at `address`. The token is worth nothing afterwards.
pub async fn register(token: &Registration, address: &str, password: &Secret) -> Result<Registered, RegisterError> {
    let key: [u8; KEY] = token.key.as_slice().try_into().map_err(|_| RegisterError::NoKey)?;
    let mut nonce = [0u8; NONCE];
    getrandom::fill(&mut nonce).map_err(|_| RegisterError::NoChance)?;
    let clear = json!({"password": password.reveal()}).to_string();
    let envelope = Envelope {
        user: format!("user-{}", token.user),
        nonce: STANDARD.encode(nonce),
        cipher_text: STANDARD.encode(secretbox::seal(&key, &nonce, clear.as_bytes())),
    };
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    let config = rpc::tls::unverified_config().map_err(RegisterError::Tls)?;
    let headers = [("Content-Type", "application/json"), ("Bakery-Protocol-Version", "3")];
    let posted = post(address, config, wire::path::REGISTER, &headers, body).await?;
    if posted.status != 200 {
        let failed = serde_json::from_slice(&posted.body).map(|Failed { error }| error);
        let words = format!("HTTP status {}", posted.status);
        return Err(RegisterError::Refused(failed.unwrap_or_else(|_| wire::Error::new(words, ""))));
    }
    let not_its = || RegisterError::NotIts(address.to_owned());
    let answer: Envelope = serde_json::from_slice(&posted.body).map_err(|_| not_its())?;
    let decoded = |text: &str| STANDARD.decode(text).ok();
    let nonce: [u8; NONCE] = decoded(&answer.nonce).and_then(|nonce| nonce.try_into().ok()).ok_or_else(not_its)?;
    let clear = decoded(&answer.cipher_text).and_then(|boxed| secretbox::open(&key, &nonce, &boxed));
    let told: Told = clear.and_then(|clear| serde_json::from_slice(&clear).ok()).ok_or_else(not_its)?;
    Ok(Registered {
        ca_pem: told.ca_cert,
        uuid: told.controller_uuid,
        address: address.to_owned(),
        cookie: posted.cookies.join("; "),
    })
}
