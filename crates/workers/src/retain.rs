//! Keeps what only grows within bounds: output of tasks, logs, histories of statuses, whoever they are of.
//! It knows no table. The surprise: most is forgotten elsewhere and sooner (an operation with its output, a model with its log); this finds
//! what a crash left over, and bounds the sum.
//!
//! | what | bound | by |
//! |---|---|---|
//! | history of the state | 100,000 revisions and 64 MiB | the store, at each commit |
//! | journal of each database | 32 MiB at rest | the store, at each commit |
//! | log of a model | 64 MiB | the store, at each line |
//! | logs of all models | [`LOG_BYTES`], [`LOG_AGE`] | this |
//! | output of a task | 1 MiB a stream | agent and `api` |
//! | what an instance printed that did not come up | 64 KiB a machine | `provision` |
//! | output of all tasks, and what instances printed | [`OUTPUT_BYTES`], [`OUTPUT_AGE`] | this |
//! | operations of a model | 5,000, 14 days | `prune` |
//! | statuses of an entity | 500, [`STATUS_AGE`] | the store, at each status; this |

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::clock::Time;
use model::beliefs::Beliefs;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::parts::Parts;

const DAY: Duration = Duration::from_secs(24 * 3600);
const EVERY: Duration = Duration::from_secs(3600);

pub const LOG_BYTES: u64 = 1 << 30;
pub const LOG_AGE: Duration = DAY.saturating_mul(90);
pub const OUTPUT_BYTES: u64 = 1 << 30;
/// Two days longer than operations are kept.
pub const OUTPUT_AGE: Duration = DAY.saturating_mul(16);
/// Juju's `max-status-history-age`.
pub const STATUS_AGE: Duration = DAY.saturating_mul(14);

/// What is older or more than this may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub logs_before: Time,
    pub log_bytes: u64,
    pub output_before: Time,
    pub output_bytes: u64,
    pub statuses_before: Time,
}

impl Bounds {
    fn at(now: Time) -> Bounds {
        let before = |age: Duration| {
            Time::from_unix(now.unix().saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX)))
        };
        Bounds {
            logs_before: before(LOG_AGE),
            log_bytes: LOG_BYTES,
            output_before: before(OUTPUT_AGE),
            output_bytes: OUTPUT_BYTES,
            statuses_before: before(STATUS_AGE),
        }
    }
}

/// Everything outside the state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllKept;

impl std::fmt::Display for AllKept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("logs, outputs and histories")
    }
}

pub struct Retain {
    parts: Parts,
    looked: Mutex<Option<Time>>,
}

impl Retain {
    pub(crate) fn new(parts: Parts) -> Retain {
        Retain { parts, looked: Mutex::default() }
    }
}

impl Worker for Retain {
    type Item = AllKept;

    fn name(&self) -> &'static str {
        "retain"
    }

    fn decide(&self, _: &Beliefs, now: Time) -> Decision<AllKept> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        match looked.map(|looked| looked.plus(EVERY)) {
            Some(next) if next > now => Decision { due: Vec::new(), again: Some(next) },
            _ => Decision { due: vec![AllKept], again: None },
        }
    }

    async fn act(&self, _: AllKept) -> Result<(), Failure> {
        let now = self.parts.state.now();
        let retained = self.parts.kept.retain(Bounds::at(now)).await;
        retained.map_err(|words| Failure::new(format!("cannot forget what is old: {words}")))?;
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 1, slow_after: Duration::from_secs(60), ..Pace::default() }
    }
}

#[cfg(test)]
mod tests;
