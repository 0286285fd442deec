//! A store one of whose commits goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use store::{Boxed, CommitError, Committed, Failure, Prefix, Revision, Snapshot, Store, Txn, Watch, WatchError};
use tokio::sync::Notify;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// Nothing is done, and it says so.
    Refuse,
    /// It is done, and says that it may not be.
    Lose,
    /// The process ends here, nothing done.
    DieBefore,
    /// The process ends here, all done.
    DieAfter,
}

pub(super) struct Faulty {
    pub inner: Arc<dyn Store>,
    pub commits: AtomicUsize,
    pub plan: Mutex<Option<(usize, Break)>>,
    pub died: Notify,
}

impl Store for Faulty {
    fn snapshot(&self, prefix: &Prefix) -> Boxed<'_, Result<Snapshot, Failure>> {
        self.inner.snapshot(prefix)
    }

    fn commit(&self, txn: Txn) -> Boxed<'_, Result<Committed, CommitError>> {
        let n = self.commits.fetch_add(1, Ordering::SeqCst);
        let how =
            self.plan.lock().unwrap_or_else(PoisonError::into_inner).filter(|(at, _)| *at == n).map(|(_, how)| how);
        let cause = || Arc::new(std::io::Error::other("scripted"));
        Box::pin(async move {
            match how {
                None => self.inner.commit(txn).await,
                Some(Break::Refuse) => Err(Failure::Unavailable { source: cause() }.into()),
                Some(Break::Lose) => {
                    self.inner.commit(txn).await?;
                    Err(Failure::Io { source: cause() }.into())
                }
                Some(Break::DieBefore) => self.die().await,
                Some(Break::DieAfter) => {
                    self.inner.commit(txn).await?;
                    self.die().await
                }
            }
        })
    }

    fn watch(&self, after: Revision) -> Boxed<'_, Result<Watch, WatchError>> {
        self.inner.watch(after)
    }

    fn compact(&self, before: Revision) -> Boxed<'_, Result<(), Failure>> {
        self.inner.compact(before)
    }
}

impl Faulty {
    async fn die(&self) -> Result<Committed, CommitError> {
        self.died.notify_one();
        std::future::pending().await
    }
}
