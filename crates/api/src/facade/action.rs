//! Facade `Action`: commands on machines, as tasks. Nothing here waits for a task: clients poll.

use crate::call::Call;
use crate::convert::task::{self, Output};
use crate::error::{self, IntoItem};
use crate::text::head;
use crate::watcher::Watched;
use base::status::TaskStatus;
use base::{Kind, ModelUuid, OperationId, Refusal, Tag, TaskId};
use model::change::task::{self as change, Exec, MAX_TASKS_AT_ONCE};
use model::output::{Stream, blob};
use model::query::operation::{self, Filter, WithTasks};
use model::record::task::Task;
use wire::Error;
use wire::facade::action::*;

/// Bytes of outputs and commands that one answer carries; of more it says how much is left out.
const MOST_SHOWN: usize = 16 << 20;
/// What is left of a command then.
const COMMAND_LEFT: usize = 80;

pub async fn run(call: Call, params: RunParams) -> Result<EnqueuedActions, Refusal> {
    if params.commands.is_empty() {
        return Err(Refusal::plain("no commands specified"));
    }
    if let Some(application) = params.applications.first() {
        return Err(Refusal::new(Kind::NotFound, format!("application {application:?} not found")));
    }
    let refused: Vec<Refusal> =
        params.units.iter().map(|unit| Refusal::new(Kind::NotFound, format!("unit {unit:?} not found"))).collect();
    let machines = params.machines.clone();
    enqueue(call, params, machines, refused).await
}

pub async fn run_on_all_machines(call: Call, params: RunParams) -> Result<EnqueuedActions, Refusal> {
    if params.commands.is_empty() {
        return Err(Refusal::plain("no commands specified"));
    }
    let model = call.model()?;
    let read = call.read();
    let (within, _) = read.model(model)?;
    let machines =
        within.machines().filter(|(.., machine)| machine.life != base::Life::Dead).map(|(id, ..)| id.to_string());
    let machines = machines.collect();
    enqueue(call, params, machines, Vec::new()).await
}

async fn enqueue(
    call: Call,
    params: RunParams,
    targets: Vec<String>,
    refused: Vec<Refusal>,
) -> Result<EnqueuedActions, Refusal> {
    let model = call.model()?;
    let exec = Exec {
        command: params.commands,
        timeout: params.timeout,
        parallel: params.parallel.unwrap_or(true),
        execution_group: params.execution_group.unwrap_or_default(),
        by: call.user.clone(),
        targets: targets.clone(),
        refused,
    };
    let mut show = Shown::new();
    let mut into: Option<OperationId> = None;
    let mut actions: Vec<ActionResult> = exec
        .refused
        .iter()
        .map(|refusal| ActionResult { error: Some(error::wire(refusal)), ..ActionResult::default() })
        .collect();
    // The first is made even when there is no target: the operation says so.
    let mut rest = targets.as_slice();
    loop {
        let (some, later) = rest.split_at(rest.len().min(MAX_TASKS_AT_ONCE));
        rest = later;
        let made =
            call.state().change(|beliefs, given| change::enqueue(beliefs, model, &exec, some, into, given)).await?;
        into = Some(made.operation);
        actions.extend(made.tasks.into_iter().map(|task| match task.into_item() {
            Ok(made) => show.task(&made),
            Err(error) => ActionResult { error: Some(error), ..ActionResult::default() },
        }));
        if rest.is_empty() {
            let operation = Tag::Operation(made.operation).to_string();
            return Ok(EnqueuedActions { operation, actions });
        }
    }
}

pub async fn enqueue_operation(_: Call, params: Actions) -> Result<EnqueuedActions, Refusal> {
    let Some(first) = params.actions.first() else { return Err(Refusal::plain("no actions specified")) };
    let unit = first.receiver.strip_prefix("unit-").and_then(|unit| unit.rsplit_once('-'));
    let words = match unit {
        Some((application, number)) => format!("unit \"{application}/{number}\" not found"),
        None => format!("{:?} not found", first.receiver),
    };
    Err(Refusal::new(Kind::NotFound, words))
}

