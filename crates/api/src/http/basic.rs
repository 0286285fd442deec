//! Who asks over HTTP: basic authentication with the user's full tag and password, or macaroons (`wire/protocol.md` 1.5).

use super::discharge;
use crate::login;
use crate::server::Shared;
use crate::strangers::Source;
use base::{Refusal, Secret, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

/// Who it is, or why not.
pub async fn authenticate(shared: &Shared, from: Source, headers: &HeaderMap) -> Result<String, Refusal> {
    let named = named(headers)?;
    match named {
        Some((user, password)) if !password.is_empty() => {
            login::verify(shared, from, &user, password).await?;
            Ok(user)
        }
        named => {
            let user = login::by_macaroon(shared, &discharge::shown(headers)).await.ok_or_else(login::wrong)?;
            // A name beside macaroons is the one that they are to be for.
            if named.is_none_or(|(name, _)| name == user) { Ok(user) } else { Err(login::wrong()) }
        }
    }
}

/// The user and the password of the header, if it is there; the password may be empty.
fn named(headers: &HeaderMap) -> Result<Option<(String, Secret)>, Refusal> {
    let Some(given) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let encoded = given.to_str().ok().and_then(|value| value.strip_prefix("Basic ")).ok_or_else(login::wrong)?;
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = Secret::new(decoded.ok_or_else(login::wrong)?);
    let (tag, password) = decoded.reveal().split_once(':').ok_or_else(login::wrong)?;
    let user = Tag::user(tag).map_err(|_| login::wrong())?;
    Ok(Some((user, Secret::new(password))))
}
