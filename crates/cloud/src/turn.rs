//! One at a time for each thing that has a name: a removal does not look for an instance while a start is still making it.
//! The surprise: turns are this process's own. Over a restart the records and the clouds say what had begun.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// Cheap to clone.
#[derive(Clone)]
pub struct Turns<K>(Arc<Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>>);

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Turns(Arc::default())
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// Waits for the thing's turn; it ends when the guard is dropped.
    pub async fn take(&self, thing: &K) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match all.get(thing).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    // Things that nobody is at any more are forgotten on the way.
                    if all.len() > 1024 {
                        all.retain(|_, turn| turn.strong_count() > 0);
                    }
                    let turn = Arc::new(tokio::sync::Mutex::new(()));
                    all.insert(thing.clone(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }
}
