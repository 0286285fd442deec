//! Statuses of the nouns that have one, and a line of their history. The words are `base::status`; nothing here decides when they change.
//! The surprise: `down` and `lost` are never stored; they are worked out from presence when somebody asks.

use base::clock::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use base::status::{AgentStatus, InstanceStatus, ModelStatus, Status, TaskStatus};

/// One line of a status history (kept outside the state, in an append store).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatusEntry {
    /// `machine` (the instance), `juju-machine` (the agent), `model`, `container`, `juju-container`.
    pub kind: String,
    /// The entity's id: `0`, `0/lxd/1`, a model's uuid.
    pub id: String,
    pub status: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub since: Time,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, serde_json::Value>,
}

/// Setting the same word and message again would only move `since`.
pub fn says<S: PartialEq>(status: &Status<S>, current: S, message: &str) -> bool {
    status.current == current && status.message == message
}
