//! Facade `MachineManager`, version 10: parameters and results.
//!
//! - `AddMachines`: AddMachines -> AddMachinesResults
//! - `DestroyMachineWithParams`: DestroyMachinesParams -> DestroyMachineResults
//! - `GetUpgradeSeriesMessages`: UpgradeSeriesNotificationParams -> StringsResults
//! - `InstanceTypes`: ModelInstanceTypesConstraints -> InstanceTypesResults
//! - `ProvisioningScript`: ProvisioningScriptParams -> ProvisioningScriptResult
//! - `RetryProvisioning`: RetryProvisioningArgs -> ErrorResults
//! - `UpgradeSeriesComplete`: UpdateChannelArg -> ErrorResult
//! - `UpgradeSeriesPrepare`: UpdateChannelArg -> ErrorResult
//! - `UpgradeSeriesValidate`: UpdateChannelArgs -> UpgradeSeriesUnitsResults
//! - `WatchUpgradeSeriesNotifications`: Entities -> NotifyWatchResults

use crate::error::Error;
use crate::omit::{is_false, is_zero};
pub use crate::shared::{
    Address, Base, Entities, Entity, ErrorResult, ErrorResults, InstanceType, InstanceTypesResult,
    InstanceTypesResults, NotifyWatchResult, NotifyWatchResults, StringsResult, StringsResults,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddMachineParams {
    pub addresses: Vec<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    pub constraints: base::Constraints,
    #[serde(rename = "container-type")]
    pub container_type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<Constraints>,
    #[serde(rename = "hardware-characteristics")]
    pub hardware_characteristics: HardwareCharacteristics,
    #[serde(rename = "instance-id")]
    pub instance_id: String,
    pub jobs: Vec<String>,
    pub nonce: String,
    #[serde(rename = "parent-id")]
    pub parent_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddMachines {
    pub params: Vec<AddMachineParams>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddMachinesResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub machine: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddMachinesResults {
    pub machines: Vec<AddMachinesResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Constraints {
    #[serde(rename = "Count")]
    pub count: i64,
    #[serde(rename = "Pool")]
    pub pool: String,
    #[serde(rename = "Size")]
    pub size: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DestroyMachineInfo {
    #[serde(rename = "destroyed-containers", skip_serializing_if = "Vec::is_empty")]
    pub destroyed_containers: Vec<DestroyMachineResult>,
    #[serde(rename = "destroyed-storage", skip_serializing_if = "Vec::is_empty")]
    pub destroyed_storage: Vec<Entity>,
    #[serde(rename = "destroyed-units", skip_serializing_if = "Vec::is_empty")]
    pub destroyed_units: Vec<Entity>,
    #[serde(rename = "detached-storage", skip_serializing_if = "Vec::is_empty")]
    pub detached_storage: Vec<Entity>,
    #[serde(rename = "machine-id")]
    pub machine_id: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DestroyMachineResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<DestroyMachineInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DestroyMachineResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<DestroyMachineResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DestroyMachinesParams {
    #[serde(rename = "dry-run", skip_serializing_if = "is_false")]
    pub dry_run: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub keep: bool,
    #[serde(rename = "machine-tags")]
    pub machine_tags: Vec<String>,
    #[serde(rename = "max-wait", skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HardwareCharacteristics {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arch: String,
    #[serde(rename = "availability-zone", skip_serializing_if = "String::is_empty")]
    pub availability_zone: String,
    #[serde(rename = "cpu-cores", skip_serializing_if = "is_zero")]
    pub cpu_cores: i64,
    #[serde(rename = "cpu-power", skip_serializing_if = "is_zero")]
    pub cpu_power: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub mem: i64,
    #[serde(rename = "root-disk", skip_serializing_if = "is_zero")]
    pub root_disk: i64,
    #[serde(rename = "root-disk-source", skip_serializing_if = "String::is_empty")]
    pub root_disk_source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(rename = "virt-type", skip_serializing_if = "String::is_empty")]
    pub virt_type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelInstanceTypesConstraint {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<base::Constraints>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelInstanceTypesConstraints {
    pub constraints: Vec<ModelInstanceTypesConstraint>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    pub directive: String,
    pub scope: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvisioningScriptParams {
    #[serde(rename = "data-dir")]
    pub data_dir: String,
    #[serde(rename = "disable-package-commands")]
    pub disable_package_commands: bool,
    #[serde(rename = "machine-id")]
    pub machine_id: String,
    pub nonce: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvisioningScriptResult {
    pub script: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryProvisioningArgs {
    pub all: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateChannelArg {
    pub channel: String,
    pub force: bool,
    pub tag: Entity,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateChannelArgs {
    pub args: Vec<UpdateChannelArg>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpgradeSeriesNotificationParam {
    pub entity: Entity,
    #[serde(rename = "watcher-id")]
    pub watcher_id: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpgradeSeriesNotificationParams {
    pub params: Vec<UpgradeSeriesNotificationParam>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpgradeSeriesUnitsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "unit-names")]
    pub unit_names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpgradeSeriesUnitsResults {
    #[serde(rename = "Results")]
    pub results: Vec<UpgradeSeriesUnitsResult>,
}
