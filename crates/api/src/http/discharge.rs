//! Discharges for local users: whoever shows a password, or has just registered, is said to be who the macaroon asks for
//! (`wire/protocol.md` 3.7). It knows no key: `auth::bakery` does.
//! The surprise: a wrong password is answered with 500, and that is what the stock client reads the words of.

use super::{Reply, body, json};
use crate::auth::bakery::{Wanted, in_use};
use crate::login;
use crate::server::Shared;
use crate::strangers::{Seat, Source};
use base::{Kind, Secret};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hyper::body::Incoming;
use hyper::header::{COOKIE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::macaroon::{self, Macaroon};
use wire::path::DISCHARGE_FORM;

/// How one proves to be a local user: the name that the stock client knows it by.
const KIND: &str = "juju_userpass";

fn refused(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = match code {
        "" => json!({"Message": message}),
        code => json!({"Code": code, "Message": message}),
    };
    json(status, body.to_string())
}

fn bad(message: &str) -> Reply {
    refused(StatusCode::BAD_REQUEST, "bad request", message)
}

/// Whoever has no proof yet is told where to get one.
fn interaction_required() -> Reply {
    let methods: BTreeMap<&str, Value> = BTreeMap::from([(KIND, json!({"url": DISCHARGE_FORM}))]);
    let body = json!({
        "Code": "interaction required",
        "Message": "interaction required",
        "Info": {"InteractionMethods": methods},
    });
    let mut reply = json(StatusCode::UNAUTHORIZED, body.to_string());
    reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Macaroon"));
    reply
}

/// What is asked, of the query or of the body: the stock command uses the one, other clients the other.
#[derive(Default)]
struct Asked {
    id: Option<Vec<u8>>,
    token: Option<Vec<u8>>,
}

impl Asked {
    fn read(&mut self, text: &[u8]) {
        for (key, value) in form_urlencoded::parse(text) {
            match key.as_ref() {
                "id" => self.id = Some(value.as_bytes().to_vec()),
                "id64" => self.id = decoded(&value),
                "token" => self.token = Some(value.as_bytes().to_vec()),
                "token64" => self.token = decoded(&value),
                _ => {}
            }
        }
    }
}

/// Base64 of either alphabet, padded or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()
}

pub async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Reply {
    let mut asked = Asked::default();
    asked.read(request.uri().query().unwrap_or_default().as_bytes());
    let (head, incoming) = request.into_parts();
    match body(incoming).await {
        Ok(bytes) => asked.read(&bytes),
        Err(reply) => return reply,
    }
    let Some(id) = asked.id else { return bad("no caveat id given") };
    let keys = shared.bakery.keys(&shared.state, &*shared.seals).await;
    let now = shared.state.now();
    let Some(wanted) = keys.asked(&id, now) else { return bad("cannot read the caveat: ask for a new macaroon") };
    let proven = match asked.token {
        Some(token) => shared.bakery.tokens.take(&token, now),
        None => shown(&head.headers).iter().find_map(|slice| keys.has_registered(slice, &shared.state.read(), now)),
    };
    match proven {
        None => interaction_required(),
        Some(user) if user != wanted.user => {
            refused(StatusCode::UNAUTHORIZED, "permission denied", "permission denied")
        }
        Some(_) => said(&shared, id, &wanted).await,
    }
}

async fn said(shared: &Shared, id: Vec<u8>, wanted: &Wanted) -> Reply {
    let keys = shared.bakery.keys(&shared.state, &*shared.seals).await;
    let read = shared.state.read();
    let Some(user) = in_use(&read, &wanted.user) else {
        return refused(StatusCode::UNAUTHORIZED, "permission denied", "permission denied");
    };
    let discharge = keys.discharge(id, wanted, user, shared.state.now());
    let body = json!({"Macaroon": baked(&discharge)});
    json(StatusCode::OK, body.to_string())
}

/// In the form of bakery version 3.
pub fn baked(macaroon: &Macaroon) -> Value {
    json!({"m": macaroon, "v": 3, "ns": "std:"})
}

/// The macaroons that came with a request, in cookies or in a header of their own.
pub fn shown(headers: &HeaderMap) -> Vec<Vec<Macaroon>> {
    let text = |value: &'_ HeaderValue| value.to_str().ok().map(str::to_owned);
    let cookies = headers.get_all(COOKIE).iter().filter_map(text).flat_map(|cookies| {
        let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let ours = pairs.filter(|(name, _)| name.starts_with("macaroon-"));
        ours.map(|(_, value)| value.trim_matches('"').to_owned()).collect::<Vec<_>>()
    });
    let own = headers.get_all("macaroons").iter().filter_map(text);
    cookies.chain(own).take(MOST).filter_map(|value| macaroon::from_cookie(&value)).collect()
}

/// Macaroons of one request that are looked at.
const MOST: usize = 8;

#[derive(Deserialize)]
struct Form {
    form: Login,
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: Secret,
}

/// Takes a name and a password for a token that the discharge takes.
pub async fn form(shared: Arc<Shared>, request: Request<Incoming>, seat: Seat) -> Reply {
    let bytes = match body(request.into_body()).await {
        Ok(bytes) => bytes,
        Err(reply) => return reply,
    };
    // The cause would quote the password.
    let Ok(Form { form }) = serde_json::from_slice::<Form>(&bytes) else { return bad("cannot read the form") };
    match token(&shared, seat.source(), form).await {
        Ok(token) => {
            let body = json!({"token": {"kind": KIND, "value": STANDARD.encode(token)}});
            json(StatusCode::OK, body.to_string())
        }
        Err(refusal) if refusal.kind() == Kind::Unauthorized => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, "", refusal.words())
        }
        Err(refusal) => refused(StatusCode::TOO_MANY_REQUESTS, "try again", refusal.words()),
    }
}

async fn token(shared: &Shared, from: Source, form: Login) -> Result<[u8; 32], base::Refusal> {
    let user = form.user.strip_suffix("@local").unwrap_or(&form.user);
    login::verify(shared, from, user, form.password).await?;
    Ok(shared.bakery.tokens.give(user, shared.state.now(), &**shared.state.chance()))
}
