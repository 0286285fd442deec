//! A store one of whose commits goes wrong, for tests.
//! It must not know whose commits they are. The surprise: it kills nobody itself. It says that the process ends here, and does not answer
//! before whoever kills said that it was done.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::{Boxed, CommitError, Committed, Failure, Prefix, Revision, Snapshot, Store, Txn, Watch, WatchError};

#[derive(Clone)]
pub enum Break {
    /// Nothing is done, and it says so.
    Refuse,
    /// It is done, and says that it may not be.
    Lose,
    /// The process ends here, nothing done.
    DieBefore,
    /// The process ends here, all done.
    DieAfter,
    /// All is well with the commit, but this happens just before.
    Meanwhile(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Break::Refuse => "Refuse",
            Break::Lose => "Lose",
            Break::DieBefore => "DieBefore",
            Break::DieAfter => "DieAfter",
            Break::Meanwhile(_) => "Meanwhile",
        })
    }
}

pub struct Faulty {
    inner: Arc<dyn Store>,
    commits: AtomicUsize,
    plan: Mutex<Option<(usize, Break)>>,
    died: Notify,
    buried: Notify,
}

impl Faulty {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Faulty> {
        Arc::new(Faulty {
            inner,
            commits: AtomicUsize::new(0),
            plan: Mutex::default(),
            died: Notify::new(),
            buried: Notify::new(),
        })
    }

    /// Spoils the commit number `n` from now; 0 is the next.
    pub fn nth(&self, n: usize, how: Break) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.commits() + n, how));
    }

    /// How many there were so far.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    /// Returns when the process is to end.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// Says that the process is to end.
    pub fn die(&self) {
        self.died.notify_one();
    }

    /// What belonged to the process that ended may go: those who still wait for an answer get none that says anything.
    pub fn bury(&self) {
        self.buried.notify_one();
    }

    async fn end(&self) -> Result<Committed, CommitError> {
        self.die();
        self.buried.notified().await;
        Err(Failure::Unavailable { source: Arc::new(std::io::Error::other("the process ended")) }.into())
    }
}

impl Store for Faulty {
    fn snapshot(&self, prefix: &Prefix) -> Boxed<'_, Result<Snapshot, Failure>> {
        self.inner.snapshot(prefix)
    }

    fn commit(&self, txn: Txn) -> Boxed<'_, Result<Committed, CommitError>> {
        let n = self.commits.fetch_add(1, Ordering::SeqCst);
        let how = {
            let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
            plan.take_if(|(at, _)| *at == n).map(|(_, how)| how)
        };
        let cause = || Arc::new(std::io::Error::other("scripted"));
        Box::pin(async move {
            match how {
                None => self.inner.commit(txn).await,
                Some(Break::Refuse) => Err(Failure::Unavailable { source: cause() }.into()),
                Some(Break::Lose) => {
                    self.inner.commit(txn).await?;
                    Err(Failure::Io { source: cause() }.into())
                }
                Some(Break::DieBefore) => self.end().await,
                Some(Break::DieAfter) => {
                    self.inner.commit(txn).await?;
                    self.end().await
                }
                Some(Break::Meanwhile(what)) => {
                    what();
                    self.inner.commit(txn).await
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
