//! A task: one command for one machine. What it wrote is no state: that lies in the blob store under the task's id; here is how it ended.
//!
//! ```text
//!   enqueue --> pending --(agent: started)--> running --(agent: done)--> completed | failed
//!                  |                            |
//!                  | user: cancel               | user: cancel
//!                  v                            v
//!              cancelled                     aborting --(agent: done)--> aborted
//! ```
//! Whatever dies in between, a task ends: the worker `tasks` fails those whose machine is gone, the agent those it cannot know of ("interrupted").

use super::Record;
use super::status::TaskStatus;
use base::clock::Time;
use base::{MachineId, OperationId, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Task {
    pub id: TaskId,
    pub operation: OperationId,
    pub machine: MachineId,
    pub command: String,
    /// Nanoseconds from its start; 0: none.
    #[serde(default)]
    pub timeout: i64,
    #[serde(default = "yes")]
    pub parallel: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub execution_group: String,
    pub status: TaskStatus,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub enqueued: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_code: Option<i32>,
    /// How much is kept of each output, in bytes, and how much was thrown away.
    #[serde(default)]
    pub stdout_len: u64,
    #[serde(default)]
    pub stderr_len: u64,
    #[serde(default)]
    pub dropped: u64,
    /// Other parameters that clients sent, for showing them again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// User who asked for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

fn yes() -> bool {
    true
}

impl Record for Task {
    const NOUN: &'static str = "task";
}
