//! Ends tasks whose end nobody can tell any more: their machine is gone or never came, or it was silent beyond their own deadline.
//! It must not know what a task does. The surprise: a task of a machine that is connected is never ended from here; its agent knows better.

use std::time::Duration;

use base::ModelUuid;
use base::clock::Time;
use model::State;
use model::beliefs::Beliefs;
use model::change::lost;
use model::presence::Presence;

use crate::driver::{Decision, Failure, Pace, Worker};

pub struct Tasks {
    state: State,
}

impl Tasks {
    pub(crate) fn new(state: State) -> Self {
        Tasks { state }
    }
}

/// Tasks of one model, shown as such.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TasksOf(pub ModelUuid);

impl std::fmt::Display for TasksOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tasks of model {}", self.0)
    }
}

impl Worker for Tasks {
    type Item = TasksOf;

    fn name(&self) -> &'static str {
        "tasks"
    }

    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<TasksOf> {
        decide(beliefs, self.state.presence(), now)
    }

    async fn act(&self, TasksOf(model): TasksOf) -> Result<(), Failure> {
        let presence = self.state.presence();
        let absent = |machine: &base::MachineId| presence.absent(model, machine);
        let ended = self.state.change(|beliefs, given| lost::end_lost(beliefs, model, absent, given)).await?;
        tracing::info!(%model, ended, "ended tasks whose end nobody can tell");
        Ok(())
    }

    fn pace(&self) -> Pace {
        // Presence is no part of the state: it is looked at from time to time.
        Pace { at_once: 4, at_least_every: Duration::from_secs(30), ..Pace::default() }
    }
}

/// Models that have such tasks.
pub fn decide(beliefs: &Beliefs, presence: &Presence, now: Time) -> Decision<TasksOf> {
    let mut decision = Decision::default();
    for (uuid, within) in &beliefs.models {
        let mut any = false;
        for task in within.tasks.values().filter(|task| !task.status.is_final()) {
            let absent = presence.absent(*uuid, &task.machine);
            match lost::is_lost(beliefs, *uuid, task, absent, now) {
                Ok(None) => {}
                Ok(Some(_)) => any = true,
                Err(then) => decision.at(then),
            }
        }
        if any {
            decision.due.push(TasksOf(*uuid));
        }
    }
    decision
}
