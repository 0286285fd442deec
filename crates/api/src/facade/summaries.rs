//! Facade `ModelSummaryWatcher`: a line for each model, for dashboards (`wire/protocol.md` 4.7). The shapes are of our own: no published schema has them.

use crate::call::{Call, NoParams};
use crate::watcher::{Watched, unknown};
use base::Refusal;
use model::watch::summary::{Summary, SummaryWatcher, Told};
use serde::Serialize;
use std::collections::BTreeMap;
use wire::facade::controller::SummaryWatcherID;

#[derive(Serialize)]
pub struct Lines {
    models: Vec<Line>,
}

#[derive(Serialize, Default)]
struct Line {
    uuid: String,
    #[serde(skip_serializing_if = "wire::omit::is_false")]
    removed: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    controller: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    admins: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cloud: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    credential: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Size {
    machines: usize,
    containers: usize,
    applications: usize,
    units: usize,
    relations: usize,
}

#[derive(Serialize)]
struct Message {
    agent: String,
    message: String,
}

/// Those that the caller may see.
pub async fn watch(call: Call, _: NoParams) -> Result<SummaryWatcherID, Refusal> {
    let user = call.user.clone();
    open(&call, Some(user))
}

pub async fn watch_all(call: Call, _: NoParams) -> Result<SummaryWatcherID, Refusal> {
    open(&call, None)
}

fn open(call: &Call, user: Option<String>) -> Result<SummaryWatcherID, Refusal> {
    let watcher = SummaryWatcher::new(call.state(), user);
    let watcher_id = call.session.watchers.open(Watched::Summaries(tokio::sync::Mutex::new(Box::new(watcher))))?;
    Ok(SummaryWatcherID { watcher_id })
}

pub async fn next(call: Call, _: NoParams) -> Result<Lines, Refusal> {
    let watcher = call.watcher()?;
    let Watched::Summaries(inner) = &watcher.kind else {
        return Err(unknown());
    };
    let next = async {
        let mut inner = inner.lock().await;
        inner.next().await
    };
    let told = tokio::select! {
        next = next => next.map_err(|_| super::watchers::stopped())?,
        () = watcher.stopped() => return Err(super::watchers::stopped()),
    };
    let read = call.read();
    let controller = read.controller.as_ref().map(|controller| controller.name.clone()).unwrap_or_default();
    Ok(Lines { models: told.into_iter().map(|told| line(&controller, told)).collect() })
}

fn line(controller: &str, told: Told) -> Line {
    let Summary {
        uuid,
        name,
        admins,
        cloud,
        region,
        credential,
        machines,
        containers,
        is_busy,
        troubles,
        annotations,
        owner: _,
    } = match told {
        Told::Is(summary) => *summary,
        Told::Gone(uuid) => return Line { uuid: uuid.to_string(), removed: true, ..Line::default() },
    };
    let status = match (troubles.is_empty(), is_busy) {
        (false, _) => "red",
        (true, true) => "yellow",
        (true, false) => "green",
    };
    let messages = troubles.into_iter().map(|one| Message { agent: one.machine, message: one.words });
    Line {
        uuid: uuid.to_string(),
        removed: false,
        controller: controller.to_owned(),
        name,
        admins,
        cloud,
        region,
        credential,
        size: Some(Size { machines, containers, applications: 0, units: 0, relations: 0 }),
        status: Some(status),
        messages: messages.collect(),
        annotations,
    }
}
