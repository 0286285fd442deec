//! Facade `ModelConfig`, version 3: parameters and results.
//!
//! - `GetModelConstraints`: - -> GetConstraintsResults
//! - `ModelGet`: - -> ModelConfigResults
//! - `ModelSet`: ModelSet -> -
//! - `ModelUnset`: ModelUnset -> -
//! - `SLALevel`: - -> StringResult
//! - `Sequences`: - -> ModelSequencesResult
//! - `SetModelConstraints`: SetConstraints -> -
//! - `SetSLALevel`: ModelSLA -> -

pub use crate::shared::{ModelSLAInfo, StringResult};
use base::Constraints;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigValue {
    pub source: String,
    pub value: Json,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GetConstraintsResults {
    pub constraints: Constraints,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelConfigResults {
    pub config: BTreeMap<String, ConfigValue>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSLA {
    pub creds: String,
    pub level: String,
    pub owner: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSequencesResult {
    pub sequences: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSet {
    pub config: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUnset {
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetConstraints {
    pub application: String,
    pub constraints: Constraints,
}
