//! A store whose commits are counted and timed, for the metrics. What is committed it does not look at.

use api::metrics::Page;
use api::metrics::histogram::Histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use store::{Boxed, CommitError, Committed, Failure, Prefix, Revision, Snapshot, Store, Txn, Watch, WatchError};
use tokio::time::Instant;

pub struct Measured {
    inner: Arc<dyn Store>,
    commits: Arc<Commits>,
}

#[derive(Default)]
pub struct Commits {
    took: Histogram,
    /// Somebody else was first: decided and tried again.
    conflicts: AtomicU64,
    failed: AtomicU64,
}

impl Measured {
    pub fn over(inner: Arc<dyn Store>) -> (Arc<dyn Store>, Arc<Commits>) {
        let commits = Arc::<Commits>::default();
        (Arc::new(Measured { inner, commits: commits.clone() }), commits)
    }
}

impl Commits {
    pub fn write(&self, page: &mut Page) {
        self.took.write(page, "grigri_store_commit_seconds", "How long durable commits took.", &[]);
        let conflicts = self.conflicts.load(Relaxed);
        page.counter(
            "grigri_store_conflicts_total",
            "Commits that came second, and were decided again.",
            &[],
            conflicts,
        );
        page.counter("grigri_store_errors_total", "Commits that failed.", &[], self.failed.load(Relaxed));
    }
}

impl Store for Measured {
    fn snapshot(&self, prefix: &Prefix) -> Boxed<'_, Result<Snapshot, Failure>> {
        self.inner.snapshot(prefix)
    }

    fn commit(&self, txn: Txn) -> Boxed<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            let begun = Instant::now();
            let committed = self.inner.commit(txn).await;
            match &committed {
                Ok(_) => self.commits.took.add(begun.elapsed()),
                Err(CommitError::Conflict { .. }) => _ = self.commits.conflicts.fetch_add(1, Relaxed),
                Err(_) => _ = self.commits.failed.fetch_add(1, Relaxed),
            }
            committed
        })
    }

    fn watch(&self, after: Revision) -> Boxed<'_, Result<Watch, WatchError>> {
        self.inner.watch(after)
    }

    fn compact(&self, before: Revision) -> Boxed<'_, Result<(), Failure>> {
        self.inner.compact(before)
    }
}
