//! What is stored under a key, and the number that orders all writes.
//!
//! A value knows its text and not its meaning. The surprise: `Debug` does not show it, since records hold password
//! hashes and private keys.

use std::fmt;
use std::sync::Arc;

/// The position of a transaction in the order of all transactions; 0 is the state before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    pub const ZERO: Revision = Revision(0);

    pub fn next(self) -> Revision {
        Revision(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// JSON text. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error("value is not JSON of the wanted shape")]
pub struct InvalidValue(#[from] serde_json::Error);

impl Value {
    /// The JSON text of a record.
    pub fn of<T: serde::Serialize + ?Sized>(record: &T) -> Result<Value, InvalidValue> {
        Ok(Value(serde_json::to_string(record)?.into()))
    }

    /// Takes a text that must be JSON.
    pub fn parse(text: &str) -> Result<Value, InvalidValue> {
        serde_json::from_str::<serde::de::IgnoredAny>(text)?;
        Ok(Value(text.into()))
    }

    /// A text that a back end kept for us: it was checked when it went in.
    pub(crate) fn kept(text: &str) -> Value {
        Value(text.into())
    }

    /// The record that this is the text of.
    pub fn decode<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, InvalidValue> {
        Ok(serde_json::from_str(&self.0)?)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}
