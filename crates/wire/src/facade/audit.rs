//! Facade `Audit`, version 1: who did what. Grigri's own; clients that know only Juju pass it over.
//!
//! - `List`: Query -> Entries

use crate::omit::is_false;
use base::clock::Time;
use serde::{Deserialize, Serialize};

/// Which entries; what is empty does not choose.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Query {
    /// Names without `user-`.
    pub users: Vec<String>,
    /// `Facade.Method`, or the beginning of it.
    pub methods: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model_uuid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    #[serde(skip_serializing_if = "is_false")]
    pub failed: bool,
    /// The last so many; 0 for as many as one answer has.
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Entry {
    pub when: Time,
    /// As it was named: of a login that failed there may be no such user.
    pub user: String,
    /// Its address.
    pub from: String,
    /// `ModelManager.CreateModel`, `Admin.Login`.
    pub method: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model_uuid: String,
    /// `admin/default`, while there is such a model.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// The command line, as the client told it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// JSON, without what may be secret, and cut when it is long.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arguments: String,
    /// Empty: it was done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// Oldest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Entries {
    pub entries: Vec<Entry>,
}
