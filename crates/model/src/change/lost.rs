//! Tasks whose end nobody can tell any more, and how they end then. Only the reconciler asks.
//! The surprise: a task of a connected agent is never lost, however late it is: the agent will say.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::status::TaskStatus;
use crate::record::task::Task;
use base::clock::Time;
use base::{Life, MachineId, ModelUuid, Refusal};
use std::time::Duration;
use store::{MAX_OPERATIONS, Txn};

/// How long after its own deadline a running task's agent may still be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// Why an open task can only be ended from here, in words; `Err` with the time to look again.
pub fn is_lost(
    beliefs: &Beliefs,
    model: ModelUuid,
    task: &Task,
    connected: bool,
    now: Time,
) -> Result<Option<String>, Time> {
    if task.status.is_final() {
        return Ok(None);
    }
    let machine = beliefs.models.get(&model).and_then(|model| model.machines.get(&task.machine)?.machine.as_ref());
    match machine {
        None => return Ok(Some(format!("interrupted: machine {} is gone", task.machine))),
        Some(machine) if machine.life == Life::Dead => {
            return Ok(Some(format!("interrupted: machine {} was removed", task.machine)));
        }
        Some(_) => {}
    }
    let Ok(limit) = u64::try_from(task.timeout) else { return Ok(None) };
    if limit == 0 {
        return Ok(None);
    }
    let over = task.started.unwrap_or(task.enqueued).plus(Duration::from_nanos(limit)).plus(SILENCE);
    match (over <= now, connected) {
        (false, _) => Err(over),
        // Its agent is there and will say; a task that waits for others there is no lost one.
        (true, true) => Ok(None),
        (true, false) if task.started.is_some() => {
            Ok(Some(format!("interrupted: machine {} was not heard of again", task.machine)))
        }
        (true, false) => Ok(Some(format!("machine {} did not take the task up in time", task.machine))),
    }
}

/// Ends tasks that are lost, a portion at a time.
pub fn end_lost(
    beliefs: &Beliefs,
    model: ModelUuid,
    connected: impl Fn(&MachineId) -> bool,
    given: Given<'_>,
) -> Result<Decision<usize>, Refusal> {
    let Some(in_model) = beliefs.models.get(&model) else { return Ok(Decision::nothing(0)) };
    let mut txn = Txn::new();
    let mut count = 0;
    for stored in in_model.tasks.values() {
        let lost = is_lost(beliefs, model, stored, connected(&stored.machine), given.now);
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
