//! `POST /register`: somebody who was given a key sets a first password (`wire/protocol.md` 6.8). Both ways everything is under that key.
//! The surprise: nobody is logged in here, and the certificate is one that the client does not know yet. The key is all the trust there is,
//! so the answer brings the controller's certificate under it.

use super::{Reply, body, json};
use crate::error;
use crate::server::Shared;
use crate::strangers::{Seat, Source};
use base::{Kind, Refusal, Secret, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, SET_COOKIE};
use hyper::{Request, StatusCode};
use model::change::user;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use wire::macaroon;
use wire::secretbox::{self, KEY, NONCE};

/// Both ways.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Envelope {
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    nonce: String,
    cipher_text: String,
}

#[derive(Deserialize)]
struct Chosen {
    password: Secret,
}

/// What the seal of a user's key belongs to.
pub fn sealed_for(user: &str) -> String {
    format!("registration/{user}")
}

pub async fn answer(shared: Arc<Shared>, request: Request<Incoming>, seat: Seat) -> Reply {
    let bytes = match body(request.into_body()).await {
        Ok(bytes) => bytes,
        Err(reply) => return reply,
    };
    match register(&shared, seat.source(), &bytes).await {
        Ok(Registered { answer, cookie }) => {
            let mut reply = json(StatusCode::OK, answer);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                reply.headers_mut().insert(SET_COOKIE, cookie);
            }
            reply
        }
        Err(refusal) => {
            let status = match refusal.kind() {
                Kind::NotFound => StatusCode::NOT_FOUND,
                Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            json(status, json!({ "error": error::wire(&refusal) }).to_string())
        }
    }
}

struct Registered {
    answer: String,
    cookie: String,
}

async fn register(shared: &Shared, from: Source, bytes: &[u8]) -> Result<Registered, Refusal> {
    let not_valid = |what: &str| Refusal::new(Kind::BadRequest, format!("{what} not valid"));
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| not_valid("registration"))?;
    let name = Tag::user(&envelope.user).map_err(|_| not_valid("user"))?;
    let decoded = |text: &str| STANDARD.decode(text).ok();
    let nonce: [u8; NONCE] =
        decoded(&envelope.nonce).and_then(|nonce| nonce.try_into().ok()).ok_or_else(|| not_valid("nonce"))?;
    let boxed = decoded(&envelope.cipher_text).ok_or_else(|| not_valid("cipher text"))?;
    let sealed = {
        let read = shared.state.read();
        read.users.get(&name).map(|user| user.registration.clone()).filter(|sealed| !sealed.is_empty())
    };
    let sealed = sealed.ok_or_else(|| user::no_registration(&name))?;
    let key = opened(shared, &name, &sealed)?;
    let clear = secretbox::open(&key, &nonce, &boxed).ok_or_else(|| not_valid("secret key"))?;
    // The cause would quote the password.
    let Chosen { password } = serde_json::from_slice(&clear).map_err(|_| not_valid("registration"))?;
    if password.is_empty() {
        return Err(not_valid("empty password"));
    }
    let hash = shared.passwords.hash(from, password, shared.state.chance().clone()).await;
    let hash = hash.map_err(|failed| Refusal::internal("password cannot be set", failed))?;
    shared.state.change(|beliefs, given| user::register(beliefs, &name, &sealed, &hash, given)).await?;
    welcome(shared, &name, &key).await
}

fn opened(shared: &Shared, name: &str, sealed: &str) -> Result<[u8; KEY], Refusal> {
    let broken = |why: &str| Refusal::internal("the key of this registration cannot be read: ask for a new one", why);
    let clear = shared.seals.open(&sealed_for(name), sealed).map_err(|refusal| broken(refusal.words()))?;
    let bytes = STANDARD.decode(clear.reveal()).map_err(|_| broken("no base64"))?;
    bytes.try_into().map_err(|_| broken("no key"))
}

async fn welcome(shared: &Shared, name: &str, key: &[u8; KEY]) -> Result<Registered, Refusal> {
    let keys = shared.bakery.keys(&shared.state, &*shared.seals).await;
    let (read, now, chance) = (shared.state.read(), shared.state.now(), shared.state.chance());
    let controller = read.controller()?;
    let clear = json!({"ca-cert": controller.ca_cert, "controller-uuid": controller.uuid}).to_string();
    let mut nonce = [0u8; NONCE];
    chance.fill(&mut nonce);
    let boxed = secretbox::seal(key, &nonce, clear.as_bytes());
    let envelope = Envelope { user: String::new(), nonce: STANDARD.encode(nonce), cipher_text: STANDARD.encode(boxed) };
    let answer = serde_json::to_string(&envelope).map_err(|cause| Refusal::internal("cannot answer", cause))?;
    let user = read.users.get(name).ok_or_else(|| user::no_registration(name))?;
    let shown = keys.registered(user, now, &**chance);
    let (cookie, value) = (shown.cookie(), macaroon::to_cookie(std::slice::from_ref(&shown)));
    Ok(Registered { answer, cookie: format!("{cookie}={value}; Path=/; Max-Age=120; Secure; HttpOnly") })
}
