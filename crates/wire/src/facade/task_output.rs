//! Facade `TaskOutput`, version 1: what tasks write, while they write it. Grigri's own; clients that know only Juju pass it over.
//! The surprise: nothing is held open. A reader asks again with the offsets it has come to, so a lost connection costs it nothing; it may let
//! the controller wait for news before it answers.
//!
//! - `Read`: ReadTasks -> TaskOutputs

use super::action::ActionResult;
use crate::error::Error;
use crate::omit::is_zero;
use serde::{Deserialize, Serialize};

/// How many bytes of one output an answer holds at most (before base64).
pub const MAX_PART: usize = 64 << 10;

/// So many tasks are read in a call.
pub const MOST_TASKS: usize = 500;

/// A call waits so many milliseconds at most, whatever it asks for.
pub const LONGEST_WAIT: i64 = 5_000;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadTasks {
    pub tasks: Vec<ReadTask>,
    /// Milliseconds: while there is nothing new of any of them, the answer may be so late. A controller that does not know of it answers at once.
    #[serde(skip_serializing_if = "is_zero")]
    pub wait: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadTask {
    /// `action-8`.
    pub tag: String,
    /// How many bytes of each output the reader has.
    #[serde(skip_serializing_if = "is_zero")]
    pub stdout: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub stderr: i64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskOutputs {
    pub results: Vec<TaskOutput>,
}

/// What comes next of one task's outputs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskOutput {
    /// Base64, both.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// With the last of its output: how the task ended, without the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<ActionResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}
