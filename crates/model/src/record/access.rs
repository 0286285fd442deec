//! Who was given what: one record for each (object, user). It decides nothing: `crate::access` does.

use super::Record;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Access {
    /// Controller: `login`, `superuser`. Model: `read`, `write`, `admin`. Cloud: `add-model`, `admin`.
    pub level: String,
}

impl Record for Access {
    const NOUN: &'static str = "access";
}
