//! Macaroons in JSON, version 2. The surprise: bytes that are no text go to a twin of their field, in URL base64.

use super::{CAVEATS, ID, Signature};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Macaroon {
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    caveats: Vec<Caveat>,
    #[serde(rename = "l", default, skip_serializing_if = "String::is_empty")]
    location: String,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "i64", default, skip_serializing_if = "Option::is_none")]
    id64: Option<String>,
    #[serde(rename = "s64")]
    signature: String,
}

#[derive(Serialize, Deserialize)]
struct Caveat {
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "i64", default, skip_serializing_if = "Option::is_none")]
    id64: Option<String>,
    #[serde(rename = "v64", default, skip_serializing_if = "Option::is_none")]
    vid: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "String::is_empty")]
    location: String,
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| "a macaroon's bytes are no base64")
}

fn split(id: Vec<u8>) -> (Option<String>, Option<String>) {
    match String::from_utf8(id) {
        Ok(text) => (Some(text), None),
        Err(bytes) => (None, Some(encode(bytes.as_bytes()))),
    }
}

fn join(text: Option<String>, bytes: Option<String>) -> Result<Vec<u8>, &'static str> {
    let id = match (text, bytes) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(bytes)) => decode(&bytes)?,
        _ => return Err("a macaroon's part has one id"),
    };
    if id.len() > ID { Err("a macaroon's id is too long") } else { Ok(id) }
}

impl From<super::Macaroon> for Macaroon {
    fn from(from: super::Macaroon) -> Macaroon {
        let (id, id64) = split(from.id);
        let caveats = from.caveats.into_iter().map(|caveat| {
            let (id, id64) = split(caveat.id);
            let vid = (!caveat.vid.is_empty()).then(|| encode(&caveat.vid));
            Caveat { id, id64, vid, location: caveat.location }
        });
        Macaroon { caveats: caveats.collect(), location: from.location, id, id64, signature: encode(&from.signature) }
    }
}

impl TryFrom<Macaroon> for super::Macaroon {
    type Error = &'static str;

    fn try_from(from: Macaroon) -> Result<super::Macaroon, &'static str> {
        if from.caveats.len() > CAVEATS {
            return Err("a macaroon has too many caveats");
        }
        let signature: Signature =
            decode(&from.signature)?.try_into().map_err(|_| "a macaroon's signature has 32 bytes")?;
        let caveats = from.caveats.into_iter().map(|caveat| {
            let vid = caveat.vid.as_deref().map_or(Ok(Vec::new()), decode)?;
            Ok(super::Caveat { id: join(caveat.id, caveat.id64)?, vid, location: caveat.location })
        });
        let caveats = caveats.collect::<Result<_, &'static str>>()?;
        Ok(super::Macaroon { location: from.location, id: join(from.id, from.id64)?, caveats, signature })
    }
}
