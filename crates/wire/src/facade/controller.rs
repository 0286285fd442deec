//! Facade `Controller`, version 12: parameters and results.
//!
//! - `AllModels`: - -> UserModelList
//! - `CloudSpec`: Entities -> CloudSpecResults
//! - `ConfigSet`: ControllerConfigSet -> -
//! - `ControllerAPIInfoForModels`: Entities -> ControllerAPIInfoResults
//! - `ControllerConfig`: - -> ControllerConfigResult
//! - `ControllerVersion`: - -> ControllerVersionResults
//! - `DashboardConnectionInfo`: - -> DashboardConnectionInfo
//! - `DestroyController`: DestroyControllerArgs -> -
//! - `GetCloudSpec`: ModelTag -> CloudSpecResult
//! - `GetControllerAccess`: Entities -> UserAccessResults
//! - `HostedModelConfigs`: - -> HostedModelConfigsResults
//! - `IdentityProviderURL`: - -> StringResult
//! - `InitiateMigration`: InitiateMigrationArgs -> InitiateMigrationResults
//! - `ListBlockedModels`: - -> ModelBlockInfoList
//! - `ModelStatus`: Entities -> ModelStatusResults
//! - `ModifyControllerAccess`: ModifyControllerAccessRequest -> ErrorResults
//! - `MongoVersion`: - -> StringResult
//! - `RemoveBlocks`: RemoveBlocksArgs -> -
//! - `WatchAllModelSummaries`: - -> SummaryWatcherID
//! - `WatchAllModels`: - -> AllWatcherId
//! - `WatchCloudSpecsChanges`: Entities -> NotifyWatchResults
//! - `WatchModelSummaries`: - -> SummaryWatcherID

use crate::error::Error;
use crate::omit::is_false;
pub use crate::shared::{
    AllWatcherId, CloudCredential, CloudSpec, CloudSpecResult, Entities, Entity, ErrorResult, ErrorResults,
    MachineHardware, Model, ModelApplicationInfo, ModelFilesystemInfo, ModelMachineInfo, ModelStatus,
    ModelStatusResults, ModelVolumeInfo, NotifyWatchResult, NotifyWatchResults, StringResult, UserModel, UserModelList,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudSpecResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<CloudSpecResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ControllerAPIInfoResult {
    pub addresses: Vec<String>,
    pub cacert: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ControllerAPIInfoResults {
    pub results: Vec<ControllerAPIInfoResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ControllerConfigResult {
    pub config: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ControllerConfigSet {
    pub config: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ControllerVersionResults {
    #[serde(rename = "git-commit")]
    pub git_commit: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DashboardConnectionInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "proxy-connection")]
    pub proxy_connection: Proxy,
    #[serde(rename = "ssh-connection")]
    pub ssh_connection: DashboardConnectionSSHTunnel,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DashboardConnectionSSHTunnel {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub entity: String,
    pub host: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    pub port: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DestroyControllerArgs {
    #[serde(rename = "destroy-models")]
    pub destroy_models: bool,
    #[serde(rename = "destroy-storage", skip_serializing_if = "Option::is_none")]
    pub destroy_storage: Option<bool>,
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    #[serde(rename = "max-wait", skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<i64>,
    #[serde(rename = "model-timeout", skip_serializing_if = "Option::is_none")]
    pub model_timeout: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostedModelConfig {
    #[serde(rename = "cloud-spec", skip_serializing_if = "Option::is_none")]
    pub cloud_spec: Option<CloudSpec>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub name: String,
    pub owner: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostedModelConfigsResults {
    pub models: Vec<HostedModelConfig>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InitiateMigrationArgs {
    #[serde(rename = "dry-run", skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub specs: Vec<MigrationSpec>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InitiateMigrationResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "migration-id")]
    pub migration_id: String,
    #[serde(rename = "model-tag")]
    pub model_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InitiateMigrationResults {
    pub results: Vec<InitiateMigrationResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrationSpec {
    #[serde(rename = "model-tag")]
    pub model_tag: String,
    #[serde(rename = "target-info")]
    pub target_info: MigrationTargetInfo,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MigrationTargetInfo {
    pub addrs: Vec<String>,
    #[serde(rename = "auth-tag")]
    pub auth_tag: String,
    #[serde(rename = "ca-cert")]
    pub ca_cert: String,
    #[serde(rename = "controller-alias", skip_serializing_if = "String::is_empty")]
    pub controller_alias: String,
    #[serde(rename = "controller-tag")]
    pub controller_tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub macaroons: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
    #[serde(rename = "skip-user-checks", skip_serializing_if = "is_false")]
    pub skip_user_checks: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelBlockInfo {
    pub blocks: Vec<String>,
    #[serde(rename = "model-uuid")]
    pub model_uuid: String,
    pub name: String,
    #[serde(rename = "owner-tag")]
    pub owner_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelBlockInfoList {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelBlockInfo>,
}

/// Shape not given by the schema.
pub type ModelTag = Json;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyControllerAccess {
    pub access: String,
    pub action: String,
    #[serde(rename = "user-tag")]
    pub user_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyControllerAccessRequest {
    pub changes: Vec<ModifyControllerAccess>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Proxy {
    pub config: BTreeMap<String, Json>,
    pub r#type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveBlocksArgs {
    pub all: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SummaryWatcherID {
    #[serde(rename = "watcher-id")]
    pub watcher_id: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserAccess {
    pub access: String,
    #[serde(rename = "user-tag")]
    pub user_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserAccessResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<UserAccess>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserAccessResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<UserAccessResult>,
}
