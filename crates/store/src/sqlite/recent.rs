//! The last batches in memory, so that a watch that keeps up never reads the disk.
//!
//! It knows no SQL. The surprise: `None` from [`Recent::read`] means "ask the log", not "nothing".

use crate::error::WatchError;
use crate::value::Revision;
use crate::watch::Batch;
use std::collections::VecDeque;
use std::sync::Arc;

const MOST_BYTES: usize = 4 << 20;

pub(super) struct Recent {
    batches: VecDeque<Arc<Batch>>,
    bytes: usize,
    /// Every batch after this revision is here.
    complete_after: Revision,
    head: Revision,
    compacted: Revision,
    most: usize,
}

impl Recent {
    /// Keeps at most `most` batches.
    pub fn new(head: Revision, compacted: Revision, most: usize) -> Recent {
        Recent { batches: VecDeque::new(), bytes: 0, complete_after: head, head, compacted, most }
    }

    pub fn push(&mut self, batch: Arc<Batch>) {
        self.bytes += batch.bytes();
        self.head = batch.revision;
        self.batches.push_back(batch);
        while self.batches.len() > self.most || self.bytes > MOST_BYTES {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(gone) = self.batches.pop_front() {
            self.bytes -= gone.bytes();
            self.complete_after = gone.revision;
        }
    }

    pub fn compact(&mut self, compacted: Revision) {
        self.compacted = compacted;
        while self.batches.front().is_some_and(|batch| batch.revision <= compacted) {
            self.pop();
        }
    }

    /// Whether a watch may begin after `after`.
    pub fn admit(&self, after: Revision) -> Result<(), WatchError> {
        if after < self.compacted {
            return Err(WatchError::Compacted { oldest: self.compacted });
        }
        if after > self.head {
            return Err(WatchError::Ahead { asked: after, head: self.head });
        }
        Ok(())
    }

    pub fn read(&self, after: Revision, limit: usize) -> Result<Option<Vec<Arc<Batch>>>, WatchError> {
        if after < self.compacted {
            return Err(WatchError::Compacted { oldest: self.compacted });
        }
        if after < self.complete_after {
            return Ok(None);
        }
        let start = self.batches.partition_point(|batch| batch.revision <= after);
        Ok(Some(self.batches.range(start..).take(limit).cloned().collect()))
    }
}