fn task_id(tag: &str) -> Result<TaskId, Refusal> {
    match tag.parse() {
        Ok(Tag::Action(id)) => Ok(id),
        Ok(_) => Err(Refusal::plain(format!("{tag:?} is not a valid action tag"))),
        Err(invalid) => Err(Refusal::plain(invalid.to_string())),
    }
}

pub(super) fn found(call: &Call, model: ModelUuid, tag: &str) -> Result<Task, Refusal> {
    let id = task_id(tag)?;
    let read = call.read();
    let (within, _) = read.model(model)?;
    match within.tasks.get(&id) {
        Some(task) => Ok(task.to_record()),
        None => Err(Refusal::new(Kind::NotFound, format!("action {:?} not found", id.to_string()))),
    }
}

/// What an answer may still carry.
struct Shown {
    left: usize,
}

impl Shown {
    fn new() -> Shown {
        Shown { left: MOST_SHOWN }
    }

    /// The task without its output.
    fn task(&mut self, task: &Task) -> ActionResult {
        self.command(task::result(task, None))
    }

    fn command(&mut self, mut result: ActionResult) -> ActionResult {
        let parameters = result.action.iter_mut().flat_map(|action| action.parameters.get_mut("command"));
        for command in parameters {
            let Some(text) = command.as_str().filter(|text| text.len() > COMMAND_LEFT) else { continue };
            if text.len() > self.left {
                let head = head(text, COMMAND_LEFT);
                *command = format!("{head}... ({} bytes left out)", text.len() - head.len()).into();
            } else {
                self.left -= text.len();
            }
        }
        result
    }

    /// What a task wrote, read when it is over or on its way; and how many bytes of it are left out.
    async fn output(&mut self, call: &Call, model: ModelUuid, task: &Task) -> Result<(Output, u64), Refusal> {
        let blobs = call.session.shared().append.blobs();
        let mut output = Output::default();
        let mut left_out = 0;
        for (stream, into) in [(Stream::Stdout, &mut output.stdout), (Stream::Stderr, &mut output.stderr)] {
            let key = blob(model, task.id, stream);
            let mut at = 0;
            loop {
                let part = blobs.read(&key, at, self.left.max(1)).await;
                let part = part.map_err(|failure| Refusal::internal("task output cannot be read", failure))?;
                let Some(part) = part.filter(|part| !part.bytes.is_empty()) else { break };
                if part.bytes.len() > self.left {
                    left_out += part.blob.size.saturating_sub(at);
                    break;
                }
                at = part.next;
                self.left -= part.bytes.len();
                into.extend(part.bytes);
            }
        }
        Ok((output, left_out))
    }

    async fn with_output(&mut self, call: &Call, model: ModelUuid, task: &Task) -> Result<ActionResult, Error> {
        // Clients poll: what is known to have written nothing costs no look into the store.
        let silent = match task.status {
            TaskStatus::Pending | TaskStatus::Cancelled => true,
            status => status.is_final() && task.stdout_len == 0 && task.stderr_len == 0,
        };
        let (output, left_out) = match silent {
            true => (Output::default(), 0),
            false => self.output(call, model, task).await.into_item()?,
        };
        let mut result = self.command(task::result(task, Some(&output)));
        if left_out > 0 {
            result.output.insert("output-left-out-bytes".to_owned(), left_out.into());
        }
        Ok(result)
    }
}

pub async fn actions(call: Call, params: Entities) -> Result<ActionResults, Refusal> {
    let model = call.model()?;
    let mut show = Shown::new();
    let mut results = Vec::new();
    for entity in &params.entities {
        let result = match found(&call, model, &entity.tag).into_item() {
            Ok(task) => show.with_output(&call, model, &task).await,
            Err(error) => Err(error),
        };
        results.push(result.unwrap_or_else(|error| ActionResult { error: Some(error), ..ActionResult::default() }));
    }
    Ok(ActionResults { results })
}

pub async fn cancel(call: Call, params: Entities) -> Result<ActionResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for entity in &params.entities {
        let cancelled = match task_id(&entity.tag) {
            Ok(id) => call.state().change(|beliefs, given| change::cancel(beliefs, model, id, given)).await,
            Err(refusal) => Err(refusal),
        };
        results.push(match cancelled.into_item() {
            Ok(task) => task::result(&task, None),
            // Clients show the error of an item only if it says which task it is of.
            Err(error) => {
                let action = Action { tag: entity.tag.clone(), ..Action::default() };
                ActionResult { action: Some(action), error: Some(error), ..ActionResult::default() }
            }
        });
    }
    Ok(ActionResults { results })
}

