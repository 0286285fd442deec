//! Forgets operations that are old, with the output of their tasks.
//! The surprise: age alone does not bound a busy model, so beyond [`MOST`] the oldest finished ones go whatever their age.

use std::time::Duration;

use base::ModelUuid;
use base::clock::Time;
use model::beliefs::Beliefs;
use model::change::prune;
use tokio::time::Instant;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::parts::Parts;

/// Operations of one model that are kept.
pub const MOST: usize = 5_000;
const HOUR: Duration = Duration::from_secs(3600);

pub struct Prune {
    parts: Parts,
    /// By a clock that nobody sets.
    looked: std::sync::Mutex<Option<Instant>>,
}

impl Prune {
    pub(crate) fn new(parts: Parts) -> Self {
        Prune { parts, looked: std::sync::Mutex::default() }
    }
}

/// Finished operations of one model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationsOf(pub ModelUuid);

impl std::fmt::Display for OperationsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "operations of model {}", self.0)
    }
}

impl Worker for Prune {
    type Item = OperationsOf;

    fn name(&self) -> &'static str {
        "prune"
    }

    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<OperationsOf> {
        let mut looked = self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let crowded = beliefs.models.values().any(|within| within.operations.len() > MOST + MOST / 10);
        let mut decision = Decision::default();
        match looked.map(|last| HOUR.saturating_sub(last.elapsed())) {
            Some(left) if !left.is_zero() && !crowded => decision.at(now.plus(left)),
            _ => {
                let old =
                    beliefs.models.keys().filter(|model| !prune::prunable(beliefs, **model, now, MOST).is_empty());
                decision.due = old.map(|model| OperationsOf(*model)).collect();
                if decision.due.is_empty() {
                    *looked = Some(Instant::now());
                    decision.at(now.plus(HOUR));
                }
            }
        }
        decision
    }

    async fn act(&self, OperationsOf(model): OperationsOf) -> Result<(), Failure> {
        let state = &self.parts.state;
        for id in prune::prunable(&state.read(), model, state.now(), MOST) {
            loop {
                let tasks = state.change(|beliefs, _| prune::forget(beliefs, model, id)).await?;
                if tasks.is_empty() {
                    break;
                }
                for task in tasks {
                    let forgotten = self.parts.kept.forget_task(model, task).await;
                    forgotten
                        .map_err(|words| Failure::new(format!("cannot forget the output of task {task}: {words}")))?;
                }
            }
        }
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 1, slow_after: Duration::from_secs(60), ..Pace::default() }
    }
}
