//! Tasks and operations (Juju: actions). The output comes from elsewhere and is given.

use base::Tag;
use base::clock::{Time, ZERO_TIME};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::query::operation::WithTasks;
use model::record::task::Task;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::facade::action::{Action, ActionResult, OperationResult};

/// What a task wrote.
#[derive(Debug, Default)]
pub struct Output {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

pub fn zero() -> Option<Time> {
    Time::parse(ZERO_TIME)
}

pub fn action(task: &Task) -> Action {
    let mut parameters: BTreeMap<String, Value> = task.parameters.clone();
    parameters.insert("command".into(), json!(task.command));
    parameters.insert("timeout".into(), json!(task.timeout));
    Action {
        tag: Tag::Action(task.id).to_string(),
        receiver: Tag::Machine(task.machine.clone()).to_string(),
        name: "juju-exec".into(),
        parameters,
        parallel: Some(task.parallel),
        execution_group: Some(task.execution_group.clone()),
    }
}

pub fn result(task: &Task, output: Option<&Output>) -> ActionResult {
    ActionResult {
        action: Some(action(task)),
        enqueued: Some(task.enqueued),
        started: task.started.or_else(zero),
        completed: task.completed.or_else(zero),
        status: task.status.to_string(),
        message: task.message.clone(),
        output: output.map(|output| results(task, output)).unwrap_or_default(),
        ..ActionResult::default()
    }
}

/// The keys that clients know. Output that is no text goes as base64 and says so.
fn results(task: &Task, output: &Output) -> BTreeMap<String, Value> {
    let mut results = BTreeMap::new();
    if let Some(code) = task.return_code {
        results.insert("return-code".to_owned(), json!(code));
    }
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if bytes.is_empty() {
            continue;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => _ = results.insert(name.to_owned(), json!(text)),
            Err(_) => {
                results.insert(name.to_owned(), json!(STANDARD.encode(bytes)));
                results.insert(format!("{name}-encoding"), json!("base64"));
                results.insert(format!("{name}Encoding"), json!("base64"));
            }
        }
    }
    if task.dropped > 0 {
        results.insert("output-dropped-bytes".to_owned(), json!(task.dropped));
    }
    results
}

pub fn operation(one: &WithTasks<'_>, actions: Vec<ActionResult>) -> OperationResult {
    OperationResult {
        operation: Tag::Operation(one.operation.id).to_string(),
        summary: one.operation.summary.clone(),
        fail: one.operation.fail.clone(),
        enqueued: Some(one.operation.enqueued),
        started: one.started().or_else(zero),
        completed: one.completed().or_else(zero),
        status: one.status().to_string(),
        actions,
        ..OperationResult::default()
    }
}
