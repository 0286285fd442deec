//! Readers of a view: changes for who compares the whole, batches for who passes events on.
//!
//! They never touch the store. The surprise: a feed holds no queue of its own; all feeds read one bounded tail, and
//! one that falls off its end is told to begin again from a state.

use super::{Limits, Project, State, Stopped, lock};
use crate::value::Revision;
use crate::watch::Batch;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::watch::Receiver;

/// The last batches that a view took in.
pub(super) struct Tail {
    batches: VecDeque<Arc<Batch>>,
    bytes: usize,
    /// Every batch after this revision is here.
    oldest: Revision,
    limits: Limits,
}

impl Tail {
    pub fn new(oldest: Revision, limits: Limits) -> Tail {
        Tail { batches: VecDeque::new(), bytes: 0, oldest, limits }
    }

    pub fn push(&mut self, batch: Arc<Batch>) {
        self.bytes += batch.bytes();
        self.batches.push_back(batch);
        while self.batches.len() > self.limits.batches || self.bytes > self.limits.bytes {
            let Some(gone) = self.batches.pop_front() else {
                break;
            };
            self.bytes -= gone.bytes();
            self.oldest = gone.revision;
        }
    }

    pub fn restart(&mut self, oldest: Revision) {
        *self = Tail::new(oldest, self.limits);
    }

    fn between(&self, after: Revision, upto: Revision) -> Option<Vec<Arc<Batch>>> {
        if after < self.oldest {
            return None;
        }
        let start = self.batches.partition_point(|batch| batch.revision <= after);
        Some(self.batches.range(start..).take_while(|batch| batch.revision <= upto).cloned().collect())
    }
}

/// Batches, and the state that the last of them led to.
#[derive(Debug, Clone)]
pub struct Step<P = ()> {
    pub batches: Vec<Arc<Batch>>,
    pub state: Arc<State<P>>,
}

/// Why a feed gives no more batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The reader was too slow: batches are gone. [`Feed::resync`] gives a state to go on from.
    #[error("reader fell behind the changes")]
    Behind,
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// A position among the batches of a view. Cheap: no buffer of its own.
pub struct Feed<P = ()> {
    state: Receiver<Arc<State<P>>>,
    tail: Arc<Mutex<Tail>>,
    after: Revision,
}

impl<P: Project> Feed<P> {
    pub(super) fn new(state: Receiver<Arc<State<P>>>, tail: Arc<Mutex<Tail>>, after: Revision) -> Feed<P> {
        Feed { state, tail, after }
    }

    /// The revision up to which batches were given.
    pub fn position(&self) -> Revision {
        self.after
    }

    /// Waits for what is next: one batch or more, in order. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Step<P>, Lost> {
        let after = self.after;
        let state = self.state.wait_for(|state| state.revision > after).await.map_err(|_| Stopped)?.clone();
        let batches = lock(&self.tail).between(after, state.revision).ok_or(Lost::Behind)?;
        self.after = state.revision;
        Ok(Step { batches, state })
    }

    /// Goes on from the present, passing over what was missed.
    pub fn resync(&mut self) -> Arc<State<P>> {
        let state = self.state.borrow_and_update().clone();
        self.after = state.revision;
        state
    }
}

/// News that the state changed. Who reads slowly sees fewer, newer states.
pub struct Changes<P = ()> {
    state: Receiver<Arc<State<P>>>,
}

impl<P: Project> Changes<P> {
    pub(super) fn new(mut state: Receiver<Arc<State<P>>>) -> Changes<P> {
        // The first call of next() gives the present state at once: a reconciler starts by looking.
        state.mark_changed();
        Changes { state }
    }

    /// The present state on the first call, after that the newest one whenever there is a newer than was last given.
    pub async fn next(&mut self) -> Result<Arc<State<P>>, Stopped> {
        self.state.changed().await.map_err(|_| Stopped)?;
        Ok(self.state.borrow_and_update().clone())
    }
}
