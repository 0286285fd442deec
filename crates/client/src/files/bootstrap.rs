//! `bootstrap-config.yaml`: what a controller was made of, for the day its API does not answer (wire/protocol.md 6.5).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Document, yaml};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BootstrapConfigs {
    #[serde(default, deserialize_with = "super::models::map_or_null")]
    pub controllers: IndexMap<String, BootstrapConfig>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BootstrapConfig {
    #[serde(default)]
    pub controller_config: Map<String, Value>,
    #[serde(default)]
    pub model_config: Map<String, Value>,
    #[serde(default)]
    pub controller_model_uuid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(default)]
    pub cloud: String,
    #[serde(rename = "type", default)]
    pub cloud_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Of a cloud that is one host: where it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

impl Document for BootstrapConfigs {
    const FILE: &'static str = "bootstrap-config.yaml";

    fn order(&mut self) {
        yaml::sort(&mut self.controllers);
    }
}
