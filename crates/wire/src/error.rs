//! An error inside a result of a bulk call: `{"message", "code", "info"?}`. `code` is always sent, also when empty.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Error entry (`wire/protocol.md` 2.3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Error {
    pub message: String,
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Error {
    /// An error with a code; `""` for none.
    pub fn new(message: impl Into<String>, code: impl Into<String>) -> Error {
        Error { message: message.into(), code: code.into(), info: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
