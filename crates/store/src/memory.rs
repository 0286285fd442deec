//! The store in memory: for tests, and the plain model that other back ends are compared with.
//!
//! It must not touch files. The surprise: it keeps all history until told to compact.

use crate::backend::{Boxed, Committed, Entry, Snapshot, Store};
use crate::error::{CommitError, Failure, WatchError};
use crate::key::{Key, Prefix};
use crate::txn::Txn;
use crate::value::Revision;
use crate::watch::{Batch, Change, Source, Watch};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    head: tokio::sync::watch::Sender<Revision>,
}

#[derive(Default)]
struct Inner {
    entries: BTreeMap<Key, Entry>,
    history: VecDeque<Arc<Batch>>,
    head: Revision,
    compacted: Revision,
}

impl Memory {
    #[allow(clippy::new_without_default, reason = "a store is opened, not defaulted")]
    pub fn new() -> Memory {
        let head = tokio::sync::watch::Sender::new(Revision::ZERO);
        Memory { shared: Arc::new(Shared { inner: Mutex::default(), head }) }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each critical section leaves the state whole, also when a panic ends it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self, txn: Txn) -> Result<Committed, CommitError> {
        txn.check()?;
        let mut inner = self.lock();
        for (key, guard) in txn.guards() {
            if !guard.holds(inner.entries.get(key).map(|entry| entry.revision)) {
                return Err(CommitError::Conflict { key: key.clone() });
            }
        }
        let revision = inner.head.next();
        let mut changes = Vec::new();
        for (key, value) in txn.into_writes() {
            let changed = match &value {
                Some(value) => {
                    inner.entries.insert(key.clone(), Entry { value: value.clone(), revision });
                    true
                }
                None => inner.entries.remove(&key).is_some(),
            };
            if changed {
                changes.push(Change { key, value });
            }
        }
        if changes.is_empty() {
            return Ok(Committed { revision: inner.head });
        }
        inner.history.push_back(Arc::new(Batch { revision, changes }));
        inner.head = revision;
        self.head.send_replace(revision);
        Ok(Committed { revision })
    }
}

impl Store for Memory {
    fn snapshot(&self, prefix: &Prefix) -> Boxed<'_, Result<Snapshot, Failure>> {
        let inner = self.shared.lock();
        let entries = inner
            .entries
            .range::<str, _>((std::ops::Bound::Included(prefix.as_str()), std::ops::Bound::Unbounded))
            .take_while(|(key, _)| prefix.holds(key))
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        let snapshot = Snapshot { revision: inner.head, entries };
        Box::pin(async { Ok(snapshot) })
    }

    fn commit(&self, txn: Txn) -> Boxed<'_, Result<Committed, CommitError>> {
        let result = self.shared.commit(txn);
        Box::pin(async { result })
    }

    fn watch(&self, after: Revision) -> Boxed<'_, Result<Watch, WatchError>> {
        let inner = self.shared.lock();
        let result = if after < inner.compacted {
            Err(WatchError::Compacted { oldest: inner.compacted })
        } else if after > inner.head {
            Err(WatchError::Ahead { asked: after, head: inner.head })
        } else {
            Ok(Watch::new(self.shared.clone(), self.shared.head.subscribe(), after))
        };
        Box::pin(async { result })
    }

    fn compact(&self, before: Revision) -> Boxed<'_, Result<(), Failure>> {
        let mut inner = self.shared.lock();
        let before = before.min(inner.head);
        inner.compacted = inner.compacted.max(before);
        while inner.history.front().is_some_and(|batch| batch.revision <= before) {
            inner.history.pop_front();
        }
        Box::pin(async { Ok(()) })
    }
}

impl Source for Shared {
    fn read(&self, after: Revision, limit: usize) -> Boxed<'_, Result<Vec<Arc<Batch>>, WatchError>> {
        let inner = self.lock();
        let result = if after < inner.compacted {
            Err(WatchError::Compacted { oldest: inner.compacted })
        } else {
            let start = inner.history.partition_point(|batch| batch.revision <= after);
            Ok(inner.history.iter().skip(start).take(limit).cloned().collect())
        };
        Box::pin(async { result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Given;

    async fn open() -> Given {
        Given { store: Arc::new(Memory::new()), keep: Box::new(()) }
    }

    crate::store_contract!(open);
}
