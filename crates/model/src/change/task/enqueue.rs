//! Making an operation and its tasks. The surprise: operations and tasks count with one counter of the model, beginning at 1, so operation 7
//! with two tasks has tasks 8 and 9.

use crate::beliefs::{Beliefs, InModel};
use crate::change::sequence::Counters;
use crate::change::{Decision, Given, TxnExt, block};
use crate::key;
use crate::record::block::BlockKind;
use crate::record::operation::Operation;
use crate::record::status::TaskStatus;
use crate::record::task::Task;
use base::{Kind, Life, MachineId, ModelUuid, OperationId, Refusal, TaskId};
use std::collections::{BTreeMap, HashMap};
use store::Txn;

/// More targets than this are written in several transactions.
pub const MAX_TASKS_AT_ONCE: usize = 100;

/// Bytes of a command: what Linux lets a program have as one argument.
pub const MAX_COMMAND: usize = 128 << 10;
/// Tasks of one machine that have not ended.
pub const MAX_OPEN: usize = 256;
/// Bytes of the commands of a model's tasks that have not ended: each machine's task has its own.
pub const MAX_OPEN_BYTES: usize = 64 << 20;

/// One command for several machines.
#[derive(Debug, Clone)]
pub struct Exec {
    pub command: String,
    /// Nanoseconds; 0: none.
    pub timeout: i64,
    pub parallel: bool,
    pub execution_group: String,
    pub by: String,
    /// As their user named them, in that order.
    pub targets: Vec<String>,
    /// What could not be targeted before it came here (units, say), in words.
    pub refused: Vec<Refusal>,
}

#[derive(Debug, Clone)]
pub struct Enqueued {
    pub operation: OperationId,
    /// One for each target, in order.
    pub tasks: Vec<Result<Task, Refusal>>,
}

/// `into` is an operation to add to, made by an earlier call for the same request.
pub fn enqueue(
    beliefs: &Beliefs,
    model: ModelUuid,
    exec: &Exec,
    targets: &[String],
    into: Option<OperationId>,
    given: Given<'_>,
) -> Result<Decision<Enqueued>, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    if exec.command.contains("juju-exec") || exec.command.contains("juju-run") {
        let words = format!("cannot use {:?} as an action command", exec.command);
        return Err(Refusal::new(Kind::NotSupported, words));
    }
    if record.life != Life::Alive {
        return Err(Refusal::plain(format!("model {:?} is {}", record.name, record.life)));
    }
    if exec.command.len() > MAX_COMMAND {
        return Err(Refusal::plain(format!("command is longer than {MAX_COMMAND} bytes")));
    }
    let mut open = Open::of(within);
    if open.bytes + exec.command.len() * targets.len() > MAX_OPEN_BYTES {
        let words = format!("model {:?} has more than {} MiB of commands waiting", record.name, MAX_OPEN_BYTES >> 20);
        return Err(Refusal::new(Kind::TryAgain, words));
    }
    let mut txn = Txn::new();
    let mut counters = Counters::new(model, within);
    let operation = into.unwrap_or_else(|| OperationId(counters.take_from_one("operation")));
    let mut tasks = Vec::new();
    for target in targets {
        let machine = target_of(within, target).and_then(|machine| open.one_more(machine));
        tasks.push(machine.map(|machine| {
            let task = Task {
                id: TaskId(counters.take_from_one("operation")),
                operation,
                machine,
                command: exec.command.clone(),
                timeout: exec.timeout,
                parallel: exec.parallel,
                execution_group: exec.execution_group.clone(),
                status: TaskStatus::Pending,
                message: String::new(),
                enqueued: given.now,
                started: None,
                completed: None,
                return_code: None,
                stdout_len: 0,
                stderr_len: 0,
                dropped: 0,
                parameters: BTreeMap::new(),
                by: exec.by.clone(),
            };
            txn.add(key::task(model, task.id), &task);
            task
        }));
    }
    let failures = exec.refused.iter().chain(tasks.iter().filter_map(|task| task.as_ref().err()));
    let failures: Vec<&str> = failures.map(Refusal::words).collect();
    let made = tasks.iter().filter_map(|task| Some(task.as_ref().ok()?.id));
    match into {
        None => {
            let fail = match failures.is_empty() {
                true => String::new(),
                false => format!("error(s) enqueueing action(s): {}", failures.join(", ")),
            };
            let summary = summary(&exec.targets);
            let record = Operation { id: operation, summary, fail, enqueued: given.now, tasks: made.collect() };
            txn.add(key::operation(model, operation), &record);
        }
        Some(into) => {
            let Some(read) = within.operations.get(&into) else {
                return Err(Refusal::new(Kind::NotFound, format!("operation {into} not found")));
            };
            let mut record = read.to_record();
            record.tasks.extend(made);
            txn.update(key::operation(model, into), read, &record);
        }
    }
    counters.write(&mut txn);
    Ok(Decision::new(txn, Enqueued { operation, tasks }))
}

/// A model's tasks that have not ended.
struct Open {
    of: HashMap<MachineId, usize>,
    bytes: usize,
}

impl Open {
    fn of(within: &InModel) -> Open {
        let mut open = Open { of: HashMap::new(), bytes: 0 };
        for task in within.tasks.values().filter(|task| !task.status.is_final()) {
            *open.of.entry(task.machine.clone()).or_default() += 1;
            open.bytes += task.command.len();
        }
        open
    }

    fn one_more(&mut self, machine: MachineId) -> Result<MachineId, Refusal> {
        let count = self.of.entry(machine.clone()).or_default();
        if *count >= MAX_OPEN {
            return Err(Refusal::new(
                Kind::TryAgain,
                format!("machine {machine} has {MAX_OPEN} tasks waiting already"),
            ));
        }
        *count += 1;
        Ok(machine)
    }
}

/// What operators read in lists; cut, since a thousand machines would make it long.
fn summary(targets: &[String]) -> String {
    const MOST: usize = 50;
    let shown: Vec<String> =
        targets.iter().take(MOST).map(|target| format!("machine-{}", target.replace('/', "-"))).collect();
    let more = if targets.len() > MOST { format!(",... ({} more)", targets.len() - MOST) } else { String::new() };
    format!("juju-exec run on {}{more}", shown.join(","))
}

fn target_of(within: &InModel, target: &str) -> Result<MachineId, Refusal> {
    let id: MachineId = target.parse().map_err(|error: base::id::IdError| Refusal::plain(error.to_string()))?;
    let (_, machine) = within.machine(&id)?;
    match machine.life {
        Life::Dead => Err(Refusal::plain(format!("machine {id} is dead"))),
        Life::Alive | Life::Dying => Ok(id),
    }
}
