//! Facade `Subnets`, version 5: parameters and results.
//!
//! - `AllZones`: - -> ZoneResults
//! - `ListSubnets`: SubnetsFilters -> ListSubnetsResults
//! - `SubnetsByCIDR`: CIDRParams -> SubnetsResults

use crate::error::Error;
pub use crate::shared::Subnet;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CIDRParams {
    pub cidrs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListSubnetsResults {
    pub results: Vec<Subnet>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubnetV2 {
    pub cidr: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    pub life: String,
    #[serde(rename = "provider-id", skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    #[serde(rename = "provider-network-id", skip_serializing_if = "String::is_empty")]
    pub provider_network_id: String,
    #[serde(rename = "provider-space-id", skip_serializing_if = "String::is_empty")]
    pub provider_space_id: String,
    #[serde(rename = "space-tag")]
    pub space_tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(rename = "vlan-tag")]
    pub vlan_tag: i64,
    pub zones: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubnetsFilters {
    #[serde(rename = "space-tag", skip_serializing_if = "String::is_empty")]
    pub space_tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zone: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubnetsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<SubnetV2>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubnetsResults {
    pub results: Vec<SubnetsResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ZoneResult {
    pub available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ZoneResults {
    pub results: Vec<ZoneResult>,
}
