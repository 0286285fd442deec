//! Which operations are old enough to be forgotten, and forgetting them. Only the reconciler asks.

use super::Decision;
use crate::beliefs::{Beliefs, InModel};
use crate::key;
use crate::settings;
use base::clock::Time;
use base::{ModelUuid, OperationId, Refusal, TaskId};
use std::time::Duration;
use store::{MAX_OPERATIONS, Txn};

/// What is old enough to be forgotten: operations, oldest first, whose tasks all ended longer ago than the model's `max-action-results-age`, and
/// beyond `most` the oldest finished ones whatever their age.
pub fn prunable(beliefs: &Beliefs, model: ModelUuid, now: Time, most: usize) -> Vec<OperationId> {
    let Some(in_model) = beliefs.models.get(&model) else { return Vec::new() };
    let surplus = in_model.operations.len().saturating_sub(most);
    let age = age(in_model);
    let is_old = |at: Time| age.is_some_and(|age| now.since(at) > age);
    let mut found = Vec::new();
    for (nth, operation) in in_model.operations.values().enumerate() {
        let is_surplus = nth < surplus;
        let mut tasks = operation.tasks.iter().filter_map(|id| in_model.tasks.get(id));
        let over = tasks.all(|task| task.status.is_final() && (is_surplus || task.completed.is_none_or(is_old)));
        let is_young = operation.tasks.is_empty() && !is_old(operation.enqueued) && !is_surplus;
        if over && !is_young {
            found.push(operation.id);
        }
    }
    found
}

/// Nothing where age does not count: `0`.
fn age(within: &InModel) -> Option<Duration> {
    let nanos = base::duration::parse(&settings::text(within, "max-action-results-age"));
    nanos.and_then(|nanos| u64::try_from(nanos).ok()).filter(|nanos| *nanos > 0).map(Duration::from_nanos)
}

/// Forgets an operation and its tasks. The answer: the tasks, whose output may go too.
pub fn forget(beliefs: &Beliefs, model: ModelUuid, id: OperationId) -> Result<Decision<Vec<TaskId>>, Refusal> {
    let Some(in_model) = beliefs.models.get(&model) else { return Ok(Decision::nothing(Vec::new())) };
    let Some(operation) = in_model.operations.get(&id) else { return Ok(Decision::nothing(Vec::new())) };
    let mut txn = Txn::new();
    let tasks: Vec<TaskId> =
        operation.tasks.iter().copied().filter(|id| in_model.tasks.contains_key(id)).take(MAX_OPERATIONS - 1).collect();
    for task in &tasks {
        txn.delete(key::task(model, *task));
    }
    if operation.tasks.iter().filter(|id| in_model.tasks.contains_key(*id)).count() == tasks.len() {
        txn.delete(key::operation(model, id));
    }
    Ok(Decision::new(txn, tasks))
}
