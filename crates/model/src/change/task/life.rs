//! A task goes on: started, cancelled, ended.

use crate::beliefs::{Beliefs, Stored};
use crate::change::{Decision, Given, TxnExt, block};
use crate::key;
use crate::record::block::BlockKind;
use crate::record::status::TaskStatus;
use crate::record::task::Task;
use base::clock::Time;
use base::{Kind, ModelUuid, Refusal, TaskId};
use store::Txn;

/// How a task ended, as its agent (or the reconciler in its stead) says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Completed or failed; a task that was being aborted ends aborted whatever this says.
    pub status: TaskStatus,
    pub message: String,
    pub return_code: Option<i32>,
    pub started: Option<Time>,
    pub stdout_len: u64,
    pub stderr_len: u64,
    pub dropped: u64,
}

fn write(model: ModelUuid, read: &Stored<Task>, record: &Task) -> Decision<Task> {
    let mut txn = Txn::new();
    if **read != *record {
        txn.update(key::task(model, read.id), read, record);
    }
    Decision::new(txn, record.clone())
}

fn find(beliefs: &Beliefs, model: ModelUuid, id: TaskId) -> Result<&Stored<Task>, Refusal> {
    let tasks = beliefs.models.get(&model).map(|within| &within.tasks);
    tasks.and_then(|tasks| tasks.get(&id)).ok_or_else(|| Refusal::new(Kind::NotFound, format!("task {id} not found")))
}

/// Its agent began it.
pub fn started(beliefs: &Beliefs, model: ModelUuid, id: TaskId, given: Given<'_>) -> Result<Decision<Task>, Refusal> {
    let read = find(beliefs, model, id)?;
    let mut record = read.to_record();
    if record.status == TaskStatus::Pending {
        record.status = TaskStatus::Running;
        record.started = Some(given.now);
    }
    Ok(write(model, read, &record))
}

/// Its user wants it to end. What is final stays as it is.
pub fn cancel(beliefs: &Beliefs, model: ModelUuid, id: TaskId, given: Given<'_>) -> Result<Decision<Task>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let read = find(beliefs, model, id)?;
    let mut record = read.to_record();
    match record.status {
        TaskStatus::Pending => {
            record.status = TaskStatus::Cancelled;
            record.completed = Some(given.now);
            "action cancelled via the API".clone_into(&mut record.message);
        }
        TaskStatus::Running => record.status = TaskStatus::Aborting,
        _ => {}
    }
    Ok(write(model, read, &record))
}

/// It is over.
pub fn ended(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: TaskId,
    how: &Ended,
    given: Given<'_>,
) -> Result<Decision<Task>, Refusal> {
    let read = find(beliefs, model, id)?;
    let mut record = read.to_record();
    if !record.status.is_final() {
        record.status = match record.status {
            TaskStatus::Aborting => TaskStatus::Aborted,
            _ => how.status,
        };
        record.message.clone_from(&how.message);
        record.started = record.started.or(how.started);
        record.completed = Some(given.now);
        record.return_code = how.return_code;
        record.stdout_len = how.stdout_len;
        record.stderr_len = how.stderr_len;
        record.dropped = how.dropped;
    }
    Ok(write(model, read, &record))
}
