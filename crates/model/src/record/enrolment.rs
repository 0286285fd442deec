//! How a machine's agent may get its certificate: the hash of its token, and the key that the token is bound to.
//! The token itself is never stored. The surprise: the token is not used up by its first use but bound by it: the same key may ask again
//! (an agent that lost the reply), no other may.

use super::Record;
use base::clock::Time;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Enrolment {
    /// SHA-256 of the token, hex.
    pub token_hash: String,
    /// No first use after this.
    pub expires: Time,
    /// SHA-256 of the public key (SubjectPublicKeyInfo, DER) that the token was first used with, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_key: Option<String>,
}

impl Record for Enrolment {
    const NOUN: &'static str = "enrolment";
}
