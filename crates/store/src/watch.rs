//! Following the store: one batch for each revision.
//!
//! A watch knows no engine: it asks a source for what is after its position. The surprise: it pulls, so a slow reader holds
//! no memory; it is behind until history is compacted under it, and then is told so.

use crate::backend::Boxed;
use crate::error::{Failure, WatchError};
use crate::key::Key;
use crate::value::{Revision, Value};
use std::sync::Arc;
use tokio::sync::watch::Receiver;

/// All that one transaction changed, ordered by key; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub revision: Revision,
    pub changes: Vec<Change>,
}

/// One key's new value; `None` when it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub key: Key,
    pub value: Option<Value>,
}

impl Batch {
    /// Bytes of keys and values, for bounds.
    pub(crate) fn bytes(&self) -> usize {
        self.changes.iter().map(|change| change.key.as_str().len() + change.value.as_ref().map_or(0, Value::len)).sum()
    }
}

/// History as a back end reads it.
pub(crate) trait Source: Send + Sync {
    /// Up to `limit` batches after `after`, in order; empty when there is none.
    fn read(&self, after: Revision, limit: usize) -> Boxed<'_, Result<Vec<Arc<Batch>>, WatchError>>;
}

/// A position in the store's history.
pub struct Watch {
    source: Arc<dyn Source>,
    head: Receiver<Revision>,
    after: Revision,
}

/// Most batches that one call returns.
const PAGE: usize = 1024;

impl Watch {
    pub(crate) fn new(source: Arc<dyn Source>, head: Receiver<Revision>, after: Revision) -> Watch {
        Watch { source, head, after }
    }

    /// The revision up to which batches were returned.
    pub fn position(&self) -> Revision {
        self.after
    }

    /// Waits for the next batches: one or more, in order. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Vec<Arc<Batch>>, WatchError> {
        let after = self.after;
        let Ok(head) = self.head.wait_for(|head| *head > after).await.map(|head| *head) else {
            return Err(Failure::Closed.into());
        };
        let batches = self.source.read(after, PAGE).await?;
        // What a head was told of is there to be read, or the data is not what it was.
        let Some(last) = batches.last() else {
            return Err(Failure::Damaged { source: Arc::new(Missing { after, head }) }.into());
        };
        self.after = last.revision;
        Ok(batches)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no history after revision {after}, though there was revision {head}")]
struct Missing {
    after: Revision,
    head: Revision,
}
