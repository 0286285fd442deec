//! HTTP basic authentication: the user's full tag and password (`wire/protocol.md` 1.5).

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
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let encoded = given.and_then(|value| value.strip_prefix("Basic ")).ok_or_else(login::wrong)?;
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = Secret::new(decoded.ok_or_else(login::wrong)?);
    let (tag, password) = decoded.reveal().split_once(':').ok_or_else(login::wrong)?;
    let user = Tag::user(tag).map_err(|_| login::wrong())?;
    login::verify(shared, from, &user, Secret::new(password)).await?;
    Ok(user)
}
