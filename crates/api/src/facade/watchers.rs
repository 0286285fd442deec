//! The watcher facades. The texts of a stopped AllWatcher and of other stopped watchers differ; clients match both (`wire/protocol.md` 4).

use crate::call::{Call, NoParams, Nothing};
use crate::convert::delta::delta;
use crate::watcher::{Watched, unknown};
use base::{Kind, Refusal};
use model::watch::all::Ended;
use serde::Serialize;
use wire::shared::AllWatcherNextResults;

const ALL_STOPPED: &str = "watcher was stopped";

pub async fn all_next(call: Call, _: NoParams) -> Result<AllWatcherNextResults, Refusal> {
    let watcher = call.watcher()?;
    let Watched::All(inner) = &watcher.kind else {
        return Err(unknown());
    };
    let next = async {
        let mut inner = inner.lock().await;
        inner.next().await
    };
    let (deltas, read) = tokio::select! {
        next = next => next.map_err(|ended| match ended {
            Ended::Gone => Refusal::plain(ALL_STOPPED),
            Ended::Stopped(_) => Refusal::plain("shared state watcher was stopped"),
        })?,
        () = watcher.stopped() => return Err(Refusal::plain(ALL_STOPPED)),
    };
    Ok(AllWatcherNextResults { deltas: deltas.iter().map(|(model, one)| delta(&read, *model, one)).collect() })
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StringsChanges {
    watcher_id: String,
    changes: Vec<String>,
}

pub async fn strings_next(call: Call, _: NoParams) -> Result<StringsChanges, Refusal> {
    let watcher = call.watcher()?;
    match &watcher.kind {
        Watched::Strings => {
            watcher.stopped().await;
            Err(stopped())
        }
        Watched::All(_) | Watched::Summaries(_) | Watched::Upgrade(_) => Err(unknown()),
    }
}

pub async fn notify_next(call: Call, _: NoParams) -> Result<Nothing, Refusal> {
    let watcher = call.watcher()?;
    let Watched::Upgrade(watch) = &watcher.kind else {
        return Err(unknown());
    };
    tokio::select! {
        next = watch.next(&call) => next,
        () = watcher.stopped() => Err(stopped()),
    }
}

pub async fn stop(call: Call, _: NoParams) -> Result<Nothing, Refusal> {
    call.session.watchers.stop(&call.id)?;
    Ok(Nothing {})
}

pub fn stopped() -> Refusal {
    Refusal::new(Kind::Stopped, "watcher has been stopped")
}
