//! Types that several facades use: entities, addresses, results of bulk calls. Field by field as the facades' schemas say.
//! Length: a table of data types, one after the other; splitting it would only hide where a type is.

use crate::error::Error;
use crate::omit::{is_false, is_zero};
use base::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cidr: String,
    #[serde(rename = "config-type", skip_serializing_if = "String::is_empty")]
    pub config_type: String,
    #[serde(rename = "is-secondary", skip_serializing_if = "is_false")]
    pub is_secondary: bool,
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
pub struct AllWatcherId {
    #[serde(rename = "watcher-id")]
    pub watcher_id: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AllWatcherNextResults {
    pub deltas: Vec<crate::delta::Delta>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Base {
    pub channel: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudCredential {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
    #[serde(rename = "auth-type")]
    pub auth_type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudSpec {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cacertificates: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<CloudCredential>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    #[serde(rename = "identity-endpoint", skip_serializing_if = "String::is_empty")]
    pub identity_endpoint: String,
    #[serde(rename = "is-controller-cloud", skip_serializing_if = "is_false")]
    pub is_controller_cloud: bool,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    #[serde(rename = "skip-tls-verify", skip_serializing_if = "is_false")]
    pub skip_tls_verify: bool,
    #[serde(rename = "storage-endpoint", skip_serializing_if = "String::is_empty")]
    pub storage_endpoint: String,
    pub r#type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudSpecResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<CloudSpec>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Entities {
    pub entities: Vec<Entity>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Entity {
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EntityStatus {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, Json>,
    pub info: String,
    pub since: Time,
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorResults {
    pub results: Vec<ErrorResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemAttachmentDetails {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    #[serde(rename = "mount-point", skip_serializing_if = "String::is_empty")]
    pub mount_point: String,
    #[serde(rename = "read-only", skip_serializing_if = "is_false")]
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemAttachmentInfo {
    #[serde(rename = "mount-point", skip_serializing_if = "String::is_empty")]
    pub mount_point: String,
    #[serde(rename = "read-only", skip_serializing_if = "is_false")]
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemDetails {
    #[serde(rename = "filesystem-tag")]
    pub filesystem_tag: String,
    pub info: FilesystemInfo,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    #[serde(rename = "machine-attachments", skip_serializing_if = "BTreeMap::is_empty")]
    pub machine_attachments: BTreeMap<String, FilesystemAttachmentDetails>,
    pub status: EntityStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageDetails>,
    #[serde(rename = "unit-attachments", skip_serializing_if = "BTreeMap::is_empty")]
    pub unit_attachments: BTreeMap<String, FilesystemAttachmentDetails>,
    #[serde(rename = "volume-tag", skip_serializing_if = "String::is_empty")]
    pub volume_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemInfo {
    #[serde(rename = "filesystem-id")]
    pub filesystem_id: String,
    pub pool: String,
    pub size: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceType {
    pub arches: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub cost: i64,
    #[serde(rename = "cpu-cores")]
    pub cpu_cores: i64,
    pub memory: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(rename = "root-disk", skip_serializing_if = "is_zero")]
    pub root_disk: i64,
    #[serde(rename = "virt-type", skip_serializing_if = "String::is_empty")]
    pub virt_type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceTypesResult {
    #[serde(rename = "cost-currency", skip_serializing_if = "String::is_empty")]
    pub cost_currency: String,
    #[serde(rename = "cost-divisor", skip_serializing_if = "is_zero")]
    pub cost_divisor: i64,
    #[serde(rename = "cost-unit", skip_serializing_if = "String::is_empty")]
    pub cost_unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "instance-types", skip_serializing_if = "Vec::is_empty")]
    pub instance_types: Vec<InstanceType>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceTypesResults {
    pub results: Vec<InstanceTypesResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineHardware {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arch: String,
    #[serde(rename = "availability-zone", skip_serializing_if = "String::is_empty")]
    pub availability_zone: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub cores: i64,
    #[serde(rename = "cpu-power", skip_serializing_if = "is_zero")]
    pub cpu_power: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub mem: i64,
    #[serde(rename = "root-disk", skip_serializing_if = "is_zero")]
    pub root_disk: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(rename = "virt-type", skip_serializing_if = "String::is_empty")]
    pub virt_type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Model {
    pub name: String,
    #[serde(rename = "owner-tag")]
    pub owner_tag: String,
    pub r#type: String,
    pub uuid: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelApplicationInfo {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelFilesystemInfo {
    #[serde(skip_serializing_if = "is_false")]
    pub detachable: bool,
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(rename = "provider-id", skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelMachineInfo {
    #[serde(rename = "display-name", skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    #[serde(rename = "ha-primary", skip_serializing_if = "is_false")]
    pub ha_primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware: Option<MachineHardware>,
    #[serde(rename = "has-vote", skip_serializing_if = "is_false")]
    pub has_vote: bool,
    pub id: String,
    #[serde(rename = "instance-id", skip_serializing_if = "String::is_empty")]
    pub instance_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(rename = "wants-vote", skip_serializing_if = "is_false")]
    pub wants_vote: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSLAInfo {
    pub level: String,
    pub owner: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelStatus {
    #[serde(rename = "application-count")]
    pub application_count: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<ModelApplicationInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filesystems: Vec<ModelFilesystemInfo>,
    #[serde(rename = "hosted-machine-count")]
    pub hosted_machine_count: i64,
    pub life: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<ModelMachineInfo>,
    #[serde(rename = "model-tag")]
    pub model_tag: String,
    #[serde(rename = "owner-tag")]
    pub owner_tag: String,
    pub r#type: String,
    #[serde(rename = "unit-count")]
    pub unit_count: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<ModelVolumeInfo>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelStatusResults {
    pub models: Vec<ModelStatus>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUserInfo {
    pub access: String,
    #[serde(rename = "display-name")]
    pub display_name: String,
    #[serde(rename = "last-connection")]
    pub last_connection: Option<Time>,
    #[serde(rename = "model-tag")]
    pub model_tag: String,
    pub user: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelVolumeInfo {
    #[serde(skip_serializing_if = "is_false")]
    pub detachable: bool,
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(rename = "provider-id", skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NotifyWatchResult {
    #[serde(rename = "NotifyWatcherId")]
    pub notify_watcher_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NotifyWatchResults {
    pub results: Vec<NotifyWatchResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageAttachmentDetails {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub location: String,
    #[serde(rename = "machine-tag")]
    pub machine_tag: String,
    #[serde(rename = "storage-tag")]
    pub storage_tag: String,
    #[serde(rename = "unit-tag")]
    pub unit_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageDetails {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, StorageAttachmentDetails>,
    pub kind: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    #[serde(rename = "owner-tag")]
    pub owner_tag: String,
    pub persistent: bool,
    pub status: EntityStatus,
    #[serde(rename = "storage-tag")]
    pub storage_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StringResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub result: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StringsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub result: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StringsResults {
    pub results: Vec<StringsResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Subnet {
    pub cidr: String,
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
pub struct UserModel {
    #[serde(rename = "last-connection")]
    pub last_connection: Option<Time>,
    pub model: Model,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserModelList {
    #[serde(rename = "user-models")]
    pub user_models: Vec<UserModel>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeAttachmentDetails {
    #[serde(rename = "bus-address", skip_serializing_if = "String::is_empty")]
    pub bus_address: String,
    #[serde(rename = "device-link", skip_serializing_if = "String::is_empty")]
    pub device_link: String,
    #[serde(rename = "device-name", skip_serializing_if = "String::is_empty")]
    pub device_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    #[serde(rename = "plan-info", skip_serializing_if = "Option::is_none")]
    pub plan_info: Option<VolumeAttachmentPlanInfo>,
    #[serde(rename = "read-only", skip_serializing_if = "is_false")]
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeAttachmentInfo {
    #[serde(rename = "bus-address", skip_serializing_if = "String::is_empty")]
    pub bus_address: String,
    #[serde(rename = "device-link", skip_serializing_if = "String::is_empty")]
    pub device_link: String,
    #[serde(rename = "device-name", skip_serializing_if = "String::is_empty")]
    pub device_name: String,
    #[serde(rename = "plan-info", skip_serializing_if = "Option::is_none")]
    pub plan_info: Option<VolumeAttachmentPlanInfo>,
    #[serde(rename = "read-only", skip_serializing_if = "is_false")]
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeAttachmentPlanInfo {
    #[serde(rename = "device-attributes", skip_serializing_if = "BTreeMap::is_empty")]
    pub device_attributes: BTreeMap<String, String>,
    #[serde(rename = "device-type", skip_serializing_if = "String::is_empty")]
    pub device_type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeDetails {
    pub info: VolumeInfo,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub life: String,
    #[serde(rename = "machine-attachments", skip_serializing_if = "BTreeMap::is_empty")]
    pub machine_attachments: BTreeMap<String, VolumeAttachmentDetails>,
    pub status: EntityStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageDetails>,
    #[serde(rename = "unit-attachments", skip_serializing_if = "BTreeMap::is_empty")]
    pub unit_attachments: BTreeMap<String, VolumeAttachmentDetails>,
    #[serde(rename = "volume-tag")]
    pub volume_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeInfo {
    #[serde(rename = "hardware-id", skip_serializing_if = "String::is_empty")]
    pub hardware_id: String,
    pub persistent: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pool: String,
    pub size: i64,
    #[serde(rename = "volume-id")]
    pub volume_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub wwn: String,
}
