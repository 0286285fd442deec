//! The secret that macaroons of this controller are made with (`wire/protocol.md` 3.7). It is sealed here, and what opens it is not `model`'s.
//! The surprise: none of what was handed out is kept. Each macaroon's key follows from this secret and the macaroon's id.

use super::Record;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bakery {
    pub sealed: String,
}

impl Record for Bakery {
    const NOUN: &'static str = "bakery";
}
