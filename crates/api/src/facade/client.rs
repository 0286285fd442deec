//! Facade `Client`: the status of a model, its history, and watching all of it.

mod patterns;

use crate::call::{Call, NoParams};
use crate::convert::machine::Seen;
use crate::convert::machines::Machines;
use crate::convert::status::detailed;
use crate::convert::storage;
use crate::error::IntoItem;
use crate::watcher::Watched;
use base::{MachineId, Refusal, Tag};
use model::record::status::StatusEntry;
use model::watch::all::AllWatcher;
use model::watch::history;
use patterns::Patterns;
use wire::facade::client::*;

pub async fn full_status(call: Call, params: StatusParams) -> Result<FullStatus<Machines>, Refusal> {
    let (state, model) = (call.state(), call.model()?);
    let read = state.read();
    let (within, record) = read.model(model)?;
    let (presence, now) = (state.presence().clone(), state.now());
    let kept = Patterns::new(&params.patterns).keep(Seen { model, presence: &presence }, within);
    let mut model_status = detailed(&record.status, record.life, "");
    model_status.info = state.alarms().after(&model_status.info);
    let info = ModelStatusInfo {
        name: record.name.clone(),
        r#type: "iaas".into(),
        cloud_tag: Tag::Cloud(record.cloud.clone()).to_string(),
        region: record.region.clone(),
        version: record.agent_version.clone(),
        model_status,
        sla: "unsupported".into(),
        ..ModelStatusInfo::default()
    };
    let mut status = FullStatus::<()> { model: info, controller_timestamp: now, ..FullStatus::default() };
    if params.include_storage {
        let is_kept = |id: &MachineId| kept.as_ref().is_none_or(|kept| kept.contains(id));
        status.volumes = storage::volumes(within, is_kept);
        status.filesystems = storage::filesystems(within, is_kept);
    }
    Ok(status.with_machines(Machines { read, model, presence, kept }))
}

pub async fn watch_all(call: Call, _: NoParams) -> Result<AllWatcherId, Refusal> {
    let model = call.model()?;
    call.read().in_model(model)?;
    let watcher = AllWatcher::new(call.state(), model);
    let watcher_id = call.session.watchers.open(Watched::All(tokio::sync::Mutex::new(Box::new(watcher))))?;
    Ok(AllWatcherId { watcher_id })
}

/// What `show-status-log` shows unless told otherwise, and at most.
const USUAL: usize = 20;
const MOST: usize = 1000;

pub async fn status_history(call: Call, params: StatusHistoryRequests) -> Result<StatusHistoryResults, Refusal> {
    let mut results = Vec::new();
    for request in params.requests {
        results.push(match one_history(&call, &request).await.into_item() {
            Ok(statuses) => StatusHistoryResult { history: History { statuses, error: None }, error: None },
            Err(error) => StatusHistoryResult { error: Some(error), ..StatusHistoryResult::default() },
        });
    }
    Ok(StatusHistoryResults { results })
}

async fn one_history(call: &Call, request: &StatusHistoryRequest) -> Result<Vec<DetailedStatus>, Refusal> {
    let model = call.model()?;
    let tag: Tag = request.tag.parse().map_err(|invalid: base::tag::TagError| Refusal::plain(invalid.to_string()))?;
    let (kinds, id): (&[&str], String) = match (request.history_kind.as_str(), tag) {
        ("model", Tag::Model(uuid)) if uuid == model => (&["model"], uuid.to_string()),
        ("machine" | "container", Tag::Machine(id)) => (&["machine", "container"], id.to_string()),
        ("juju-machine" | "juju-container", Tag::Machine(id)) => (&["juju-machine", "juju-container"], id.to_string()),
        (kind, tag) => return Err(Refusal::plain(format!("{kind} status history of {tag} not supported"))),
    };
    let filter = &request.filter;
    let wanted = usize::try_from(filter.size.max(request.size)).unwrap_or(0);
    let by_time = filter.delta > 0 || filter.date.unix() > 0;
    let limit = match (wanted, by_time) {
        (0, false) => USUAL,
        (0, true) => MOST,
        (size, _) => size.min(MOST),
    };
    let since = match filter.delta {
        0 => filter.date.unix_nanos(),
        delta => call.state().now().unix_nanos() - i128::from(delta),
    };
    let mut found: Vec<StatusEntry> = Vec::new();
    for kind in kinds {
        let key = history::key(model, kind, &id);
        let past = call.session.shared().append.history().newest(&key, limit, None).await;
        let past = past.map_err(|failure| Refusal::internal("status history cannot be read", failure))?;
        found.extend(past.iter().filter_map(|past| past.body.decode::<StatusEntry>().ok()));
    }
    found.retain(|entry| !by_time || entry.since.unix_nanos() >= since);
    found.retain(|entry| !filter.exclude.contains(&entry.message));
    // The newest are wanted, and shown in the order in which they were.
    found.sort_by_key(|entry| entry.since);
    let shown = found.split_off(found.len().saturating_sub(limit)).into_iter().map(|entry| DetailedStatus {
        status: entry.status,
        info: entry.message,
        data: entry.data,
        since: entry.since,
        kind: entry.kind,
        ..DetailedStatus::default()
    });
    Ok(shown.collect())
}
