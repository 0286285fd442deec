//! How many bad passwords came lately, by user and address, and by address.
//! The surprise: it never counts by user alone. Whoever guesses at a name from elsewhere must not lock its owner out.

use crate::strangers::Source;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Bad passwords for one user from one address that are looked at at once, and how long until one more is.
const OF_USER: Rate = Rate { burst: 10, refill: Duration::from_secs(6) };
/// The same for all users from one address: names are guessed at too.
const OF_ADDRESS: Rate = Rate { burst: 100, refill: Duration::from_millis(600) };
/// Pairs and addresses that are kept in mind. Who guesses from more addresses than that is bounded by the hashes alone.
const REMEMBERED: usize = 16_384;

struct Rate {
    burst: u32,
    refill: Duration,
}

/// No password is looked at until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bad passwords")]
pub struct TooManyBad {
    pub wait: Duration,
}

#[derive(Default)]
pub struct Guesses {
    of_user: Table<(String, Source)>,
    of_address: Table<Source>,
}

/// When each will be forgiven wholly: a bad password puts that off by one refill.
struct Table<K>(Mutex<HashMap<K, Instant>>);

impl<K> Default for Table<K> {
    fn default() -> Table<K> {
        Table(Mutex::default())
    }
}

impl Guesses {
    /// Whether a password of this user may be looked at.
    pub fn of_user(&self, user: &str, from: Source) -> Result<(), TooManyBad> {
        self.of_user.may(&(user.to_owned(), from), &OF_USER)
    }

    /// Whether a password from there may be looked at that was not known good before.
    pub fn of_address(&self, from: Source) -> Result<(), TooManyBad> {
        self.of_address.may(&from, &OF_ADDRESS)
    }

    pub fn bad(&self, user: &str, from: Source) {
        self.of_user.bad((user.to_owned(), from), &OF_USER);
        self.of_address.bad(from, &OF_ADDRESS);
    }

    pub fn good(&self, user: &str, from: Source) {
        self.of_user.lock().remove(&(user.to_owned(), from));
    }
}

impl<K: Eq + Hash> Table<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may(&self, key: &K, rate: &Rate) -> Result<(), TooManyBad> {
        let table = self.lock();
        let Some(forgiven) = table.get(key) else { return Ok(()) };
        let debt = forgiven.saturating_duration_since(Instant::now());
        let most = rate.refill * (rate.burst - 1);
        match debt > most {
            true => Err(TooManyBad { wait: debt - most }),
            false => Ok(()),
        }
    }

    fn bad(&self, key: K, rate: &Rate) {
        let now = Instant::now();
        let mut table = self.lock();
        if table.len() >= REMEMBERED {
            table.retain(|_, forgiven| *forgiven > now);
        }
        if table.len() >= REMEMBERED && !table.contains_key(&key) {
            return;
        }
        let forgiven = table.entry(key).or_insert(now);
        // Never more than a whole burst: who is turned away is not punished further.
        *forgiven = ((*forgiven).max(now) + rate.refill).min(now + rate.refill * rate.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    #[tokio::test(start_paused = true)]
    async fn who_guesses_waits_and_nobody_else() {
        let guesses = Guesses::default();
        for _ in 0..OF_USER.burst {
            assert_eq!(guesses.of_user("bob", from(1)), Ok(()));
            guesses.bad("bob", from(1));
        }
        assert_eq!(guesses.of_user("bob", from(1)), Err(TooManyBad { wait: OF_USER.refill }));
        assert_eq!(guesses.of_user("bob", from(2)), Ok(()));
        assert_eq!(guesses.of_user("ann", from(1)), Ok(()));
        tokio::time::advance(OF_USER.refill).await;
        assert_eq!(guesses.of_user("bob", from(1)), Ok(()));
        guesses.bad("bob", from(1));
        assert!(guesses.of_user("bob", from(1)).is_err());
        tokio::time::advance(OF_USER.refill).await;
        guesses.good("bob", from(1));
        for _ in 0..OF_USER.burst {
            assert_eq!(guesses.of_user("bob", from(1)), Ok(()));
            guesses.bad("bob", from(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_guesses_at_names_waits_too() {
        let guesses = Guesses::default();
        for number in 0..OF_ADDRESS.burst {
            assert_eq!(guesses.of_address(from(1)), Ok(()));
            guesses.bad(&format!("user{number}"), from(1));
        }
        assert!(guesses.of_address(from(1)).is_err());
        assert_eq!(guesses.of_address(from(2)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let guesses = Guesses::default();
        for number in 0..REMEMBERED + 10 {
            guesses.bad(&format!("user{number}"), from(1));
        }
        assert_eq!(guesses.of_user.lock().len(), REMEMBERED);
        tokio::time::advance(OF_USER.refill).await;
        guesses.bad("one more", from(1));
        assert_eq!(guesses.of_user.lock().len(), 1, "those forgiven were kept");
    }
}
