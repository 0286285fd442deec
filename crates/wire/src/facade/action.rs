//! Facade `Action`, version 7: parameters and results.
//!
//! - `Actions`: Entities -> ActionResults
//! - `ApplicationsCharmsActions`: Entities -> ApplicationsCharmActionsResults
//! - `Cancel`: Entities -> ActionResults
//! - `EnqueueOperation`: Actions -> EnqueuedActions
//! - `ListOperations`: OperationQueryArgs -> OperationResults
//! - `Operations`: Entities -> OperationResults
//! - `Run`: RunParams -> EnqueuedActions
//! - `RunOnAllMachines`: RunParams -> EnqueuedActions
//! - `WatchActionsProgress`: Entities -> StringsWatchResults

use crate::error::Error;
use crate::omit::{is_false, is_zero};
pub use crate::shared::{Entities, Entity};
use base::clock::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Action {
    #[serde(rename = "execution-group", skip_serializing_if = "Option::is_none")]
    pub execution_group: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Json>,
    pub receiver: String,
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionMessage {
    pub message: String,
    pub timestamp: Time,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<ActionMessage>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub output: BTreeMap<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ActionResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionSpec {
    pub description: String,
    pub params: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Actions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationCharmActionsResult {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub actions: BTreeMap<String, ActionSpec>,
    #[serde(rename = "application-tag", skip_serializing_if = "String::is_empty")]
    pub application_tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationsCharmActionsResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ApplicationCharmActionsResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EnqueuedActions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionResult>,
    pub operation: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationQueryArgs {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub limit: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationResult {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fail: String,
    pub operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    pub summary: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OperationResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<OperationResult>,
    #[serde(skip_serializing_if = "is_false")]
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunParams {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<String>,
    pub commands: String,
    #[serde(rename = "execution-group", skip_serializing_if = "Option::is_none")]
    pub execution_group: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<bool>,
    pub timeout: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    #[serde(rename = "workload-context", skip_serializing_if = "is_false")]
    pub workload_context: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StringsWatchResult {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "watcher-id")]
    pub watcher_id: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StringsWatchResults {
    pub results: Vec<StringsWatchResult>,
}
