//! Facade `TaskOutput`: what tasks write, from where each reader has come to; readers ask again.
//! The surprise: whether a task is over is looked at before its output is read, so that what is told as its last bytes are its last. Who waits
//! for news hears of output by a bell and of ends by the state: a task may end without a word of its agent.

use super::action::found;
use crate::call::Call;
use crate::convert::task::{self, Output};
use crate::error::IntoItem;
use base::{Kind, ModelUuid, Refusal, TaskId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::output::{Stream, blob};
use std::time::Duration;
use store::Key;
use store::append::Bell;
use tokio::time::{Instant, timeout_at};
use wire::facade::task_output::{LONGEST_WAIT, MAX_PART, MOST_TASKS, ReadTask, ReadTasks, TaskOutput, TaskOutputs};

/// Bytes of outputs in one answer, before base64.
pub const MOST_READ: usize = 4 << 20;

pub async fn read(call: Call, params: ReadTasks) -> Result<TaskOutputs, Refusal> {
    let model = call.model()?;
    if params.tasks.len() > MOST_TASKS {
        let words = format!("output of more than {MOST_TASKS} tasks cannot be read at once");
        return Err(Refusal::new(Kind::BadRequest, words));
    }
    let wait = u64::try_from(params.wait.min(LONGEST_WAIT)).unwrap_or(0);
    let until = Instant::now() + Duration::from_millis(wait);
    // Listened to before the first look, so nothing comes unheard between a look and the wait after it.
    let news = (wait > 0).then(|| News::of(&call, model, &params.tasks));
    loop {
        let results = look(&call, model, &params.tasks).await;
        let is_new = results.iter().any(|one| *one != TaskOutput::default());
        let Some(news) = news.as_ref().filter(|_| !is_new) else { return Ok(TaskOutputs { results }) };
        if timeout_at(until, news.any()).await.is_err() {
            return Ok(TaskOutputs { results });
        }
    }
}

/// What tells that something came of some tasks.
struct News<'a> {
    call: &'a Call,
    model: ModelUuid,
    tasks: Vec<TaskId>,
    written: Bell,
}

impl<'a> News<'a> {
    fn of(call: &'a Call, model: ModelUuid, wanted: &[ReadTask]) -> News<'a> {
        let tasks: Vec<TaskId> = wanted.iter().filter_map(|one| Some(found(call, model, &one.tag).ok()?.id)).collect();
        let both = [Stream::Stdout, Stream::Stderr];
        let names: Vec<Key> = tasks.iter().flat_map(|task| both.map(|stream| blob(model, *task, stream))).collect();
        let written = call.session.shared().append.blobs().listen(&names);
        News { call, model, tasks, written }
    }

    async fn any(&self) {
        tokio::select! {
            () = self.written.rung() => {}
            () = self.ended() => {}
        }
    }

    /// Until one of them is over, or is no more.
    async fn ended(&self) {
        let mut changes = self.call.state().view().changes();
        while let Ok(state) = changes.next().await {
            let tasks = state.projection().models.get(&self.model).map(|model| &model.tasks);
            let is_over = |task: &TaskId| tasks.and_then(|all| all.get(task)).is_none_or(|one| one.status.is_final());
            if self.tasks.iter().any(is_over) {
                return;
            }
        }
    }
}

async fn look(call: &Call, model: ModelUuid, wanted: &[ReadTask]) -> Vec<TaskOutput> {
    let mut left = MOST_READ;
    let mut results = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        results.push(match one(call, model, wanted, &mut left).await.into_item() {
            Ok(output) => output,
            Err(error) => TaskOutput { error: Some(error), ..TaskOutput::default() },
        });
    }
    results
}

async fn one(call: &Call, model: ModelUuid, wanted: &ReadTask, left: &mut usize) -> Result<TaskOutput, Refusal> {
    let task = found(call, model, &wanted.tag)?;
    let blobs = call.session.shared().append.blobs();
    let mut output = TaskOutput::default();
    let mut all = true;
    for (stream, from, into) in
        [(Stream::Stdout, wanted.stdout, &mut output.stdout), (Stream::Stderr, wanted.stderr, &mut output.stderr)]
    {
        let from = u64::try_from(from).unwrap_or(0);
        let part = blobs.read(&blob(model, task.id, stream), from, MAX_PART.min(*left)).await;
        let part = part.map_err(|failure| Refusal::internal("task output cannot be read", failure))?;
        let Some(part) = part else { continue };
        *left -= part.bytes.len();
        *into = STANDARD.encode(&part.bytes);
        all &= part.next >= part.blob.size;
    }
    if all && task.status.is_final() {
        output.end = Some(task::result(&task, Some(&Output::default())));
    }
    Ok(output)
}
