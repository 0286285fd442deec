//! The watchers of one connection: numbered, bounded in number, gone with it.
//! It does not know what they watch beyond their kinds. The surprise: a `Next` that waits must not keep a `Stop` waiting, so what stops
//! a watcher is a flag beside it, never the watcher itself.

use crate::metrics::{Counted, Metrics};
use base::{Kind, Refusal};
use model::watch::all::AllWatcher;
use model::watch::summary::SummaryWatcher;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// More than any client has, and fewer than the calls of one connection that run at once: a `Next` that waits takes up one, and a
/// `Stop` must still get through.
const MOST: usize = 128;

pub struct Watchers {
    open: Mutex<Open>,
    metrics: Metrics,
}

#[derive(Default)]
struct Open {
    last: u64,
    all: HashMap<String, Arc<Watcher>>,
}

pub struct Watcher {
    pub kind: Watched,
    _counted: Counted,
    stopped: watch::Sender<bool>,
}

pub enum Watched {
    All(tokio::sync::Mutex<Box<AllWatcher>>),
    Summaries(tokio::sync::Mutex<Box<SummaryWatcher>>),
    /// A machine on its way to another release.
    Upgrade(crate::facade::machine_upgrade::Watch),
    /// Progress messages of tasks on machines: they write none, so nothing ever comes.
    Strings,
}

impl Watchers {
    pub fn new(metrics: Metrics) -> Watchers {
        Watchers { open: Mutex::default(), metrics }
    }

    pub fn open(&self, kind: Watched) -> Result<String, Refusal> {
        let mut open = self.lock();
        if open.all.len() >= MOST {
            return Err(Refusal::plain(format!("connection has {MOST} watchers open already")));
        }
        open.last += 1;
        let id = open.last.to_string();
        open.all.insert(
            id.clone(),
            Arc::new(Watcher { kind, _counted: self.metrics.watcher(), stopped: watch::channel(false).0 }),
        );
        Ok(id)
    }

    pub fn find(&self, id: &str) -> Result<Arc<Watcher>, Refusal> {
        self.lock().all.get(id).cloned().ok_or_else(unknown)
    }

    /// A `Next` that waits ends.
    pub fn stop(&self, id: &str) -> Result<(), Refusal> {
        let watcher = self.lock().all.remove(id).ok_or_else(unknown)?;
        watcher.stopped.send_replace(true);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    /// Returns when it is stopped.
    pub async fn stopped(&self) {
        // The sender is in `self`: it is not gone while this waits.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }
}

pub fn unknown() -> Refusal {
    Refusal::new(Kind::NotFound, "unknown watcher id")
}
