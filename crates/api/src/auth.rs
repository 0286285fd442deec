//! Passwords: made into argon2id hashes and checked, a few at a time and one of each source, with a memory of what was checked before.
//! It knows no user. The surprise: some clients log in for every call, so a verified login is remembered, as a keyed hash of (user, stored
//! hash, password) whose key lives and dies with the process; a changed password changes the stored hash and so is never remembered wrongly.

pub mod bakery;
mod guesses;
mod turns;

use crate::strangers::Source;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base::Secret;
use base::chance::Chance;
use ring::hmac;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use turns::Turns;

use guesses::Guesses;
pub use guesses::TooManyBad;

/// 19 MiB, two passes, one lane: OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Hashes computed at once: bounds the memory (40 MiB) and leaves a core for those who are logged in.
const AT_ONCE: usize = 2;
/// Verified logins remembered.
const REMEMBERED: usize = 4096;
/// A password longer than this is none.
const LONGEST: usize = 1024;

/// Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    inner: Arc<Inner>,
}

struct Inner {
    turns: Turns<Source>,
    guesses: Guesses,
    key: hmac::Key,
    known: Mutex<VecDeque<[u8; 32]>>,
    /// Checked against when there is no such user, so that a guess at names takes as long as a guess at passwords.
    decoy: String,
}

#[derive(Debug, thiserror::Error)]
#[error("password cannot be hashed")]
pub struct HashFailed;

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

impl Passwords {
    pub fn new(chance: &dyn Chance) -> Passwords {
        let mut key = [0u8; 32];
        chance.fill(&mut key);
        let decoy =
            Passwords::hash_now(&chance.token(16), chance).map(|hash| hash.reveal().to_owned()).unwrap_or_default();
        Passwords {
            inner: Arc::new(Inner {
                turns: Turns::new(AT_ONCE),
                guesses: Guesses::default(),
                key: hmac::Key::new(hmac::HMAC_SHA256, &key),
                known: Mutex::new(VecDeque::new()),
                decoy,
            }),
        }
    }

    /// An argon2id hash in PHC form. Takes some ten milliseconds of this thread.
    pub fn hash_now(password: &str, chance: &dyn Chance) -> Result<Secret, HashFailed> {
        let mut salt = [0u8; 16];
        chance.fill(&mut salt);
        let hash: PasswordHash =
            hasher().hash_password_with_salt(password.as_bytes(), &salt).map_err(|_| HashFailed)?;
        Ok(Secret::new(hash.to_string()))
    }

    /// The same beside the async world, when there is a free slot.
    pub async fn hash(&self, from: Source, password: Secret, chance: Arc<dyn Chance>) -> Result<Secret, HashFailed> {
        if password.reveal().len() > LONGEST {
            return Err(HashFailed);
        }
        let turn = self.inner.turns.of(from).await;
        let _room = turn.begin().await.ok_or(HashFailed)?;
        let job = tokio::task::spawn_blocking(move || Passwords::hash_now(password.reveal(), &*chance));
        job.await.map_err(|_| HashFailed)?
    }

    /// Whether this is the password that `stored` is the hash of; `None`: there is no such user, or it has no password.
    pub async fn verify(
        &self,
        from: Source,
        user: &str,
        stored: Option<&Secret>,
        password: Secret,
    ) -> Result<bool, TooManyBad> {
        let guesses = &self.inner.guesses;
        guesses.of_user(user, from)?;
        let remembered = stored.map(|stored| self.digest(user, stored, &password));
        let known = || remembered.as_ref().is_some_and(|digest| self.remembers(digest));
        if known() {
            return Ok(true);
        }
        let turn = self.inner.turns.of(from).await;
        // The one before may have been the same, good or bad.
        guesses.of_user(user, from)?;
        if known() {
            return Ok(true);
        }
        if let Err(too_many) = guesses.of_address(from) {
            // Counted: else those remembered could be guessed at without end.
            guesses.bad(user, from);
            return Err(too_many);
        }
        match self.is_good(&turn, stored, password).await {
            true => {
                guesses.good(user, from);
                remembered.into_iter().for_each(|digest| self.remember(digest));
                Ok(true)
            }
            false => {
                guesses.bad(user, from);
                Ok(false)
            }
        }
    }

