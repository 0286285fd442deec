//! A credential for a cloud, with its secret parts. Only clouds and its owner ever see those.

use super::Record;
use base::Secret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Credential {
    pub cloud: String,
    pub owner: String,
    pub name: String,
    pub auth_type: String,
    #[serde(default)]
    pub attributes: BTreeMap<String, Secret>,
    #[serde(default)]
    pub invalid: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub invalid_reason: String,
}

impl Record for Credential {
    const NOUN: &'static str = "credential";
}

impl Credential {
    /// `<cloud>/<owner>/<name>`: how models name it.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.cloud, self.owner, self.name)
    }
}
