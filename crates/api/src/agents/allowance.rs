//! What one agent may say in a while: lines of its log, and words of itself. Kept over its connections, so that a new one earns nothing.
//! It stores nothing. The surprise: lines over the allowance are dropped and counted, what an agent says of itself is only taken later: the
//! newest of it matters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rpc::tls::AgentIdentity;
use tokio::time::Instant;

/// Lines of the log that are kept at once, and for each second.
pub const LINES: Rate = Rate { burst: 2000.0, a_second: 100.0 };
/// Their bytes.
pub const LINE_BYTES: Rate = Rate { burst: 1_048_576.0, a_second: 65_536.0 };
/// Hello, facts, status, requests for certificates: what costs the controller a commit or a signature.
pub const SAYINGS: Rate = Rate { burst: 30.0, a_second: 1.0 };
/// Agents kept in mind before those are forgotten whose allowance is whole again.
const MANY: usize = 1024;

pub struct Rate {
    pub burst: f64,
    pub a_second: f64,
}

/// What was used of a rate, as of a moment.
#[derive(Debug, Clone, Copy)]
struct Used {
    used: f64,
    at: Instant,
}

impl Used {
    fn none(now: Instant) -> Used {
        Used { used: 0.0, at: now }
    }

    fn settle(&mut self, rate: &Rate, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        *self = Used { used: (self.used - seconds * rate.a_second).max(0.0), at: now };
    }
}

#[derive(Debug)]
struct Allowance {
    lines: Used,
    bytes: Used,
    sayings: Used,
    dropped: u64,
}

impl Allowance {
    fn new(now: Instant) -> Allowance {
        Allowance { lines: Used::none(now), bytes: Used::none(now), sayings: Used::none(now), dropped: 0 }
    }

    fn settle(&mut self, now: Instant) {
        self.lines.settle(&LINES, now);
        self.bytes.settle(&LINE_BYTES, now);
        self.sayings.settle(&SAYINGS, now);
    }

    fn is_whole(&self) -> bool {
        self.dropped == 0 && [self.lines, self.bytes, self.sayings].iter().all(|used| used.used == 0.0)
    }
}

/// Whether a line is kept.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// With how many lines were dropped since the last one that was kept.
    Keep(u64),
    Drop,
}

/// Of all agents. Cheap to clone.
#[derive(Clone, Default)]
pub struct Allowances(Arc<Mutex<HashMap<AgentIdentity, Allowance>>>);

impl Allowances {
    fn lock(&self) -> MutexGuard<'_, HashMap<AgentIdentity, Allowance>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, who: &AgentIdentity, take: impl FnOnce(&mut Allowance) -> T) -> T {
        let now = Instant::now();
        let mut all = self.lock();
        if all.len() >= MANY && all.len() == all.capacity() {
            all.retain(|_, one| {
                one.settle(now);
                !one.is_whole()
            });
        }
        if !all.contains_key(who) {
            all.insert(who.clone(), Allowance::new(now));
        }
        let mut none = Allowance::new(now);
        let one = all.get_mut(who).unwrap_or(&mut none);
        one.settle(now);
        take(one)
    }

    pub fn line(&self, who: &AgentIdentity, bytes: usize) -> Verdict {
        self.with(who, |one| {
            let bytes = bytes as f64;
            if one.lines.used + 1.0 > LINES.burst || one.bytes.used + bytes > LINE_BYTES.burst {
                one.dropped += 1;
                return Verdict::Drop;
            }
            one.lines.used += 1.0;
            one.bytes.used += bytes;
            Verdict::Keep(std::mem::take(&mut one.dropped))
        })
    }

    /// How many lines were dropped and not yet told of.
    pub fn dropped(&self, who: &AgentIdentity) -> u64 {
        match self.lock().get_mut(who) {
            Some(one) => std::mem::take(&mut one.dropped),
            None => 0,
        }
    }

    /// How long to wait before so many sayings are taken.
    pub fn say(&self, who: &AgentIdentity, count: usize) -> Duration {
        self.with(who, |one| {
            one.sayings.used += count as f64;
            let over = (one.sayings.used - SAYINGS.burst).max(0.0);
            Duration::from_secs_f64(over / SAYINGS.a_second)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(machine: &str) -> AgentIdentity {
        let model = "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        AgentIdentity { model, machine: machine.parse().expect("valid") }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_dropped_and_counted_and_others_are_not() {
        let all = Allowances::default();
        let kept = (0..5000).filter(|_| all.line(&agent("0"), 10) != Verdict::Drop).count();
        assert_eq!(kept, 2000);
        assert_eq!(all.line(&agent("1"), 10), Verdict::Keep(0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(all.line(&agent("0"), 10), Verdict::Keep(3000));
        assert_eq!(all.line(&agent("0"), 10), Verdict::Keep(0));
        let long = (0..1000).filter(|_| all.line(&agent("2"), 4096) != Verdict::Drop).count();
        assert_eq!(long, 256);
        assert_eq!(all.dropped(&agent("2")), 744);
        assert_eq!(all.dropped(&agent("2")), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_too_much_of_itself_is_heard_later() {
        let all = Allowances::default();
        assert_eq!(all.say(&agent("0"), 30), Duration::ZERO);
        assert_eq!(all.say(&agent("0"), 3), Duration::from_secs(3));
        assert_eq!(all.say(&agent("1"), 3), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(all.say(&agent("0"), 1), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn agents_that_are_quiet_are_forgotten() {
        let all = Allowances::default();
        for number in 0..20_000 {
            if number % 500 == 0 {
                tokio::time::advance(Duration::from_secs(60)).await;
            }
            all.line(&agent(&number.to_string()), 10);
        }
        assert!(all.lock().len() < 4000, "{} are remembered", all.lock().len());
    }
}
