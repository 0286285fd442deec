//! An operation: some tasks started together. Its status is worked out from its tasks, never stored.

use super::Record;
use base::clock::Time;
use base::{OperationId, TaskId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Operation {
    pub id: OperationId,
    pub summary: String,
    /// What went wrong when its tasks were made, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fail: String,
    pub enqueued: Time,
    /// Its tasks' ids.
    pub tasks: Vec<TaskId>,
}

impl Record for Operation {
    const NOUN: &'static str = "operation";
}
