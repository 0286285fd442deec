//! Facade `ModelManager`, version 10: parameters and results.
//!
//! - `ChangeModelCredential`: ChangeModelCredentialsParams -> ErrorResults
//! - `CreateModel`: ModelCreateArgs -> ModelInfo
//! - `DestroyModels`: DestroyModelsParams -> ErrorResults
//! - `DumpModels`: DumpModelRequest -> StringResults
//! - `DumpModelsDB`: Entities -> MapResults
//! - `ListModelSummaries`: ModelSummariesRequest -> ModelSummaryResults
//! - `ListModels`: Entity -> UserModelList
//! - `ModelDefaultsForClouds`: Entities -> ModelDefaultsResults
//! - `ModelInfo`: Entities -> ModelInfoResults
//! - `ModelStatus`: Entities -> ModelStatusResults
//! - `ModifyModelAccess`: ModifyModelAccessRequest -> ErrorResults
//! - `SetModelDefaults`: SetModelDefaults -> ErrorResults
//! - `UnsetModelDefaults`: UnsetModelDefaults -> ErrorResults

use crate::error::Error;
use crate::omit::{is_false, is_zero};
pub use crate::shared::{
    Entities, Entity, EntityStatus, ErrorResult, ErrorResults, MachineHardware, Model, ModelApplicationInfo,
    ModelFilesystemInfo, ModelMachineInfo, ModelSLAInfo, ModelStatus, ModelStatusResults, ModelUserInfo,
    ModelVolumeInfo, StringResult, UserModel, UserModelList,
};
use base::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeModelCredentialParams {
    #[serde(rename = "credential-tag")]
    pub credential_tag: String,
    #[serde(rename = "model-tag")]
    pub model_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeModelCredentialsParams {
    #[serde(rename = "model-credentials")]
    pub model_credentials: Vec<ChangeModelCredentialParams>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DestroyModelParams {
    #[serde(rename = "destroy-storage", skip_serializing_if = "Option::is_none")]
    pub destroy_storage: Option<bool>,
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    #[serde(rename = "max-wait", skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<i64>,
    #[serde(rename = "model-tag")]
    pub model_tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DestroyModelsParams {
    pub models: Vec<DestroyModelParams>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DumpModelRequest {
    pub entities: Vec<Entity>,
    pub simplified: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MapResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub result: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MapResults {
    pub results: Vec<MapResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelCreateArgs {
    #[serde(rename = "cloud-tag", skip_serializing_if = "String::is_empty")]
    pub cloud_tag: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credential: String,
    pub name: String,
    #[serde(rename = "owner-tag")]
    pub owner_tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelDefaultValues {
    #[serde(rename = "cloud-region", skip_serializing_if = "String::is_empty")]
    pub cloud_region: String,
    #[serde(rename = "cloud-tag", skip_serializing_if = "String::is_empty")]
    pub cloud_tag: String,
    pub config: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelDefaults {
    #[serde(skip_serializing_if = "Json::is_null")]
    pub controller: Json,
    #[serde(skip_serializing_if = "Json::is_null")]
    pub default: Json,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<RegionDefaults>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelDefaultsResult {
    pub config: BTreeMap<String, ModelDefaults>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelDefaultsResults {
    pub results: Vec<ModelDefaultsResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelEntityCount {
    pub count: i64,
    pub entity: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelInfo {
    #[serde(rename = "agent-version")]
    pub agent_version: String,
    #[serde(rename = "cloud-credential-tag", skip_serializing_if = "String::is_empty")]
    pub cloud_credential_tag: String,
    #[serde(rename = "cloud-credential-validity", skip_serializing_if = "is_false")]
    pub cloud_credential_validity: bool,
    #[serde(rename = "cloud-region", skip_serializing_if = "String::is_empty")]
    pub cloud_region: String,
    #[serde(rename = "cloud-tag")]
    pub cloud_tag: String,
    #[serde(rename = "controller-uuid")]
    pub controller_uuid: String,
    #[serde(rename = "default-base", skip_serializing_if = "String::is_empty")]
    pub default_base: String,
    #[serde(rename = "default-series", skip_serializing_if = "String::is_empty")]
    pub default_series: String,
    #[serde(rename = "is-controller")]
    pub is_controller: bool,
    pub life: String,
    pub machines: Vec<ModelMachineInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<ModelMigrationStatus>,
    pub name: String,
    #[serde(rename = "owner-tag")]
    pub owner_tag: String,
    #[serde(rename = "provider-type", skip_serializing_if = "String::is_empty")]
    pub provider_type: String,
    #[serde(rename = "secret-backends")]
    pub secret_backends: Vec<SecretBackendResult>,
    pub sla: ModelSLAInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<EntityStatus>,
    #[serde(rename = "supported-features", skip_serializing_if = "Vec::is_empty")]
    pub supported_features: Vec<SupportedFeature>,
    pub r#type: String,
    pub users: Vec<ModelUserInfo>,
    pub uuid: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelInfoResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ModelInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelInfoResults {
    pub results: Vec<ModelInfoResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelMigrationStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Time>,
    pub start: Time,
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSummariesRequest {
    #[serde(skip_serializing_if = "is_false")]
    pub all: bool,
    #[serde(rename = "user-tag")]
    pub user_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSummary {
    #[serde(rename = "agent-version")]
    pub agent_version: String,
    #[serde(rename = "cloud-credential-tag", skip_serializing_if = "String::is_empty")]
    pub cloud_credential_tag: String,
    #[serde(rename = "cloud-region", skip_serializing_if = "String::is_empty")]
    pub cloud_region: String,
    #[serde(rename = "cloud-tag")]
    pub cloud_tag: String,
    #[serde(rename = "controller-uuid")]
    pub controller_uuid: String,
    pub counts: Vec<ModelEntityCount>,
    #[serde(rename = "default-series", skip_serializing_if = "String::is_empty")]
    pub default_series: String,
    #[serde(rename = "is-controller")]
    pub is_controller: bool,
    #[serde(rename = "last-connection")]
    pub last_connection: Option<Time>,
    pub life: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<ModelMigrationStatus>,
    pub name: String,
    #[serde(rename = "owner-tag")]
    pub owner_tag: String,
    #[serde(rename = "provider-type", skip_serializing_if = "String::is_empty")]
    pub provider_type: String,
    pub sla: ModelSLAInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<EntityStatus>,
    pub r#type: String,
    #[serde(rename = "user-access")]
    pub user_access: String,
    pub uuid: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSummaryResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ModelSummary>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSummaryResults {
    pub results: Vec<ModelSummaryResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUnsetKeys {
    #[serde(rename = "cloud-region", skip_serializing_if = "String::is_empty")]
    pub cloud_region: String,
    #[serde(rename = "cloud-tag", skip_serializing_if = "String::is_empty")]
    pub cloud_tag: String,
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyModelAccess {
    pub access: String,
    pub action: String,
    #[serde(rename = "model-tag")]
    pub model_tag: String,
    #[serde(rename = "user-tag")]
    pub user_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyModelAccessRequest {
    pub changes: Vec<ModifyModelAccess>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RegionDefaults {
    #[serde(rename = "region-name")]
    pub region_name: String,
    pub value: Json,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretBackend {
    #[serde(rename = "backend-type")]
    pub backend_type: String,
    pub config: BTreeMap<String, Json>,
    pub name: String,
    #[serde(rename = "token-rotate-interval", skip_serializing_if = "is_zero")]
    pub token_rotate_interval: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretBackendResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(rename = "num-secrets")]
    pub num_secrets: i64,
    pub result: SecretBackend,
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetModelDefaults {
    pub config: Vec<ModelDefaultValues>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StringResults {
    pub results: Vec<StringResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SupportedFeature {
    pub description: String,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UnsetModelDefaults {
    pub keys: Vec<ModelUnsetKeys>,
}
