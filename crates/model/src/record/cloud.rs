//! A cloud that the controller can make machines on: as described, not how it is talked to.

use super::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Cloud {
    pub name: String,
    /// `builtin`, `lxd`, `manual`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub description: String,
    pub auth_types: Vec<String>,
    pub endpoint: String,
    pub identity_endpoint: String,
    pub storage_endpoint: String,
    /// The first is the default.
    pub regions: Vec<Region>,
    pub ca_certificates: Vec<String>,
    pub skip_tls_verify: bool,
    pub config: BTreeMap<String, serde_json::Value>,
    pub region_config: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Region {
    pub name: String,
    pub endpoint: String,
    pub identity_endpoint: String,
    pub storage_endpoint: String,
}

impl Record for Cloud {
    const NOUN: &'static str = "cloud";
}
