//! `controllers.yaml`: where controllers are, and which one is current (wire/protocol.md 6.2).
//!
//! The surprise: keys of other releases are kept (`extra`), though the original drops them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, yaml};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Controllers {
    #[serde(default, deserialize_with = "super::models::map_or_null")]
    pub controllers: IndexMap<String, Controller>,
    #[serde(rename = "current-controller", default, skip_serializing_if = "Option::is_none")]
    pub current_controller: Option<String>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub struct Controller {
    #[serde(default)]
    pub uuid: String,
    /// `host:port`, the last one that answered first.
    #[serde(default)]
    pub api_endpoints: Vec<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub dns_cache: IndexMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_hostname: Option<String>,
    #[serde(default)]
    pub ca_cert: String,
    #[serde(default)]
    pub cloud: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub cloud_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    #[serde(default)]
    pub controller_machine_count: i64,
    #[serde(default)]
    pub active_controller_machine_count: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_count: Option<i64>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

impl Document for Controllers {
    const FILE: &'static str = "controllers.yaml";
    const FLOW: &'static [&'static str] = &["api-endpoints"];

    fn order(&mut self) {
        yaml::sort(&mut self.controllers);
    }
}
