//! Figures of a running controller, for Prometheus: counted by atomics as things happen, or worked out of the state when somebody asks.
//! It knows no HTTP. The surprise: calls are counted under the names in the table of calls and nothing else, so whatever a client sends the
//! number of lines is bounded.

pub mod histogram;
pub mod page;

use crate::table;
use histogram::Histogram;
use model::State;
use model::query::machine as query;
pub use page::Page;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Counters of one server; cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    connections: AtomicI64,
    accepted: AtomicU64,
    watchers: AtomicI64,
    logins: AtomicU64,
    logins_failed: AtomicU64,
    calls: HashMap<&'static str, HashMap<&'static str, Arc<Calls>>>,
    nowhere: Arc<Calls>,
    sources: Mutex<Vec<Source>>,
}

type Source = Arc<dyn Fn(&mut Page) + Send + Sync>;

/// Of one method.
#[derive(Default)]
pub struct Calls {
    failed: AtomicU64,
    took: Histogram,
}

impl Calls {
    pub fn done(&self, took: Duration, failed: bool) {
        self.took.add(took);
        if failed {
            self.failed.fetch_add(1, Relaxed);
        }
    }
}

/// One more while it lives.
pub struct Counted(Metrics, fn(&Inner) -> &AtomicI64);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1(&self.0.0).fetch_sub(1, Relaxed);
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut calls: HashMap<&str, HashMap<&str, Arc<Calls>>> = HashMap::new();
        for facade in table::facades() {
            let methods = calls.entry(facade.name).or_default();
            methods.extend(facade.methods.iter().map(|method| (method.name, Arc::default())));
        }
        calls.entry("Admin").or_default().insert("Login", Arc::default());
        Metrics(Arc::new(Inner {
            connections: AtomicI64::new(0),
            accepted: AtomicU64::new(0),
            watchers: AtomicI64::new(0),
            logins: AtomicU64::new(0),
            logins_failed: AtomicU64::new(0),
            calls,
            nowhere: Arc::default(),
            sources: Mutex::default(),
        }))
    }
}

impl Metrics {
    /// Figures of somebody else, asked for with every page.
    pub fn add(&self, source: impl Fn(&mut Page) + Send + Sync + 'static) {
        self.0.sources.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(source));
    }

    /// A client's connection, until dropped.
    pub fn connection(&self) -> Counted {
        self.0.accepted.fetch_add(1, Relaxed);
        self.count(|inner| &inner.connections)
    }

    /// A watcher, until dropped.
    pub fn watcher(&self) -> Counted {
        self.count(|inner| &inner.watchers)
    }

    fn count(&self, which: fn(&Inner) -> &AtomicI64) -> Counted {
        which(&self.0).fetch_add(1, Relaxed);
        Counted(self.clone(), which)
    }

    /// A password was checked.
    pub fn login(&self, good: bool) {
        let which = if good { &self.0.logins } else { &self.0.logins_failed };
        which.fetch_add(1, Relaxed);
    }

    /// The counters of a method; those of calls that lead nowhere when it is in no table.
    pub fn calls(&self, facade: &str, method: &str) -> Arc<Calls> {
        let found = self.0.calls.get(facade).and_then(|methods| methods.get(method));
        found.unwrap_or(&self.0.nowhere).clone()
    }

    /// The page as of now.
    pub fn page(&self, state: &State) -> String {
        let mut page = Page::default();
        let inner = &*self.0;
        page.gauge(
            "grigri_connections",
            "Clients' connections that are open.",
            &[],
            inner.connections.load(Relaxed) as f64,
        );
        page.counter(
            "grigri_connections_total",
            "Clients' connections since the start.",
            &[],
            inner.accepted.load(Relaxed),
        );
        let help = "Passwords that were checked.";
        page.counter("grigri_logins_total", help, &[("result", "ok")], inner.logins.load(Relaxed));
        page.counter("grigri_logins_total", help, &[("result", "failed")], inner.logins_failed.load(Relaxed));
        page.gauge("grigri_watchers", "Watchers that are open.", &[], inner.watchers.load(Relaxed) as f64);
        self.write_calls(&mut page);
        write_state(&mut page, state);
        let sources = inner.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sources.iter().for_each(|source| source(&mut page));
        page.finish()
    }

    /// Methods that were called; in order, so that two pages can be compared.
    fn write_calls(&self, page: &mut Page) {
        let mut all: BTreeMap<(&str, &str), &Calls> = BTreeMap::new();
        for (facade, methods) in &self.0.calls {
            all.extend(methods.iter().map(|(method, calls)| ((*facade, *method), &**calls)));
        }
        all.insert(("unknown", "unknown"), &self.0.nowhere);
        all.retain(|_, calls| calls.took.count() > 0);
        for ((facade, method), calls) in &all {
            let labels = [("facade", *facade), ("method", *method)];
            calls.took.write(page, "grigri_request_seconds", "How long calls took.", &labels);
        }
        for ((facade, method), calls) in &all {
            let labels = [("facade", *facade), ("method", *method)];
            let failed = calls.failed.load(Relaxed);
            page.counter("grigri_request_errors_total", "Calls that were answered with an error.", &labels, failed);
        }
    }
}

/// What the state says: one pass over all machines and tasks.
fn write_state(page: &mut Page, state: &State) {
    let read = state.read();
    let mut agents: BTreeMap<String, u64> = BTreeMap::new();
    let mut instances: BTreeMap<String, u64> = BTreeMap::new();
    let mut tasks: BTreeMap<String, u64> = BTreeMap::new();
    let mut models = 0;
    for (within, model) in read.models() {
        models += 1;
        for (_, all, machine) in within.machines() {
            let agent = query::agent_status(model.uuid, machine, all, state.presence());
            *agents.entry(agent.current.to_string()).or_default() += 1;
            *instances.entry(query::instance_status(machine, all).current.to_string()).or_default() += 1;
        }
        for task in within.tasks.values() {
            *tasks.entry(task.status.to_string()).or_default() += 1;
        }
    }
    page.gauge("grigri_models", "Models.", &[], f64::from(models));
    for (name, help, counts) in [
        ("grigri_machines", "Machines by what their agent is.", agents),
        ("grigri_instances", "Machines by what their instance is.", instances),
        ("grigri_tasks", "Tasks by status; those that are done go after a while.", tasks),
    ] {
        page.head(name, help, page::Kind::Gauge);
        for (status, count) in counts {
            page.line(name, &[("status", &status)], count as f64);
        }
    }
    page.gauge(
        "grigri_store_revision",
        "The revision that this controller's view shows.",
        &[],
        read.revision().0 as f64,
    );
}
