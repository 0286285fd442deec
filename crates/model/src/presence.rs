//! Which agents are connected, in memory only. It does not know what a connection is: whoever holds one holds a [`Present`].
//! The surprise: an agent that left is not missed at once, since agents reconnect all the time (a renewed certificate, a restarted controller);
//! only after [`GRACE`] is its machine shown as `down`. After the controller's own start everybody is given that long.

use base::clock::Time;
use base::{MachineId, ModelUuid};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub const GRACE: Duration = Duration::from_secs(10);

type Who = (ModelUuid, MachineId);

#[derive(Debug, Clone)]
pub struct Presence {
    seen: Arc<Mutex<HashMap<Who, Seen>>>,
    begun: Time,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    connections: u32,
    left: Option<Time>,
}

/// An agent's connection. It leaves with [`Present::leave`], or, when dropped, as if it had left long ago.
#[derive(Debug)]
pub struct Present {
    presence: Presence,
    who: Who,
}

impl Presence {
    pub fn new(now: Time) -> Presence {
        Presence { seen: Arc::default(), begun: now }
    }

    pub fn connected(&self, model: ModelUuid, machine: MachineId) -> Present {
        let who = (model, machine);
        self.lock().entry(who.clone()).or_default().connections += 1;
        Present { presence: self.clone(), who }
    }

    pub fn is_connected(&self, model: ModelUuid, machine: &MachineId) -> bool {
        self.lock().get(&(model, machine.clone())).is_some_and(|seen| seen.connections > 0)
    }

    /// Not connected, and for longer than a reconnection takes.
    pub fn is_missed(&self, model: ModelUuid, machine: &MachineId, now: Time) -> bool {
        match self.lock().get(&(model, machine.clone())) {
            Some(seen) if seen.connections > 0 => false,
            Some(Seen { left: Some(left), .. }) => now.since(*left) > GRACE,
            _ => now.since(self.begun) > GRACE,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Seen>> {
        // Counting leaves the map whole, also when a panic ends it.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// The connection ended now.
    pub fn leave(self, now: Time) {
        if let Some(seen) = self.presence.lock().get_mut(&self.who) {
            seen.left = Some(now);
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut all = self.presence.lock();
        if let Some(seen) = all.get_mut(&self.who) {
            seen.connections = seen.connections.saturating_sub(1);
            if seen.connections == 0 && seen.left.is_none() {
                all.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_missed_only_after_the_time_of_grace() {
        let at = |seconds| Time::from_unix(seconds);
        let presence = Presence::new(at(0));
        let model: ModelUuid = "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        let id = MachineId::top(0);
        assert!(!presence.is_missed(model, &id, at(5)), "the controller has only begun");
        assert!(presence.is_missed(model, &id, at(11)));
        let first = presence.connected(model, id.clone());
        let second = presence.connected(model, id.clone());
        first.leave(at(20));
        assert!(!presence.is_missed(model, &id, at(100)), "its second connection is still there");
        second.leave(at(100));
        assert!(!presence.is_missed(model, &id, at(105)));
        assert!(presence.is_missed(model, &id, at(111)));
    }
}
