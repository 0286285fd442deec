//! One at a time for each machine: a removal does not look for an instance while a start is still making it.
//! The surprise: turns are this process's own. Over a restart the records say what had begun.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

use crate::place::Place;

#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<Place, Weak<tokio::sync::Mutex<()>>>>>);

impl Turns {
    /// Waits for the machine's turn; it ends when the guard is dropped.
    pub(crate) async fn take(&self, place: &Place) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match all.get(place).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    // Machines that nobody is at any more are forgotten on the way.
                    if all.len() > 1024 {
                        all.retain(|_, turn| turn.strong_count() > 0);
                    }
                    let turn = Arc::new(tokio::sync::Mutex::new(()));
                    all.insert(place.clone(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }
}
