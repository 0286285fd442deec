//! Macaroons: what a controller gives somebody to show, with the conditions under which it holds (`wire/protocol.md` 3.7).
//!
//! Who may have one, and what a condition means, is not known here. The surprise: whoever holds one may add conditions, and nobody can take
//! one away, since each signature is made with the one before it.

mod json;

use crate::secretbox::{self, NONCE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::{Deserialize, Serialize};

/// What every reader of the format makes its keys with.
const GENERATOR: &[u8] = b"macaroons-key-generator";
/// Of a macaroon and of all that came with it.
const CAVEATS: usize = 64;
const DISCHARGES: usize = 16;
/// Bytes of an id.
const ID: usize = 16 << 10;

pub type Signature = [u8; 32];

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "json::Macaroon", into = "json::Macaroon")]
pub struct Macaroon {
    pub location: String,
    /// What its maker finds the key by.
    pub id: Vec<u8>,
    pub caveats: Vec<Caveat>,
    signature: Signature,
}

/// A condition. One with a `vid` is for somebody at `location` to discharge.
#[derive(Clone, PartialEq, Eq)]
pub struct Caveat {
    pub id: Vec<u8>,
    pub vid: Vec<u8>,
    pub location: String,
}

/// It does not hold. Deliberately without a reason: none is anybody's business but the log's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("verification failed")]
pub struct DoesNotHold;

/// Shows what it is about, never what proves it.
impl std::fmt::Debug for Macaroon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Macaroon").field("location", &self.location).field("caveats", &self.caveats.len()).finish()
    }
}

fn sign(key: &[u8], parts: &[&[u8]]) -> Signature {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut signature = Signature::default();
    signature.copy_from_slice(context.sign().as_ref());
    signature
}

fn pair(key: &[u8], first: &[u8], second: &[u8]) -> Signature {
    sign(key, &[&sign(key, &[first]), &sign(key, &[second])])
}

impl Macaroon {
    /// `key`: the maker's, for this one alone.
    pub fn new(key: &[u8], id: Vec<u8>, location: &str) -> Macaroon {
        let signature = sign(&sign(GENERATOR, &[key]), &[&id]);
        Macaroon { location: location.to_owned(), id, caveats: Vec::new(), signature }
    }

    /// It holds only under this condition.
    pub fn add(&mut self, condition: &str) {
        self.signature = sign(&self.signature, &[condition.as_bytes()]);
        self.caveats.push(Caveat { id: condition.into(), vid: Vec::new(), location: String::new() });
    }

    /// It holds only with a discharge made with `key` by whoever is at `location`, who is told what for by `id`.
    pub fn add_discharge(&mut self, key: &[u8], id: Vec<u8>, location: &str, nonce: [u8; NONCE]) {
        let boxed = secretbox::seal(&self.signature, &nonce, &sign(GENERATOR, &[key]));
        let vid = [nonce.as_slice(), &boxed].concat();
        self.signature = pair(&self.signature, &vid, &id);
        self.caveats.push(Caveat { id, vid, location: location.to_owned() });
    }

    /// This discharge, bound to the macaroon that it is for.
    #[must_use]
    pub fn bound_to(mut self, root: &Macaroon) -> Macaroon {
        self.signature = pair(&Signature::default(), &root.signature, &self.signature);
        self
    }

    /// The name of the cookie that a client keeps it in.
    pub fn cookie(&self) -> String {
        self.signature.iter().fold("macaroon-".to_owned(), |all, byte| all + &format!("{byte:02x}"))
    }

    /// Its conditions that need nobody else.
    pub fn conditions(&self) -> impl Iterator<Item = &str> {
        let own = self.caveats.iter().filter(|caveat| caveat.vid.is_empty());
        own.filter_map(|caveat| std::str::from_utf8(&caveat.id).ok())
    }
}

/// A macaroon and its discharges, as a client shows them: `[root, discharge, ...]`.
///
/// Every signature is right, every condition holds by `holds`, each discharge is used once. `key`: the one that the root was made with.
pub fn verify(slice: &[Macaroon], key: &[u8], mut holds: impl FnMut(&str) -> bool) -> Result<(), DoesNotHold> {
    let (root, discharges) = slice.split_first().ok_or(DoesNotHold)?;
    if discharges.len() > DISCHARGES {
        return Err(DoesNotHold);
    }
    let mut used = vec![false; discharges.len()];
    one(root, &sign(GENERATOR, &[key]), None, discharges, &mut used, &mut holds)?;
    if used.iter().all(|used| *used) { Ok(()) } else { Err(DoesNotHold) }
}

fn one(
    macaroon: &Macaroon,
    key: &Signature,
    root: Option<&Macaroon>,
    discharges: &[Macaroon],
    used: &mut [bool],
    holds: &mut dyn FnMut(&str) -> bool,
) -> Result<(), DoesNotHold> {
    let mut signature = sign(key, &[&macaroon.id]);
    for caveat in &macaroon.caveats {
        if caveat.vid.is_empty() {
            let condition = std::str::from_utf8(&caveat.id).map_err(|_| DoesNotHold)?;
            if !holds(condition) {
                return Err(DoesNotHold);
            }
            signature = sign(&signature, &[&caveat.id]);
            continue;
        }
        let (nonce, boxed) = caveat.vid.split_first_chunk::<NONCE>().ok_or(DoesNotHold)?;
        let opened = secretbox::open(&signature, nonce, boxed).ok_or(DoesNotHold)?;
        let inner: Signature = opened.try_into().map_err(|_| DoesNotHold)?;
        let at = discharges.iter().position(|discharge| discharge.id == caveat.id).ok_or(DoesNotHold)?;
        if std::mem::replace(&mut used[at], true) {
            return Err(DoesNotHold);
        }
        one(&discharges[at], &inner, Some(root.unwrap_or(macaroon)), discharges, used, holds)?;
        signature = pair(&signature, &caveat.vid, &caveat.id);
    }
    let expected = root.map_or(signature, |root| pair(&Signature::default(), &root.signature, &signature));
    if secretbox::same(&expected, &macaroon.signature) { Ok(()) } else { Err(DoesNotHold) }
}

/// The value of a cookie, or of the header `Macaroons`: base64 of the JSON list.
pub fn to_cookie(slice: &[Macaroon]) -> String {
    STANDARD.encode(serde_json::to_string(slice).unwrap_or_default())
}

/// Nothing when it is none.
pub fn from_cookie(value: &str) -> Option<Vec<Macaroon>> {
    serde_json::from_slice(&STANDARD.decode(value.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests;
