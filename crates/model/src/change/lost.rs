//! Tasks whose end nobody can tell any more, and how they end then. Only the reconciler asks.
//! The surprise: a task of a connected agent is never lost, however late it is: the agent will say. Nor is one whose agent was away for a
//! moment only: a controller that begins, or whose clock jumped, hears first what the agents have to say.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::status::{InstanceStatus, TaskStatus};
use crate::record::task::Task;
use base::clock::Time;
use base::{Life, MachineId, ModelUuid, Refusal};
use std::time::Duration;
use store::{MAX_OPERATIONS, Txn};

/// How long after its own deadline a running task's agent may still be silent; and how long it must have been silent in any case.
const SILENCE: Duration = Duration::from_secs(60);

/// Why an open task can only be ended from here, in words; `Err` with the time to look again. `absent`: for how long its agent has not been
/// connected, by a clock that nobody sets; `None`: it is.
pub fn is_lost(
    beliefs: &Beliefs,
    model: ModelUuid,
    task: &Task,
    absent: Option<Duration>,
    now: Time,
) -> Result<Option<String>, Time> {
    if task.status.is_final() {
        return Ok(None);
    }
    let all = beliefs.models.get(&model).and_then(|model| model.machines.get(&task.machine));
    match all.and_then(|all| all.machine.as_ref()) {
        None => return Ok(Some(format!("interrupted: machine {} is gone", task.machine))),
        Some(machine) if machine.life == Life::Dead => {
            return Ok(Some(format!("interrupted: machine {} was removed", task.machine)));
        }
        Some(_) => {}
    }
    // Nobody will ever take it up, unless somebody does something about the machine first.
    let instance = all.and_then(|all| all.instance.as_ref());
    if let Some(instance) = instance.filter(|one| one.status.current == InstanceStatus::ProvisioningError) {
        return Ok(Some(format!("machine {} did not start: {}", task.machine, instance.status.message)));
    }
    if task.timeout == 0 {
        return Ok(None);
    }
    // A negative one was over before it began.
    let limit = u64::try_from(task.timeout).unwrap_or(0);
    // Its agent is there and will say; a task that waits for others there is no lost one.
    let Some(absent) = absent else { return Ok(None) };
    let limit = Duration::from_nanos(limit);
    // Either clock may say that it is over, but the agent must have been away for a while by the one that cannot jump.
    let by_wall = task.started.unwrap_or(task.enqueued).plus(limit).plus(SILENCE).since(now);
    let by_absence = (limit + SILENCE).saturating_sub(absent);
    let left = by_wall.min(by_absence).max(SILENCE.saturating_sub(absent));
    match (left.is_zero(), task.started.is_some()) {
        (false, _) => Err(now.plus(left)),
        (true, true) => Ok(Some(format!("interrupted: machine {} was not heard of again", task.machine))),
        (true, false) => Ok(Some(format!("machine {} did not take the task up in time", task.machine))),
    }
}

/// Ends tasks that are lost, a portion at a time.
pub fn end_lost(
    beliefs: &Beliefs,
    model: ModelUuid,
    absent: impl Fn(&MachineId) -> Option<Duration>,
    given: Given<'_>,
) -> Result<Decision<usize>, Refusal> {
    let Some(in_model) = beliefs.models.get(&model) else { return Ok(Decision::nothing(0)) };
    let mut txn = Txn::new();
    let mut count = 0;
    for stored in in_model.tasks.values() {
        let lost = is_lost(beliefs, model, stored, absent(&stored.machine), given.now);
        let Ok(Some(words)) = lost else { continue };
        let mut task = stored.to_record();
        task.status = match (task.status, task.started) {
            (TaskStatus::Aborting, None) => TaskStatus::Cancelled,
            (TaskStatus::Aborting, Some(_)) => TaskStatus::Aborted,
            _ => TaskStatus::Failed,
        };
        task.message = words;
        task.completed = Some(given.now);
        txn.update(key::task(model, stored.id), stored, &task);
        count += 1;
        if count == MAX_OPERATIONS {
            break;
        }
    }
    Ok(Decision::new(txn, count))
}
