//! What every back end offers.
//!
//! It must not know any engine. The surprise: nobody serves requests from [`Store::snapshot`]; it is how a
//! [`View`](crate::View) begins.

use crate::error::{CommitError, Failure, WatchError};
use crate::key::{Key, Prefix};
use crate::txn::Txn;
use crate::value::{Revision, Value};
use crate::watch::Watch;
use std::future::Future;
use std::pin::Pin;

pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A value and the revision that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Value,
    pub revision: Revision,
}

/// All entries of a prefix, ordered by key, as of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub revision: Revision,
    pub entries: Vec<(Key, Entry)>,
}

/// A transaction that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The revision that a view must have reached to show it. A transaction that changed nothing
    /// gets the revision that its guards were checked at.
    pub revision: Revision,
}

/// Revisioned state, shared by `Arc<dyn Store>`.
///
/// - Transactions are totally ordered; one with an effect gets the next revision and is durable when `commit` returns.
/// - A watch shows every revision after the one asked for once, in order, or says that it cannot.
/// - Dropping the future of `commit` does not undo the commit.
pub trait Store: Send + Sync + 'static {
    fn snapshot(&self, prefix: &Prefix) -> Boxed<'_, Result<Snapshot, Failure>>;

    fn commit(&self, txn: Txn) -> Boxed<'_, Result<Committed, CommitError>>;

    /// Every batch after revision `after`.
    fn watch(&self, after: Revision) -> Boxed<'_, Result<Watch, WatchError>>;

    /// Forgets history: afterwards a watch after any revision before `before` is refused, one after `before` is not.
    /// Never more than the head; current entries stay.
    fn compact(&self, before: Revision) -> Boxed<'_, Result<(), Failure>>;
}
