//! A credential for a cloud, with its secret parts. Only clouds and its owner ever see those.
//! The surprise: they are sealed here, and what opens them is not `model`'s. Records of earlier releases have them in clear.

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
    /// In clear, as earlier releases wrote them: read, never written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Secret>,
    /// Every attribute; empty when there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sealed: String,
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
