//! Whose turn it is to have a password hashed: a few at once in all, one of each source, so that a source with a thousand requests waits
//! behind itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

pub struct Turns<K> {
    all: Semaphore,
    of: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// One's turn, until it is dropped.
pub struct Turn<'a, K: Eq + Hash> {
    turns: &'a Turns<K>,
    source: K,
    own: Option<OwnedSemaphorePermit>,
}

impl<K: Eq + Hash + Clone> Turns<K> {
    pub fn new(at_once: usize) -> Turns<K> {
        Turns { all: Semaphore::new(at_once), of: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Semaphore>>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no other of the same source is at it.
    pub async fn of(&self, source: K) -> Turn<'_, K> {
        let own = self.lock().entry(source.clone()).or_insert_with(|| Arc::new(Semaphore::new(1))).clone();
        // Made here so that one whose waiting is cut short tidies up as well.
        let mut turn = Turn { turns: self, source, own: None };
        turn.own = own.acquire_owned().await.ok();
        turn
    }
}

impl<K: Eq + Hash> Turn<'_, K> {
    /// Waits until there is room among all sources.
    pub async fn begin(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.all.acquire().await.ok()
    }
}

impl<K: Eq + Hash> Drop for Turn<'_, K> {
    fn drop(&mut self) {
        let mut of = self.turns.of.lock().unwrap_or_else(PoisonError::into_inner);
        self.own = None;
        // One in the table, and nobody else who holds or awaits it.
        if of.get(&self.source).is_some_and(|own| Arc::strong_count(own) == 1) {
            of.remove(&self.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_source_waits_for_itself_alone() {
        let turns = Turns::new(2);
        let first = turns.of(1).await;
        let _hashing = first.begin().await.expect("open");
        assert!(turns.of(1).now_or_never().is_none(), "two of one source");
        let other = turns.of(2).now_or_never().expect("another source");
        let also = other.begin().now_or_never().flatten().expect("there is room");
        let third = turns.of(3).now_or_never().expect("a third source");
        assert!(third.begin().now_or_never().is_none(), "three at once");
        drop(also);
        drop(other);
        assert!(third.begin().now_or_never().is_some());
        drop(third);
        drop(_hashing);
        drop(first);
        assert!(turns.lock().is_empty(), "sources are remembered for ever");
    }
}
