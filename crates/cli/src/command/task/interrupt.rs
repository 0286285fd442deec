//! Ctrl-C while tasks are waited for: asks whether they are to be cancelled where they run, and does it.
//!
//! Must not know how one waits. The surprise: without a terminal nobody can be asked, and the tasks go on, as the original's do.

use serde_json::json;
use wire::facade::action::ActionResults;

use super::batch::Batch;
use super::result;
use crate::context::{Api, Context};
use crate::error::{Error, Result};

/// What a shell says of a program that Ctrl-C ended.
pub(super) const EXIT: i32 = 130;

/// Of so many tasks the ids are told.
const TOLD: usize = 5;

/// Cancels on a yes; anything else is the command's end.
pub(super) async fn ask(context: &mut Context, api: &Api, batch: &Batch) -> Result<()> {
    if !context.io.stdin_is_terminal {
        return Err(left(batch));
    }
    let question = format!("\nCancel operation {} where it runs [y/N]? ", batch.operation);
    let answer = context.ask_or_interrupted(&question).await?.unwrap_or_default();
    if !matches!(answer.to_lowercase().as_str(), "y" | "yes") {
        return Err(left(batch));
    }
    let tags = batch.tasks.iter().filter_map(|task| task.action.as_ref()).map(|action| json!({"tag": action.tag}));
    let tags: Vec<_> = tags.collect();
    let answer: ActionResults =
        api.call("Action", "Cancel", json!({"entities": tags})).await.map_err(|e| e.explain_block("all"))?;
    for (task, cancelled) in batch.tasks.iter().zip(&answer.results) {
        if let Some(error) = &cancelled.error {
            context.warn(format!("task {} could not be cancelled: {}", result::id(task), error.message));
        }
    }
    context.info("Cancelling; waiting for the ends of what ran...");
    Ok(())
}

/// Nobody waits any more.
pub(super) fn left(batch: &Batch) -> Error {
    let operation = &batch.operation;
    let mut ids: Vec<String> = batch.tasks.iter().take(TOLD).map(result::id).collect();
    if batch.tasks.len() > TOLD {
        ids.push("...".to_owned());
    }
    Error::failed(format!(
        "interrupted: operation {operation} goes on\n\nSee 'juju show-operation {operation}'; 'juju cancel-task {}' cancels it.\n",
        ids.join(" ")
    ))
    .with_exit(EXIT)
}

/// It was cancelled, and what it wrote was shown.
pub(super) fn cancelled(batch: &Batch) -> Error {
    Error::failed(format!("interrupted: operation {} was cancelled", batch.operation)).with_exit(EXIT)
}
