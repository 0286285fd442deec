//! Bells by name: who appends rings, who tails waits.
//!
//! They carry no data. The surprise: a bell exists only while somebody listens, so names cost nothing once done with.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch::{Receiver, Sender};

#[derive(Default)]
pub(super) struct Bells(Mutex<HashMap<String, Sender<()>>>);

impl Bells {
    pub fn ring(&self, name: &str) {
        let mut bells = self.lock();
        if let Some(bell) = bells.get(name) {
            if bell.is_closed() {
                bells.remove(name);
            } else {
                bell.send_replace(());
            }
        }
    }

    /// Rings every bell whose name starts so.
    pub fn ring_below(&self, prefix: &str) {
        let mut bells = self.lock();
        bells.retain(|_, bell| !bell.is_closed());
        for (_, bell) in bells.iter().filter(|(name, _)| name.starts_with(prefix)) {
            bell.send_replace(());
        }
    }

    pub fn listen(&self, name: &str) -> Receiver<()> {
        let mut bells = self.lock();
        if !bells.contains_key(name) {
            // Names that nobody listens to any more go here, in step with new ones.
            bells.retain(|_, bell| !bell.is_closed());
        }
        bells.entry(name.to_string()).or_insert_with(|| Sender::new(())).subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Sender<()>>> {
        // The map is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
