//! Facade `Cloud`, version 7: parameters and results.
//!
//! - `AddCloud`: AddCloudArgs -> -
//! - `AddCredentials`: TaggedCredentials -> ErrorResults
//! - `CheckCredentialsModels`: TaggedCredentials -> UpdateCredentialResults
//! - `Cloud`: Entities -> CloudResults
//! - `CloudInfo`: Entities -> CloudInfoResults
//! - `Clouds`: - -> CloudsResult
//! - `Credential`: Entities -> CloudCredentialResults
//! - `CredentialContents`: CloudCredentialArgs -> CredentialContentResults
//! - `InstanceTypes`: CloudInstanceTypesConstraints -> InstanceTypesResults
//! - `ListCloudInfo`: ListCloudsRequest -> ListCloudInfoResults
//! - `ModifyCloudAccess`: ModifyCloudAccessRequest -> ErrorResults
//! - `RemoveClouds`: Entities -> ErrorResults
//! - `RevokeCredentialsCheckModels`: RevokeCredentialArgs -> ErrorResults
//! - `UpdateCloud`: UpdateCloudArgs -> ErrorResults
//! - `UpdateCredentialsCheckModels`: UpdateCredentialArgs -> UpdateCredentialResults
//! - `UserCredentials`: UserClouds -> StringsResults

use crate::error::Error;
use crate::omit::is_false;
pub use crate::shared::{
    CloudCredential, Entities, Entity, ErrorResult, ErrorResults, InstanceType, InstanceTypesResult,
    InstanceTypesResults, StringsResult, StringsResults,
};
use base::Constraints;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddCloudArgs {
    pub cloud: Cloud,
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    #[serde(rename = "auth-types", skip_serializing_if = "Vec::is_empty")]
    pub auth_types: Vec<String>,
    #[serde(rename = "ca-certificates", skip_serializing_if = "Vec::is_empty")]
    pub ca_certificates: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    #[serde(rename = "host-cloud-region", skip_serializing_if = "String::is_empty")]
    pub host_cloud_region: String,
    #[serde(rename = "identity-endpoint", skip_serializing_if = "String::is_empty")]
    pub identity_endpoint: String,
    #[serde(rename = "is-controller-cloud", skip_serializing_if = "is_false")]
    pub is_controller_cloud: bool,
    #[serde(rename = "region-config", skip_serializing_if = "BTreeMap::is_empty")]
    pub region_config: BTreeMap<String, BTreeMap<String, Json>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<CloudRegion>,
    #[serde(rename = "skip-tls-verify", skip_serializing_if = "is_false")]
    pub skip_tls_verify: bool,
    #[serde(rename = "storage-endpoint", skip_serializing_if = "String::is_empty")]
    pub storage_endpoint: String,
    pub r#type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudCredentialArg {
    #[serde(rename = "cloud-name")]
    pub cloud_name: String,
    #[serde(rename = "credential-name")]
    pub credential_name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudCredentialArgs {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<CloudCredentialArg>,
    #[serde(rename = "include-secrets")]
    pub include_secrets: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudCredentialResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CloudCredential>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudCredentialResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<CloudCredentialResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudDetails {
    #[serde(rename = "auth-types", skip_serializing_if = "Vec::is_empty")]
    pub auth_types: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    #[serde(rename = "identity-endpoint", skip_serializing_if = "String::is_empty")]
    pub identity_endpoint: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<CloudRegion>,
    #[serde(rename = "storage-endpoint", skip_serializing_if = "String::is_empty")]
    pub storage_endpoint: String,
    pub r#type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudInfo {
    pub users: Vec<CloudUserInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudInfoResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CloudInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudInfoResults {
    pub results: Vec<CloudInfoResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudInstanceTypesConstraint {
    #[serde(rename = "cloud-tag")]
    pub cloud_tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Constraints>,
    pub region: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudInstanceTypesConstraints {
    pub constraints: Vec<CloudInstanceTypesConstraint>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudRegion {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    #[serde(rename = "identity-endpoint", skip_serializing_if = "String::is_empty")]
    pub identity_endpoint: String,
    pub name: String,
    #[serde(rename = "storage-endpoint", skip_serializing_if = "String::is_empty")]
    pub storage_endpoint: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Cloud>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<CloudResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudUserInfo {
    pub access: String,
    #[serde(rename = "display-name")]
    pub display_name: String,
    pub user: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudsResult {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub clouds: BTreeMap<String, Cloud>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ControllerCredentialInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<CredentialContent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelAccess>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialContent {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
    #[serde(rename = "auth-type")]
    pub auth_type: String,
    pub cloud: String,
    pub name: String,
    #[serde(skip_serializing_if = "is_false")]
    pub valid: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialContentResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ControllerCredentialInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialContentResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<CredentialContentResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListCloudInfo {
    #[serde(rename = "user-access")]
    pub user_access: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListCloudInfoResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ListCloudInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListCloudInfoResults {
    pub results: Vec<ListCloudInfoResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListCloudsRequest {
    #[serde(skip_serializing_if = "is_false")]
    pub all: bool,
    #[serde(rename = "user-tag")]
    pub user_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelAccess {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyCloudAccess {
    pub access: String,
    pub action: String,
    #[serde(rename = "cloud-tag")]
    pub cloud_tag: String,
    #[serde(rename = "user-tag")]
    pub user_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyCloudAccessRequest {
    pub changes: Vec<ModifyCloudAccess>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RevokeCredentialArg {
    pub force: bool,
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RevokeCredentialArgs {
    pub credentials: Vec<RevokeCredentialArg>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaggedCredential {
    pub credential: CloudCredential,
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaggedCredentials {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<TaggedCredential>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateCloudArgs {
    pub clouds: Vec<AddCloudArgs>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateCredentialArgs {
    pub credentials: Vec<TaggedCredential>,
    pub force: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateCredentialModelResult {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorResult>,
    pub name: String,
    pub uuid: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateCredentialResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<UpdateCredentialModelResult>,
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateCredentialResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<UpdateCredentialResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserCloud {
    #[serde(rename = "cloud-tag")]
    pub cloud_tag: String,
    #[serde(rename = "user-tag")]
    pub user_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserClouds {
    #[serde(rename = "user-clouds", skip_serializing_if = "Vec::is_empty")]
    pub user_clouds: Vec<UserCloud>,
}
