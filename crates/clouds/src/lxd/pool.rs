//! Connections to a server, kept for a moment: the first boot of one machine is some thirty requests, and each new connection costs both sides
//! a handshake.
//! The surprise: one may have broken unnoticed. Whoever asked by it for a change cannot know whether that was made, as with any connection that
//! breaks; mere questions are asked again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

/// Longer than the pause between two requests of one task.
const KEPT: Duration = Duration::from_secs(1);
/// As many as one task asks with at once.
const MOST: usize = 8;

struct Idle<B> {
    sender: SendRequest<B>,
    since: Instant,
}

/// Clones share what is kept.
pub struct Pool<B>(Arc<Mutex<Vec<Idle<B>>>>);

impl<B> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Pool(self.0.clone())
    }
}

impl<B> Default for Pool<B> {
    fn default() -> Self {
        Pool(Arc::default())
    }
}

impl<B> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl<B: Send + 'static> Pool<B> {
    fn lock(&self) -> MutexGuard<'_, Vec<Idle<B>>> {
        // Every change is one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is open and has nothing to do.
    pub fn take(&self) -> Option<SendRequest<B>> {
        let mut all = self.lock();
        all.retain(|one| one.since.elapsed() < KEPT && !one.sender.is_closed());
        let at = all.iter().rposition(|one| one.sender.is_ready())?;
        Some(all.swap_remove(at).sender)
    }

    /// Keeps one whose answer may still be read: until that is over, nobody gets it.
    pub fn give(&self, sender: SendRequest<B>) {
        let mut all = self.lock();
        if all.len() >= MOST {
            return;
        }
        all.push(Idle { sender, since: Instant::now() });
        if all.len() == 1 {
            drop(all);
            let pool = Arc::downgrade(&self.0);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(KEPT).await;
                    let Some(pool) = pool.upgrade() else { return };
                    let mut all = pool.lock().unwrap_or_else(PoisonError::into_inner);
                    all.retain(|one| one.since.elapsed() < KEPT);
                    if all.is_empty() {
                        return;
                    }
                }
            });
        }
    }
}
