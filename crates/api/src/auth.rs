//! Passwords: made into argon2id hashes and checked, a few at a time, with a memory of what was checked before.
//! It knows no user. The surprise: some clients log in for every call, so a verified login is remembered, as a keyed hash of (user, stored
//! hash, password) whose key lives and dies with the process; a changed password changes the stored hash and so is never remembered wrongly.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base::Secret;
use base::chance::Chance;
use ring::hmac;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

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
    slots: Semaphore,
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
                slots: Semaphore::new(AT_ONCE),
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
    pub async fn hash(&self, password: Secret, chance: Arc<dyn Chance>) -> Result<Secret, HashFailed> {
        let _slot = self.inner.slots.acquire().await.map_err(|_| HashFailed)?;
        let job = tokio::task::spawn_blocking(move || Passwords::hash_now(password.reveal(), &*chance));
        job.await.map_err(|_| HashFailed)?
    }

    /// Whether this is the password that `stored` is the hash of; `None`: there is no such user, or it has no password.
    pub async fn verify(&self, user: &str, stored: Option<&Secret>, password: Secret) -> bool {
        if password.reveal().len() > LONGEST {
            return false;
        }
        let remembered = stored.map(|stored| self.digest(user, stored, &password));
        if remembered.as_ref().is_some_and(|digest| self.remembers(digest)) {
            return true;
        }
        let Ok(_slot) = self.inner.slots.acquire().await else { return false };
        let text = stored.map_or_else(|| self.inner.decoy.clone(), |stored| stored.reveal().to_owned());
        let job = tokio::task::spawn_blocking(move || {
            let parsed = PasswordHash::new(&text).ok();
            parsed.is_some_and(|hash| hasher().verify_password(password.reveal().as_bytes(), &hash).is_ok())
        });
        let good = job.await.unwrap_or(false);
        match remembered {
            Some(digest) if good => {
                self.remember(digest);
                true
            }
            _ => false,
        }
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
        let stored = passwords.hash(Secret::new("s3cret"), Arc::new(SystemChance)).await.expect("hashes");
        assert!(stored.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", stored.reveal());
        for _ in 0..2 {
            assert!(passwords.verify("bob", Some(&stored), Secret::new("s3cret")).await);
            assert!(!passwords.verify("bob", Some(&stored), Secret::new("s3cre")).await);
            assert!(!passwords.verify("bob", None, Secret::new("s3cret")).await);
        }
        assert!(!passwords.verify("bob", Some(&Secret::new("no hash")), Secret::new("s3cret")).await);
        let changed = Passwords::hash_now("other", &SystemChance).expect("hashes");
        assert!(!passwords.verify("bob", Some(&changed), Secret::new("s3cret")).await, "remembered across a change");
    }
}
