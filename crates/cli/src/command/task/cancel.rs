//! `cancel-task`: stops tasks that are pending or running.

use base::clock::Time;
use jiff::tz::TimeZone;
use serde_json::json;
use wire::facade::action::{ActionResult, ActionResults};
use wire::yaml::Node;

use super::result;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "cancel-task",
    args: "(<task-id>|<task-id-prefix>) [...]",
    arguments: &[&[Noun::LiveTask]],
    purpose: "Cancel pending or running tasks.",
    doc: "Cancels tasks: a pending one does not start, a running one is killed on its machine.",
    examples: "\n    juju cancel-task 2\n    juju cancel-task 2 4 6",
    see_also: &["show-task", "operations"],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let ids = context.args.positional().to_vec();
    if ids.is_empty() {
        return Err(Error::failed("no task IDs specified"));
    }
    for id in &ids {
        id.parse::<base::TaskId>().map_err(|_| Error::failed(format!("task ID {id:?} not valid")))?;
    }
    let entities: Vec<_> = ids.iter().map(|id| json!({"tag": format!("action-{id}")})).collect();
    let api = context.model_api().await?;
    let answer: ActionResults =
        api.call("Action", "Cancel", json!({"entities": entities})).await.map_err(|e| e.explain_block("all"))?;
    if answer.results.is_empty() {
        return Err(Error::failed("no tasks found, no tasks have been canceled"));
    }
    let (done, failed): (Vec<_>, Vec<_>) = ids.iter().zip(&answer.results).partition(|(_, r)| r.action.is_some());
    if !failed.is_empty() {
        let mut text = "The following tasks could not be canceled:".to_owned();
        for (id, _) in &failed {
            // The original tells no reason here; an error that came with its task stands in the list instead.
            text += &format!("\ntask: {id}, error: ");
        }
        context.warn(text);
    }
    if done.is_empty() {
        return Ok(());
    }
    let list = done.into_iter().map(|(id, r)| entry(id, r)).collect();
    context.result_node(&Node::Map(vec![("actions".to_owned(), Node::Seq(list))]))
}

fn entry(id: &str, r: &ActionResult) -> Node {
    let (name, unit) = r.action.as_ref().map(|a| (a.name.clone(), unit(&a.receiver))).unwrap_or_default();
    let completed = r.completed.filter(|t| *t != Time::default()).map_or_else(
        || "n/a".to_owned(),
        |t| t.timestamp().to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    );
    let mut out = vec![("action".to_owned(), Node::Str(name)), ("completed at".to_owned(), Node::Str(completed))];
    if let Some(error) = &r.error {
        out.push(("error".to_owned(), Node::str(&error.message)));
    }
    out.push(("id".to_owned(), Node::str(id)));
    out.push(("status".to_owned(), Node::str(&r.status)));
    out.push(("unit".to_owned(), Node::Str(unit)));
    Node::Map(out)
}

/// Units by name; a machine stays the tag that it came as.
fn unit(receiver: &str) -> String {
    if receiver.starts_with("unit-") { result::target(receiver).1 } else { receiver.to_owned() }
}
