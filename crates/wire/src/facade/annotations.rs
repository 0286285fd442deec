//! Facade `Annotations`, version 2: parameters and results.
//!
//! - `Get`: Entities -> AnnotationsGetResults
//! - `Set`: AnnotationsSet -> ErrorResults

pub use crate::shared::{Entities, Entity, ErrorResult, ErrorResults};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnotationsGetResult {
    pub annotations: BTreeMap<String, String>,
    pub entity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnotationsGetResults {
    pub results: Vec<AnnotationsGetResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnotationsSet {
    pub annotations: Vec<EntityAnnotations>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntityAnnotations {
    pub annotations: BTreeMap<String, String>,
    pub entity: String,
}
