//! What a password at the form is exchanged for: good once, for the user it was given for, for a moment. They live and die with the process.

use base::chance::Chance;
use base::clock::Time;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const GOOD: Duration = Duration::from_secs(120);
/// Each costs the hash of a password to get; the oldest goes first.
const MOST: usize = 1024;

#[derive(Default)]
pub struct Tokens {
    all: Mutex<VecDeque<Token>>,
}

struct Token {
    bytes: [u8; 32],
    user: String,
    until: Time,
}

impl Tokens {
    pub fn give(&self, user: &str, now: Time, chance: &dyn Chance) -> [u8; 32] {
        let mut bytes = [0u8; 32];
        chance.fill(&mut bytes);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|token| now < token.until);
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back(Token { bytes, user: user.to_owned(), until: now.plus(GOOD) });
        bytes
    }

    /// For whom it was given. It is worth nothing afterwards.
    pub fn take(&self, bytes: &[u8], now: Time) -> Option<String> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        // 32 random bytes: where a comparison ends tells nothing that helps to find the rest within two minutes.
        let at = all.iter().position(|token| token.bytes == bytes)?;
        all.remove(at).filter(|token| now < token.until).map(|token| token.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::chance::SystemChance;

    #[test]
    fn a_token_is_good_once_and_for_a_moment() {
        let (tokens, now) = (Tokens::default(), Time::from_unix(1_000));
        let token = tokens.give("bob", now, &SystemChance);
        assert_eq!(tokens.take(&[0; 32], now), None);
        assert_eq!(tokens.take(&token, now).as_deref(), Some("bob"));
        assert_eq!(tokens.take(&token, now), None);
        let late = tokens.give("bob", now, &SystemChance);
        assert_eq!(tokens.take(&late, now.plus(GOOD)), None);
        let first = tokens.give("bob", now, &SystemChance);
        (0..MOST).for_each(|_| _ = tokens.give("eve", now, &SystemChance));
        assert_eq!(tokens.take(&first, now), None);
        assert_eq!(tokens.all.lock().expect("whole").len(), MOST);
    }
}
