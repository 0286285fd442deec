//! Facade `Storage`, version 7: parameters and results.
//!
//! - `AddToUnit`: StoragesAddParams -> AddStorageResults
//! - `Attach`: StorageAttachmentIds -> ErrorResults
//! - `CreatePool`: StoragePoolArgs -> ErrorResults
//! - `DetachStorage`: StorageDetachmentParams -> ErrorResults
//! - `Import`: BulkImportStorageParamsV2 -> ImportStorageResults
//! - `ListFilesystems`: FilesystemFilters -> FilesystemDetailsListResults
//! - `ListPools`: StoragePoolFilters -> StoragePoolsResults
//! - `ListStorageDetails`: StorageFilters -> StorageDetailsListResults
//! - `ListVolumes`: VolumeFilters -> VolumeDetailsListResults
//! - `Remove`: RemoveStorage -> ErrorResults
//! - `RemovePool`: StoragePoolDeleteArgs -> ErrorResults
//! - `StorageDetails`: Entities -> StorageDetailsResults
//! - `UpdatePool`: StoragePoolArgs -> ErrorResults

use crate::error::Error;
use crate::omit::{is_false, is_zero};
pub use crate::shared::{
    Entities, Entity, EntityStatus, ErrorResult, ErrorResults, FilesystemAttachmentDetails, FilesystemAttachmentInfo,
    FilesystemDetails, FilesystemInfo, StorageAttachmentDetails, StorageDetails, VolumeAttachmentDetails,
    VolumeAttachmentInfo, VolumeAttachmentPlanInfo, VolumeDetails, VolumeInfo,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddStorageDetails {
    #[serde(rename = "storage-tags")]
    pub storage_tags: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddStorageResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<AddStorageDetails>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddStorageResults {
    pub results: Vec<AddStorageResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkImportStorageParamsV2 {
    pub storage: Vec<ImportStorageParamsV2>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemDetailsListResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub result: Vec<FilesystemDetails>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemDetailsListResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<FilesystemDetailsListResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemFilter {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemFilters {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilesystemFilter>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportStorageDetails {
    #[serde(rename = "storage-tag")]
    pub storage_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportStorageParamsV2 {
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    pub kind: i64,
    pub pool: String,
    #[serde(rename = "provider-id")]
    pub provider_id: String,
    #[serde(rename = "storage-name")]
    pub storage_name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportStorageResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ImportStorageDetails>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportStorageResults {
    pub results: Vec<ImportStorageResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveStorage {
    pub storage: Vec<RemoveStorageInstance>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoveStorageInstance {
    #[serde(rename = "destroy-attachments", skip_serializing_if = "is_false")]
    pub destroy_attachments: bool,
    #[serde(rename = "destroy-storage", skip_serializing_if = "is_false")]
    pub destroy_storage: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    #[serde(rename = "max-wait", skip_serializing_if = "is_zero")]
    pub max_wait: i64,
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageAddParams {
    pub name: String,
    pub storage: StorageConstraints,
    pub unit: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageAttachmentId {
    #[serde(rename = "storage-tag")]
    pub storage_tag: String,
    #[serde(rename = "unit-tag")]
    pub unit_tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageAttachmentIds {
    pub ids: Vec<StorageAttachmentId>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageConstraints {
    #[serde(skip_serializing_if = "is_zero")]
    pub count: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pool: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub size: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageDetachmentParams {
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    pub ids: StorageAttachmentIds,
    #[serde(rename = "max-wait", skip_serializing_if = "is_zero")]
    pub max_wait: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageDetailsListResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub result: Vec<StorageDetails>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageDetailsListResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<StorageDetailsListResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageDetailsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<StorageDetails>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageDetailsResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<StorageDetailsResult>,
}

/// Shape not given by the schema.
pub type StorageFilter = Json;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageFilters {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<StorageFilter>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePool {
    pub attrs: BTreeMap<String, Json>,
    pub name: String,
    pub provider: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePoolArgs {
    pub pools: Vec<StoragePool>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePoolDeleteArg {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePoolDeleteArgs {
    pub pools: Vec<StoragePoolDeleteArg>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePoolFilter {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePoolFilters {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<StoragePoolFilter>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePoolsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "storage-pools", skip_serializing_if = "Vec::is_empty")]
    pub storage_pools: Vec<StoragePool>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragePoolsResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<StoragePoolsResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoragesAddParams {
    pub storages: Vec<StorageAddParams>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeDetailsListResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub result: Vec<VolumeDetails>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeDetailsListResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<VolumeDetailsListResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeFilter {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeFilters {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<VolumeFilter>,
}
