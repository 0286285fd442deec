//! Operations as lists show them: their status is their tasks'.

use crate::beliefs::{InModel, Stored};
use crate::record::operation::Operation;
use crate::record::status::TaskStatus;
use crate::record::task::Task;
use base::clock::Time;

/// An operation with its tasks, in the order of their numbers.
pub struct WithTasks<'a> {
    pub operation: &'a Stored<Operation>,
    pub tasks: Vec<&'a Stored<Task>>,
}

/// Which operations to list; an empty list asks nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub machines: Vec<String>,
    pub statuses: Vec<String>,
    pub offset: usize,
    pub limit: usize,
}

pub fn with_tasks<'a>(within: &'a InModel, operation: &'a Stored<Operation>) -> WithTasks<'a> {
    let tasks = operation.tasks.iter().filter_map(|id| within.tasks.get(id)).collect();
    WithTasks { operation, tasks }
}

/// Those asked for, oldest first, and whether there are more.
pub fn list<'a>(within: &'a InModel, filter: &Filter) -> (Vec<WithTasks<'a>>, bool) {
    let of_machine = |tasks: &[&Stored<Task>]| {
        filter.machines.is_empty()
            || tasks.iter().any(|task| filter.machines.iter().any(|id| id == task.machine.as_str()))
    };
    let mut fitting = within
        .operations
        .values()
        .map(|operation| with_tasks(within, operation))
        .filter(|one| of_machine(&one.tasks))
        .filter(|one| filter.statuses.is_empty() || filter.statuses.iter().any(|word| word == one.status().as_str()))
        .skip(filter.offset);
    let found: Vec<_> = fitting.by_ref().take(filter.limit).collect();
    let truncated = fitting.next().is_some();
    (found, truncated)
}

impl WithTasks<'_> {
    /// The first of these that some task has (`wire/commands-machines.md` 13.4).
    pub fn status(&self) -> TaskStatus {
        const ORDER: [TaskStatus; 8] = [
            TaskStatus::Error,
            TaskStatus::Running,
            TaskStatus::Aborting,
            TaskStatus::Pending,
            TaskStatus::Failed,
            TaskStatus::Cancelled,
            TaskStatus::Aborted,
            TaskStatus::Completed,
        ];
        let of_tasks = ORDER.into_iter().find(|status| self.tasks.iter().any(|task| task.status == *status));
        match (of_tasks, self.operation.fail.is_empty()) {
            (Some(status), _) => status,
            (None, true) => TaskStatus::Pending,
            (None, false) => TaskStatus::Error,
        }
    }

    pub fn started(&self) -> Option<Time> {
        self.tasks.iter().filter_map(|task| task.started).min()
    }

    /// When the last task ended; nothing while one has not.
    pub fn completed(&self) -> Option<Time> {
        let all: Option<Vec<Time>> = self.tasks.iter().map(|task| task.completed).collect();
        all?.into_iter().max()
    }
}
