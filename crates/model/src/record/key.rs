//! The public ssh keys that a model's machines let in. All of a model's keys are one record: their order is the file's order, and they are few.

use super::Record;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keys(pub Vec<String>);

impl Record for Keys {
    const NOUN: &'static str = "ssh keys";
}

/// Keys that Juju's tools neither show nor remove: the client's own and the controller's.
pub fn is_internal(key: &str) -> bool {
    matches!(comment(key), Some("juju-client-key" | "juju-system-key"))
}

/// The third word of a line and what follows it.
pub fn comment(key: &str) -> Option<&str> {
    let rest = key.trim().split_once(char::is_whitespace)?.1.trim_start();
    Some(rest.split_once(char::is_whitespace)?.1.trim())
}