    async fn is_good(&self, turn: &turns::Turn<'_, Source>, stored: Option<&Secret>, password: Secret) -> bool {
        if password.reveal().len() > LONGEST {
            return false;
        }
        let Some(_room) = turn.begin().await else { return false };
        let is_user = stored.is_some();
        let text = stored.map_or_else(|| self.inner.decoy.clone(), |stored| stored.reveal().to_owned());
        let job = tokio::task::spawn_blocking(move || {
            let parsed = PasswordHash::new(&text).ok();
            parsed.is_some_and(|hash| hasher().verify_password(password.reveal().as_bytes(), &hash).is_ok())
        });
        job.await.unwrap_or(false) && is_user
    }

    fn digest(&self, user: &str, stored: &Secret, password: &Secret) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.inner.key);
        for part in [user, stored.reveal(), password.reveal()] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0u8; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    fn remembers(&self, digest: &[u8; 32]) -> bool {
        // A set of four thousand digests is looked through in microseconds; the digest is keyed, so its timing tells nothing.
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    fn remember(&self, digest: [u8; 32]) {
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&digest) {
            known.push_front(digest);
            known.truncate(REMEMBERED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::chance::SystemChance;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let passwords = Passwords::new(&SystemChance);
        let here = Source::here();
        let stored = passwords.hash(here, Secret::new("s3cret"), Arc::new(SystemChance)).await.expect("hashes");
        assert!(stored.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", stored.reveal());
        let check = async |stored: Option<&Secret>, password: &str, expected: bool| {
            let given = passwords.verify(here, "bob", stored, Secret::new(password)).await;
            assert_eq!(given, Ok(expected), "{password}");
        };
        for _ in 0..2 {
            check(Some(&stored), "s3cret", true).await;
            check(Some(&stored), "s3cre", false).await;
            check(None, "s3cret", false).await;
        }
        check(Some(&Secret::new("no hash")), "s3cret", false).await;
        let changed = Passwords::hash_now("other", &SystemChance).expect("hashes");
        // Remembered across a change?
        check(Some(&changed), "s3cret", false).await;
    }

    #[tokio::test]
    async fn a_guesser_is_put_off_and_the_user_elsewhere_is_not() {
        let passwords = Passwords::new(&SystemChance);
        let (guesser, home) = (Source::of([192, 0, 2, 1].into()), Source::of([192, 0, 2, 2].into()));
        let stored = Passwords::hash_now("s3cret", &SystemChance).expect("hashes");
        let tries = (0..40).map(|number| {
            let (passwords, stored) = (passwords.clone(), stored.clone());
            let password = Secret::new(format!("guess {number}"));
            tokio::spawn(async move { passwords.verify(guesser, "bob", Some(&stored), password).await })
        });
        let tries: Vec<_> = tries.collect();
        let mut looked_at = 0;
        for one in tries {
            looked_at += usize::from(one.await.expect("ran").is_ok());
        }
        assert!((10..15).contains(&looked_at), "{looked_at} guesses at once were looked at");
        let right = || Secret::new("s3cret");
        assert!(passwords.verify(guesser, "bob", Some(&stored), right()).await.is_err(), "a good guess came through");
        assert_eq!(passwords.verify(home, "bob", Some(&stored), right()).await, Ok(true));
        assert!(
            passwords.verify(guesser, "bob", Some(&stored), right()).await.is_err(),
            "what is remembered is guessed"
        );
        assert_eq!(passwords.verify(guesser, "ann", Some(&stored), right()).await, Ok(true));
    }
}
