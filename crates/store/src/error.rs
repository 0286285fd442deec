//! What can go wrong, and whether trying again may help.
//!
//! No engine's own error type shows here, only as a source. The surprise: after [`Failure::Io`] a commit may have
//! happened all the same, so a retry must carry guards.

use crate::key::Key;
use crate::txn::{MAX_KEY_BYTES, MAX_OPERATIONS, MAX_TXN_BYTES, MAX_VALUE_BYTES};
use crate::value::Revision;
use std::path::PathBuf;
use std::sync::Arc;

/// The error beneath; shared, since one failed disk write fails a whole group of commits.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// A back end that could not do its work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    #[error("store is not available")]
    Unavailable {
        #[source]
        source: Cause,
    },
    #[error("store could not read or write its data")]
    Io {
        #[source]
        source: Cause,
    },
    #[error("no space left for the store")]
    Full {
        #[source]
        source: Cause,
    },
    #[error("store is read-only")]
    ReadOnly {
        #[source]
        source: Cause,
    },
    #[error("store is damaged")]
    Damaged {
        #[source]
        source: Cause,
    },
    #[error("store is closed")]
    Closed,
}

/// Why a transaction did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A guard did not hold: somebody else was first.
    #[error("key {key} is not as the transaction expects")]
    Conflict { key: Key },
    #[error("transaction has {operations} operations, more than {MAX_OPERATIONS}")]
    TooManyOperations { operations: usize },
    #[error("value of {key} has {bytes} bytes, more than {MAX_VALUE_BYTES}")]
    ValueTooLarge { key: Key, bytes: usize },
    #[error("key {key} is longer than {MAX_KEY_BYTES} bytes")]
    KeyTooLong { key: Key },
    #[error("transaction has {bytes} bytes, more than {MAX_TXN_BYTES}")]
    TransactionTooLarge { bytes: usize },
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What to do with a transaction that did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same will fail again.
    Never,
    /// Decide again on a newer view, then commit what that gives.
    Afresh,
    /// The same may succeed later, when the cause has gone.
    Later,
}

impl CommitError {
    pub fn retry(&self) -> Retry {
        match self {
            CommitError::Conflict { .. } => Retry::Afresh,
            CommitError::TooManyOperations { .. }
            | CommitError::ValueTooLarge { .. }
            | CommitError::KeyTooLong { .. }
            | CommitError::TransactionTooLarge { .. } => Retry::Never,
            CommitError::Failed(failure) => failure.retry(),
        }
    }
}

impl Failure {
    pub fn retry(&self) -> Retry {
        match self {
            // An unknown outcome: on a newer view it is known.
            Failure::Io { .. } => Retry::Afresh,
            Failure::Unavailable { .. } | Failure::Full { .. } => Retry::Later,
            Failure::ReadOnly { .. } | Failure::Damaged { .. } | Failure::Closed => Retry::Never,
        }
    }
}

/// Why a watch ended or could not begin.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WatchError {
    /// History before `oldest` is gone: take a snapshot and watch from its revision. A watch after `oldest` would do.
    #[error("history before revision {oldest} is compacted")]
    Compacted { oldest: Revision },
    /// The revision was never given out: the data was put back to an older state.
    #[error("revision {asked} lies ahead of the store's revision {head}")]
    Ahead { asked: Revision, head: Revision },
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a back end could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("data directory {} is in use by process {pid}", path.display())]
    Locked { path: PathBuf, pid: String },
    #[error("data in {} has schema version {found}, newer than {known}, the newest this program knows", path.display())]
    NewerSchema { path: PathBuf, found: i64, known: i64 },
    #[error("{} is not a store of this program", path.display())]
    Foreign { path: PathBuf },
    #[error("cannot prepare {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Failed(#[from] Failure),
}
