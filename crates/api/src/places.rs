//! What users have open of something countable, in all and each of them; and what answers of each wait unread.
//! It knows no protocol. The surprise: a place is a value, and dropping it gives the place back, whatever ended its owner.

use base::{Kind, Refusal};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Hall>);

struct Hall {
    /// What is counted, in words: `log streams`.
    what: &'static str,
    all: usize,
    of_user: usize,
    of: Mutex<HashMap<String, User>>,
}

#[derive(Default)]
struct User {
    places: usize,
    /// Bytes of answers that wait to be read, over all of the user's places.
    owed: usize,
}

/// Of one user; dropping it gives it back.
pub struct Place {
    hall: Arc<Hall>,
    user: String,
}

/// So many bytes owed to a user; dropped when they were read, or will not be.
pub struct Debt {
    hall: Arc<Hall>,
    user: String,
    bytes: usize,
}

impl Places {
    pub fn new(what: &'static str, all: usize, of_user: usize) -> Places {
        Places(Arc::new(Hall { what, all, of_user, of: Mutex::default() }))
    }

    pub fn take(&self, user: &str) -> Result<Place, Refusal> {
        let Hall { what, all, of_user, .. } = *self.0;
        let mut of = self.0.lock();
        let (taken, own) =
            (of.values().map(|user| user.places).sum::<usize>(), of.get(user).map_or(0, |one| one.places));
        if own >= of_user {
            return Err(Refusal::new(Kind::TryAgain, format!("user {user:?} has {of_user} {what} open already")));
        }
        if taken >= all {
            return Err(Refusal::new(Kind::TryAgain, format!("controller has {all} {what} open already")));
        }
        of.entry(user.to_owned()).or_default().places += 1;
        drop(of);
        Ok(Place { hall: self.0.clone(), user: user.to_owned() })
    }
}

impl Hall {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, User>> {
        // What is under the lock is changed in single steps.
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, user: &str, places: usize, bytes: usize) {
        let mut of = self.lock();
        if let Some(one) = of.get_mut(user) {
            one.places = one.places.saturating_sub(places);
            one.owed = one.owed.saturating_sub(bytes);
            if one.places == 0 && one.owed == 0 {
                of.remove(user);
            }
        }
    }
}

impl Place {
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Counts an answer until the debt is dropped; nothing when the user would be owed more than `most`. One answer may always be owed.
    pub fn owe(&self, bytes: usize, most: usize) -> Option<Debt> {
        let mut of = self.hall.lock();
        let user = of.entry(self.user.clone()).or_default();
        if user.owed > 0 && user.owed.saturating_add(bytes) > most {
            return None;
        }
        user.owed += bytes;
        Some(Debt { hall: self.hall.clone(), user: self.user.clone(), bytes })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hall.give_back(&self.user, 1, 0);
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        self.hall.give_back(&self.user, 0, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_user_and_in_all() {
        let places = Places::new("things", 3, 2);
        let words = |user| places.take(user).err().map(|refusal| refusal.words().to_owned());
        let ann = [places.take("ann"), places.take("ann")];
        assert_eq!(words("ann").as_deref(), Some("user \"ann\" has 2 things open already"));
        let bob = places.take("bob");
        assert_eq!(words("bob").as_deref(), Some("controller has 3 things open already"));
        drop(ann);
        assert_eq!(words("bob"), None);
        drop(bob);
        assert!(places.0.lock().is_empty());
    }

    #[test]
    fn what_is_owed_is_one_sum_over_a_users_places() {
        let places = Places::new("things", 9, 9);
        let (Ok(one), Ok(two), Ok(other)) = (places.take("ann"), places.take("ann"), places.take("bob")) else {
            panic!("there is room")
        };
        let large = one.owe(150, 100);
        assert!(large.is_some(), "one answer, whatever its size");
        assert!(two.owe(1, 100).is_none(), "the same user");
        assert!(other.owe(60, 100).is_some());
        drop(large);
        let owed = two.owe(60, 100);
        assert!(owed.is_some() && one.owe(60, 100).is_none() && one.owe(40, 100).is_some());
        drop((one, two, other));
        assert!(!places.0.lock().is_empty(), "it is still owed");
        drop(owed);
        assert!(places.0.lock().is_empty());
    }
}
