//! `clouds.yaml` and `public-clouds.yaml`: clouds as the client knows them (wire/protocol.md 6.5).
//!
//! The surprise: the order of regions means something, the first one is the default.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Document;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Clouds {
    #[serde(default, deserialize_with = "super::models::map_or_null")]
    pub clouds: IndexMap<String, Cloud>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub struct Cloud {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(rename = "type", default)]
    pub cloud_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_cloud_region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty", deserialize_with = "regions")]
    pub regions: IndexMap<String, Region>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub struct Region {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_endpoint: Option<String>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

impl Document for Clouds {
    const FILE: &'static str = "clouds.yaml";
    const FLOW: &'static [&'static str] = &["auth-types"];
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicClouds(pub Clouds);

impl Document for PublicClouds {
    const FILE: &'static str = "public-clouds.yaml";
    const FLOW: &'static [&'static str] = &["auth-types"];
}

/// A region may be written as a bare name with nothing behind it.
fn regions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IndexMap<String, Region>, D::Error> {
    let read: Option<IndexMap<String, Option<Region>>> = Option::deserialize(deserializer)?;
    Ok(read.unwrap_or_default().into_iter().map(|(name, region)| (name, region.unwrap_or_default())).collect())
}
