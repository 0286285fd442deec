//! Facade `Admin`, version 3: parameters and results.
//!
//! - `Login`: LoginRequest -> LoginResult
//! - `RedirectInfo`: - -> RedirectInfoResult

use crate::omit::{is_false, is_zero};
pub use crate::shared::Address;
use base::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthUserInfo {
    #[serde(rename = "controller-access")]
    pub controller_access: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credentials: String,
    #[serde(rename = "display-name")]
    pub display_name: String,
    pub identity: String,
    #[serde(rename = "last-connection", skip_serializing_if = "Option::is_none")]
    pub last_connection: Option<Time>,
    #[serde(rename = "model-access")]
    pub model_access: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FacadeVersions {
    pub name: String,
    pub versions: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostPort {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cidr: String,
    #[serde(rename = "config-type", skip_serializing_if = "String::is_empty")]
    pub config_type: String,
    #[serde(rename = "is-secondary", skip_serializing_if = "is_false")]
    pub is_secondary: bool,
    pub port: i64,
    pub scope: String,
    #[serde(rename = "space-id", skip_serializing_if = "String::is_empty")]
    pub space_id: String,
    #[serde(rename = "space-name", skip_serializing_if = "String::is_empty")]
    pub space_name: String,
    pub r#type: String,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoginRequest {
    #[serde(rename = "auth-tag")]
    pub auth_tag: String,
    #[serde(rename = "bakery-version", skip_serializing_if = "is_zero")]
    pub bakery_version: i64,
    #[serde(rename = "cli-args", skip_serializing_if = "String::is_empty")]
    pub cli_args: String,
    #[serde(rename = "client-version", skip_serializing_if = "String::is_empty")]
    pub client_version: String,
    pub credentials: String,
    pub macaroons: Vec<Vec<Json>>,
    pub nonce: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    #[serde(rename = "user-data")]
    pub user_data: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoginResult {
    #[serde(rename = "bakery-discharge-required", skip_serializing_if = "Option::is_none")]
    pub bakery_discharge_required: Option<Json>,
    #[serde(rename = "controller-tag", skip_serializing_if = "String::is_empty")]
    pub controller_tag: String,
    #[serde(rename = "discharge-required", skip_serializing_if = "Option::is_none")]
    pub discharge_required: Option<Json>,
    #[serde(rename = "discharge-required-error", skip_serializing_if = "String::is_empty")]
    pub discharge_required_error: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facades: Vec<FacadeVersions>,
    #[serde(rename = "model-tag", skip_serializing_if = "String::is_empty")]
    pub model_tag: String,
    #[serde(rename = "public-dns-name", skip_serializing_if = "String::is_empty")]
    pub public_dns_name: String,
    #[serde(rename = "server-version", skip_serializing_if = "String::is_empty")]
    pub server_version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Vec<HostPort>>,
    #[serde(rename = "user-info", skip_serializing_if = "Option::is_none")]
    pub user_info: Option<AuthUserInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RedirectInfoResult {
    #[serde(rename = "ca-cert")]
    pub ca_cert: String,
    pub servers: Vec<Vec<HostPort>>,
}
