//! A machine's way to another release of its operating system. Somebody else does the upgrade; what is ours is before it and after it.
//!
//! ```text
//!        prepare                  agent                          complete                 agent: its base now
//!   ( ) --------> prepare started -----> prepare completed -----------------> complete started --------------> completed
//!                       \___________________/  (operator: upgrades, reboots)        |
//!                           cancel: back in service  <------------------------------+
//! ```
//! It is part of the machine's record. The surprise: one that is completed stays there until the next, for those who still read its messages.

use base::OsBase;
use base::clock::Time;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Upgrade {
    pub from: OsBase,
    pub to: OsBase,
    pub phase: Phase,
    pub since: Time,
    /// All since it was prepared.
    pub messages: Vec<String>,
    /// How many of them are of the step before the one that was asked for last.
    #[serde(default)]
    pub told_before: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    PrepareStarted,
    PrepareCompleted,
    CompleteStarted,
    Completed,
}

impl Phase {
    /// Whether nothing more happens by itself.
    pub fn is_quiet(self) -> bool {
        matches!(self, Phase::PrepareCompleted | Phase::Completed)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::PrepareStarted => "prepare started",
            Phase::PrepareCompleted => "prepare completed",
            Phase::CompleteStarted => "complete started",
            Phase::Completed => "completed",
        })
    }
}

impl Upgrade {
    /// Whether the machine is held for it.
    pub fn is_open(&self) -> bool {
        self.phase != Phase::Completed
    }

    /// For the message column, while it is open.
    pub fn shown(&self) -> String {
        let doing = match self.phase {
            Phase::PrepareStarted => "preparing units",
            Phase::PrepareCompleted => "waiting for completion command",
            Phase::CompleteStarted => "waiting for units",
            Phase::Completed => "success",
        };
        format!("series upgrade {}: {doing}", self.phase)
    }
}
