//! Which agents are connected, in memory only. It does not know what a connection is: whoever holds one holds a [`Present`].
//! The surprise: an agent that left is not missed at once, since agents reconnect all the time (a renewed certificate, a restarted controller);
//! only after [`GRACE`] is its machine shown as `down`. After the controller's own start everybody is given that long. All of this is told
//! by a clock that nobody sets: a wall clock that jumps makes nobody `down`, and keeps nobody up.

use base::{MachineId, ModelUuid};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

pub const GRACE: Duration = Duration::from_secs(10);

type Who = (ModelUuid, MachineId);

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Presence {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    seen: Mutex<HashMap<Who, Seen>>,
    begun: Instant,
    /// Told when an agent came or left.
    news: watch::Sender<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    connections: u32,
    left: Option<Instant>,
}

/// An agent's connection. It leaves with [`Present::leave`], or, when dropped, as if it had left long ago.
#[derive(Debug)]
pub struct Present {
    presence: Presence,
    who: Who,
}

impl Presence {
    #[allow(clippy::new_without_default, reason = "it begins now: that is no default")]
    pub fn new() -> Presence {
        let shared = Shared { seen: Mutex::default(), begun: Instant::now(), news: watch::channel(()).0 };
        Presence { shared: Arc::new(shared) }
    }

    pub fn connected(&self, model: ModelUuid, machine: MachineId) -> Present {
        let who = (model, machine);
        let first = {
            let mut all = self.lock();
            let seen = all.entry(who.clone()).or_default();
            seen.connections += 1;
            seen.connections == 1
        };
        if first {
            self.shared.news.send_replace(());
        }
        Present { presence: self.clone(), who }
    }

    pub fn is_connected(&self, model: ModelUuid, machine: &MachineId) -> bool {
        self.absent(model, machine).is_none()
    }

    /// For how long it has not been connected: at most since the controller began. `None`: it is.
    pub fn absent(&self, model: ModelUuid, machine: &MachineId) -> Option<Duration> {
        match self.lock().get(&(model, machine.clone())) {
            Some(seen) if seen.connections > 0 => None,
            Some(Seen { left: Some(left), .. }) => Some(left.elapsed()),
            _ => Some(self.shared.begun.elapsed()),
        }
    }

    /// Not connected, and for longer than a reconnection takes.
    pub fn is_missed(&self, model: ModelUuid, machine: &MachineId) -> bool {
        self.absent(model, machine).is_some_and(|absent| absent > GRACE)
    }

    /// Tells when agents came or left, not who.
    pub fn news(&self) -> watch::Receiver<()> {
        self.shared.news.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Seen>> {
        // Counting leaves the map whole, also when a panic ends it.
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// The connection ended now.
    pub fn leave(self) {
        if let Some(seen) = self.presence.lock().get_mut(&self.who) {
            seen.left = Some(Instant::now());
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        {
            let mut all = self.presence.lock();
            let Some(seen) = all.get_mut(&self.who) else { return };
            seen.connections = seen.connections.saturating_sub(1);
            if seen.connections > 0 {
                return;
            }
            if seen.left.is_none() {
                all.remove(&self.who);
            }
        }
        self.presence.shared.news.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_agent_is_missed_only_after_the_time_of_grace() {
        let pass = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        let presence = Presence::new();
        let mut news = presence.news();
        let model: ModelUuid = "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        let id = MachineId::top(0);
        pass(5).await;
        assert!(!presence.is_missed(model, &id), "the controller has only begun");
        pass(6).await;
        assert!(presence.is_missed(model, &id));
        assert!(!news.has_changed().expect("there"));
        let first = presence.connected(model, id.clone());
        assert!(news.has_changed().expect("there"), "who waits is told that one came");
        let second = presence.connected(model, id.clone());
        news.mark_unchanged();
        first.leave();
        pass(80).await;
        assert!(!presence.is_missed(model, &id), "its second connection is still there");
        assert!(!news.has_changed().expect("there"));
        second.leave();
        assert!(news.has_changed().expect("there"), "who waits is told that one left");
        pass(5).await;
        assert!(!presence.is_missed(model, &id));
        pass(6).await;
        assert_eq!(presence.absent(model, &id), Some(Duration::from_secs(11)));
        assert!(presence.is_missed(model, &id));
    }
}
