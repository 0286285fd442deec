//! Facade `TaskOutput`: what tasks write, from where each reader has come to. Nothing here waits: readers ask again.
//! The surprise: whether a task is over is looked at before its output is read, so that what is told as its last bytes are its last.

use super::action::found;
use crate::call::Call;
use crate::convert::task::{self, Output};
use crate::error::IntoItem;
use base::{ModelUuid, Refusal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::output::{Stream, blob};
use wire::facade::task_output::{MAX_PART, ReadTask, ReadTasks, TaskOutput, TaskOutputs};

/// Bytes of outputs in one answer, before base64.
pub const MOST_READ: usize = 4 << 20;

pub async fn read(call: Call, params: ReadTasks) -> Result<TaskOutputs, Refusal> {
    let model = call.model()?;
    let mut left = MOST_READ;
    let mut results = Vec::with_capacity(params.tasks.len());
    for wanted in &params.tasks {
        results.push(match one(&call, model, wanted, &mut left).await.into_item() {
            Ok(output) => output,
            Err(error) => TaskOutput { error: Some(error), ..TaskOutput::default() },
        });
    }
    Ok(TaskOutputs { results })
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