const USUAL_LIMIT: usize = 50;
const MOST_LISTED: usize = 1000;

pub async fn list_operations(call: Call, params: OperationQueryArgs) -> Result<OperationResults, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let (within, _) = read.model(model)?;
    let units_only = params.machines.is_empty() && !(params.units.is_empty() && params.applications.is_empty());
    let other_names = !params.actions.is_empty() && !params.actions.iter().any(|name| name == "juju-exec");
    if units_only || other_names {
        return Ok(OperationResults::default());
    }
    let limit = match usize::try_from(params.limit).unwrap_or(0) {
        0 => USUAL_LIMIT,
        limit => limit.min(MOST_LISTED),
    };
    let machines =
        params.machines.iter().map(|id| id.strip_prefix("machine-").unwrap_or(id).replace('-', "/")).collect();
    let filter =
        Filter { machines, statuses: params.status, offset: usize::try_from(params.offset).unwrap_or(0), limit };
    let (found, truncated) = operation::list(within, &filter);
    let mut show = Shown::new();
    let results = found.iter().map(|one| {
        let actions = one.tasks.iter().map(|task| show.task(task)).collect();
        task::operation(one, actions)
    });
    Ok(OperationResults { results: results.collect(), truncated })
}

pub async fn operations(call: Call, params: Entities) -> Result<OperationResults, Refusal> {
    let model = call.model()?;
    let mut show = Shown::new();
    let mut results = Vec::new();
    for entity in &params.entities {
        results.push(match one_operation(&call, model, &entity.tag, &mut show).await {
            Ok(result) => result,
            Err(error) => OperationResult { error: Some(error), ..OperationResult::default() },
        });
    }
    Ok(OperationResults { results, truncated: false })
}

async fn one_operation(call: &Call, model: ModelUuid, tag: &str, show: &mut Shown) -> Result<OperationResult, Error> {
    let read = call.read();
    let (within, _) = read.model(model).into_item()?;
    let id = match tag.parse() {
        Ok(Tag::Operation(id)) => Ok(id),
        Ok(_) => Err(Refusal::plain(format!("{tag:?} is not a valid operation tag"))),
        Err(base::tag::TagError::Invalid(text)) => Err(Refusal::plain(format!("{text:?} is not a valid tag"))),
        Err(other) => Err(Refusal::plain(other.to_string())),
    };
    let id: OperationId = id.into_item()?;
    let operation = within.operations.get(&id);
    let operation = operation.ok_or_else(|| {
        error::wire(&Refusal::new(Kind::NotFound, format!("operation {:?} not found", id.to_string())))
    })?;
    let one: WithTasks<'_> = operation::with_tasks(within, operation);
    let mut actions = Vec::new();
    for task in &one.tasks {
        actions.push(show.with_output(call, model, task).await?);
    }
    Ok(task::operation(&one, actions))
}

pub async fn watch_progress(call: Call, params: Entities) -> Result<StringsWatchResults, Refusal> {
    let model = call.model()?;
    let one = |tag: &str| {
        found(&call, model, tag)?;
        call.session.watchers.open(Watched::Strings)
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(watcher_id) => StringsWatchResult { watcher_id, ..StringsWatchResult::default() },
        Err(error) => StringsWatchResult { error: Some(error), ..StringsWatchResult::default() },
    });
    Ok(StringsWatchResults { results: results.collect() })
}

pub async fn charm_actions(_: Call, params: Entities) -> Result<ApplicationsCharmActionsResults, Refusal> {
    let results = params.entities.iter().map(|entity| {
        let name = entity.tag.strip_prefix("application-").unwrap_or(&entity.tag);
        let refusal = Refusal::new(Kind::NotFound, format!("application {name:?} not found"));
        ApplicationCharmActionsResult {
            application_tag: entity.tag.clone(),
            error: Some(error::wire(&refusal)),
            ..ApplicationCharmActionsResult::default()
        }
    });
    Ok(ApplicationsCharmActionsResults { results: results.collect() })
}
