//! Facade `Diagnosis`, version 1: what a machine waits for, and what its instance printed. Grigri's own; clients that know only Juju pass it over.
//!
//! - `FirstBootLog`: Entities -> FirstBootLogs
//! - `Why`: Entities -> Whys

use crate::error::Error;
use crate::omit::{is_false, is_zero};
pub use crate::shared::{Entities, Entity};
use base::clock::Time;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Whys {
    pub results: Vec<Why>,
}

/// The chain of one machine, its own link first; empty when it waits for nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Why {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "waits-for")]
    pub waits_for: Vec<Wait>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wait {
    /// Who waits: `0/lxd/1`.
    pub machine: String,
    /// Who must act: `controller`, `cloud`, `start-again`, `stop-again`, `user`, `upgrade`, `host`, `instance`, `agent`, `contact`, `tasks`, `containers`, `force`.
    pub what: String,
    /// For what, as the end of the sentence "machine 3 waits for ...".
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: i64,
    #[serde(rename = "last-error", skip_serializing_if = "String::is_empty")]
    pub last_error: String,
    /// When it is tried again, or when the waiting ends at the latest.
    #[serde(rename = "next-try", skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Time>,
    /// There is a first-boot log to read.
    #[serde(rename = "first-boot-log", skip_serializing_if = "is_false")]
    pub first_boot_log: bool,
}

/// For at most as many logs is asked at once.
pub const MOST_LOGS: usize = 16;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FirstBootLogs {
    pub results: Vec<FirstBootLog>,
}

/// What one machine's instance printed when it began, and the newest of what it printed since; 64 KiB at most.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FirstBootLog {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub log: String,
    /// It is of the last instance that did not come up.
    #[serde(skip_serializing_if = "is_false")]
    pub failed: bool,
}
