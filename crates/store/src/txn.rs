//! A transaction: what must still be true, and what then is written, all or nothing.
//!
//! It does not know who asked for it. The surprise: the limits are the narrowest engine's (etcd's), and hold on every
//! back end from the first day, so that nothing works on one that fails on another.

use crate::error::CommitError;
use crate::key::Key;
use crate::value::{Revision, Value};
use std::collections::BTreeMap;

/// Most guards, and most writes, of one transaction (etcd `--max-txn-ops`).
pub const MAX_OPERATIONS: usize = 128;
/// Most bytes of one value.
pub const MAX_VALUE_BYTES: usize = 1 << 20;
/// Most bytes of all keys and values of one transaction (etcd's request limit of 1.5 MiB less room for the envelope).
pub const MAX_TXN_BYTES: usize = (3 << 19) - (64 << 10);
/// Most bytes of one key.
pub const MAX_KEY_BYTES: usize = 1024;

/// What must be true of a key for the transaction to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Last written at this very revision.
    At(Revision),
    Absent,
    Present,
}

impl Guard {
    /// Whether it holds of a key last written at `revision`, or absent.
    pub fn holds(self, revision: Option<Revision>) -> bool {
        match self {
            Guard::At(wanted) => revision == Some(wanted),
            Guard::Absent => revision.is_none(),
            Guard::Present => revision.is_some(),
        }
    }
}

/// Guards and writes. The last write to a key wins; a transaction that changes nothing makes no revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a transaction does nothing until it is committed"]
pub struct Txn {
    guards: Vec<(Key, Guard)>,
    writes: BTreeMap<Key, Option<Value>>,
}

impl Txn {
    pub fn new() -> Txn {
        Txn::default()
    }

    pub fn guard(&mut self, key: Key, guard: Guard) -> &mut Txn {
        if !self.guards.iter().any(|(k, g)| (k, *g) == (&key, guard)) {
            self.guards.push((key, guard));
        }
        self
    }

    pub fn put(&mut self, key: Key, value: Value) -> &mut Txn {
        self.writes.insert(key, Some(value));
        self
    }

    /// Deleting what is absent is no error and no event.
    pub fn delete(&mut self, key: Key) -> &mut Txn {
        self.writes.insert(key, None);
        self
    }

    /// Puts a key that must be absent.
    pub fn create(&mut self, key: Key, value: Value) -> &mut Txn {
        self.guard(key.clone(), Guard::Absent).put(key, value)
    }

    /// Puts a key that must not have been written since `at`.
    pub fn replace(&mut self, key: Key, at: Revision, value: Value) -> &mut Txn {
        self.guard(key.clone(), Guard::At(at)).put(key, value)
    }

    /// Deletes a key that must not have been written since `at`.
    pub fn remove(&mut self, key: Key, at: Revision) -> &mut Txn {
        self.guard(key.clone(), Guard::At(at)).delete(key)
    }

    /// Adds all of another transaction; where both write a key, the other wins.
    pub fn merge(&mut self, other: Txn) -> &mut Txn {
        for (key, guard) in other.guards {
            self.guard(key, guard);
        }
        self.writes.extend(other.writes);
        self
    }

    pub fn guards(&self) -> impl Iterator<Item = (&Key, Guard)> {
        self.guards.iter().map(|(key, guard)| (key, *guard))
    }

    /// The writes in order of keys; `None` deletes.
    pub fn writes(&self) -> impl Iterator<Item = (&Key, Option<&Value>)> {
        self.writes.iter().map(|(key, value)| (key, value.as_ref()))
    }

    /// What the transaction would write to this key: `Some(None)` is a deletion.
    pub fn written(&self, key: &Key) -> Option<Option<&Value>> {
        self.writes.get(key).map(Option::as_ref)
    }

    pub fn is_empty(&self) -> bool {
        self.guards.is_empty() && self.writes.is_empty()
    }

    /// Operations as the limit counts them: guards and writes are counted apart, the larger counts.
    pub fn operations(&self) -> usize {
        self.guards.len().max(self.writes.len())
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        let guards = self.guards.iter().map(|(key, _)| key.as_str().len());
        let writes = self.writes.iter().map(|(key, value)| key.as_str().len() + value.as_ref().map_or(0, Value::len));
        guards.chain(writes).sum()
    }

    pub(crate) fn into_writes(self) -> BTreeMap<Key, Option<Value>> {
        self.writes
    }

    /// Refuses what is over the limits; every back end asks before it does anything.
    pub fn check(&self) -> Result<(), CommitError> {
        let operations = self.operations();
        if operations > MAX_OPERATIONS {
            return Err(CommitError::TooManyOperations { operations });
        }
        for key in self.guards.iter().map(|(key, _)| key).chain(self.writes.keys()) {
            if key.as_str().len() > MAX_KEY_BYTES {
                return Err(CommitError::KeyTooLong { key: key.clone() });
            }
        }
        for (key, value) in &self.writes {
            let bytes = value.as_ref().map_or(0, Value::len);
            if bytes > MAX_VALUE_BYTES {
                return Err(CommitError::ValueTooLarge { key: key.clone(), bytes });
            }
        }
        let bytes = self.bytes();
        if bytes > MAX_TXN_BYTES {
            return Err(CommitError::TransactionTooLarge { bytes });
        }
        Ok(())
    }
}
