//! What a worker is doing, for whoever asks: nothing that waits is invisible.

use std::time::Duration;

use serde::Serialize;

/// A worker at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    pub worker: &'static str,
    /// How often it looked.
    pub passes: u64,
    /// Acts that ended well, and that did not, since the start.
    pub done: u64,
    pub failed: u64,
    /// What it is at, and what waits to be tried again, in order of names.
    pub items: Vec<ItemReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ItemReport {
    pub item: String,
    #[serde(flatten)]
    pub progress: Progress,
    /// Failures in a row.
    pub failures: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Progress {
    Running {
        since: Duration,
    },
    /// Tried again after this much time.
    Waiting {
        for_another: Duration,
    },
    /// Due, but others are first.
    Queued,
}
