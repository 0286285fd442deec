//! Facade `Client`, version 8: parameters and results.
//!
//! - `FullStatus`: StatusParams -> FullStatus
//! - `StatusHistory`: StatusHistoryRequests -> StatusHistoryResults
//! - `WatchAll`: - -> AllWatcherId

use crate::error::Error;
use crate::omit::{is_false, is_zero};
pub use crate::shared::{
    AllWatcherId, Base, EntityStatus, FilesystemAttachmentDetails, FilesystemAttachmentInfo, FilesystemDetails,
    FilesystemInfo, StorageAttachmentDetails, StorageDetails, VolumeAttachmentDetails, VolumeAttachmentInfo,
    VolumeAttachmentPlanInfo, VolumeDetails, VolumeInfo,
};
use base::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationOfferStatus {
    #[serde(rename = "active-connected-count")]
    pub active_connected_count: i64,
    #[serde(rename = "application-name")]
    pub application_name: String,
    pub charm: String,
    pub endpoints: BTreeMap<String, RemoteEndpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err: Option<Error>,
    #[serde(rename = "offer-name")]
    pub offer_name: String,
    #[serde(rename = "total-connected-count")]
    pub total_connected_count: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationStatus {
    pub base: Base,
    #[serde(rename = "can-upgrade-to")]
    pub can_upgrade_to: String,
    pub charm: String,
    #[serde(rename = "charm-channel", skip_serializing_if = "String::is_empty")]
    pub charm_channel: String,
    #[serde(rename = "charm-profile")]
    pub charm_profile: String,
    #[serde(rename = "charm-rev", skip_serializing_if = "is_zero")]
    pub charm_rev: i64,
    #[serde(rename = "charm-version")]
    pub charm_version: String,
    #[serde(rename = "endpoint-bindings")]
    pub endpoint_bindings: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err: Option<Error>,
    pub exposed: bool,
    #[serde(rename = "exposed-endpoints", skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed_endpoints: BTreeMap<String, ExposedEndpoint>,
    #[serde(skip_serializing_if = "is_zero")]
    pub int: i64,
    pub life: String,
    #[serde(rename = "meter-statuses")]
    pub meter_statuses: BTreeMap<String, MeterStatus>,
    #[serde(rename = "provider-id", skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    #[serde(rename = "public-address")]
    pub public_address: String,
    pub relations: BTreeMap<String, Vec<String>>,
    pub status: DetailedStatus,
    #[serde(rename = "subordinate-to")]
    pub subordinate_to: Vec<String>,
    pub units: BTreeMap<String, UnitStatus>,
    #[serde(rename = "workload-version")]
    pub workload_version: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BranchStatus {
    #[serde(rename = "assigned-units")]
    pub assigned_units: BTreeMap<String, Vec<String>>,
    pub created: i64,
    #[serde(rename = "created-by")]
    pub created_by: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DetailedStatus {
    pub data: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err: Option<Error>,
    pub info: String,
    pub kind: String,
    pub life: String,
    pub since: Time,
    pub status: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointStatus {
    pub application: String,
    pub name: String,
    pub role: String,
    pub subordinate: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExposedEndpoint {
    #[serde(rename = "expose-to-cidrs", skip_serializing_if = "Vec::is_empty")]
    pub expose_to_cidrs: Vec<String>,
    #[serde(rename = "expose-to-spaces", skip_serializing_if = "Vec::is_empty")]
    pub expose_to_spaces: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FullStatus<M = BTreeMap<String, MachineStatus>> {
    pub applications: BTreeMap<String, ApplicationStatus>,
    pub branches: BTreeMap<String, BranchStatus>,
    #[serde(rename = "controller-timestamp")]
    pub controller_timestamp: Time,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filesystems: Vec<FilesystemDetails>,
    pub machines: M,
    pub model: ModelStatusInfo,
    pub offers: BTreeMap<String, ApplicationOfferStatus>,
    pub relations: Vec<RelationStatus>,
    #[serde(rename = "remote-applications")]
    pub remote_applications: BTreeMap<String, RemoteApplicationStatus>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<StorageDetails>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<VolumeDetails>,
}

impl<M> FullStatus<M> {
    /// The same with other machines: whoever answers may have them in a form that is only written.
    pub fn with_machines<N>(self, machines: N) -> FullStatus<N> {
        FullStatus {
            applications: self.applications,
            branches: self.branches,
            controller_timestamp: self.controller_timestamp,
            filesystems: self.filesystems,
            machines,
            model: self.model,
            offers: self.offers,
            relations: self.relations,
            remote_applications: self.remote_applications,
            storage: self.storage,
            volumes: self.volumes,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub statuses: Vec<DetailedStatus>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LXDProfile {
    pub config: BTreeMap<String, String>,
    pub description: String,
    pub devices: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineStatus {
    #[serde(rename = "agent-status")]
    pub agent_status: DetailedStatus,
    pub base: Base,
    pub constraints: String,
    pub containers: BTreeMap<String, MachineStatus>,
    #[serde(rename = "display-name")]
    pub display_name: String,
    #[serde(rename = "dns-name")]
    pub dns_name: String,
    pub hardware: String,
    #[serde(rename = "has-vote")]
    pub has_vote: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    pub id: String,
    #[serde(rename = "instance-id")]
    pub instance_id: String,
    #[serde(rename = "instance-status")]
    pub instance_status: DetailedStatus,
    #[serde(rename = "ip-addresses", skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<String>,
    pub jobs: Vec<String>,
    #[serde(rename = "lxd-profiles", skip_serializing_if = "BTreeMap::is_empty")]
    pub lxd_profiles: BTreeMap<String, LXDProfile>,
    #[serde(rename = "modification-status")]
    pub modification_status: DetailedStatus,
    #[serde(rename = "network-interfaces", skip_serializing_if = "BTreeMap::is_empty")]
    pub network_interfaces: BTreeMap<String, NetworkInterface>,
    #[serde(rename = "primary-controller-machine", skip_serializing_if = "is_false")]
    pub primary_controller_machine: bool,
    #[serde(rename = "wants-vote")]
    pub wants_vote: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MeterStatus {
    pub color: String,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelStatusInfo {
    #[serde(rename = "available-version")]
    pub available_version: String,
    #[serde(rename = "cloud-tag")]
    pub cloud_tag: String,
    #[serde(rename = "meter-status")]
    pub meter_status: MeterStatus,
    #[serde(rename = "model-status")]
    pub model_status: DetailedStatus,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    pub sla: String,
    pub r#type: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkInterface {
    #[serde(rename = "dns-nameservers", skip_serializing_if = "Vec::is_empty")]
    pub dns_nameservers: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    #[serde(rename = "ip-addresses")]
    pub ip_addresses: Vec<String>,
    #[serde(rename = "is-up")]
    pub is_up: bool,
    #[serde(rename = "mac-address")]
    pub mac_address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub space: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RelationStatus {
    pub endpoints: Vec<EndpointStatus>,
    pub id: i64,
    pub interface: String,
    pub key: String,
    pub scope: String,
    pub status: DetailedStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoteApplicationStatus {
    pub endpoints: Vec<RemoteEndpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err: Option<Error>,
    pub life: String,
    #[serde(rename = "offer-name")]
    pub offer_name: String,
    #[serde(rename = "offer-url")]
    pub offer_url: String,
    pub relations: BTreeMap<String, Vec<String>>,
    pub status: DetailedStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoteEndpoint {
    pub interface: String,
    pub limit: i64,
    pub name: String,
    pub role: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusHistoryFilter {
    pub date: Time,
    pub delta: i64,
    pub exclude: Vec<String>,
    pub size: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusHistoryRequest {
    pub filter: StatusHistoryFilter,
    #[serde(rename = "historyKind")]
    pub history_kind: String,
    pub size: i64,
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusHistoryRequests {
    pub requests: Vec<StatusHistoryRequest>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusHistoryResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub history: History,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusHistoryResults {
    pub results: Vec<StatusHistoryResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusParams {
    #[serde(rename = "include-storage", skip_serializing_if = "is_false")]
    pub include_storage: bool,
    pub patterns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitStatus {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    #[serde(rename = "agent-status")]
    pub agent_status: DetailedStatus,
    pub charm: String,
    #[serde(skip_serializing_if = "is_false")]
    pub leader: bool,
    pub machine: String,
    #[serde(rename = "opened-ports")]
    pub opened_ports: Vec<String>,
    #[serde(rename = "provider-id", skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    #[serde(rename = "public-address")]
    pub public_address: String,
    pub subordinates: BTreeMap<String, UnitStatus>,
    #[serde(rename = "workload-status")]
    pub workload_status: DetailedStatus,
    #[serde(rename = "workload-version")]
    pub workload_version: String,
}
