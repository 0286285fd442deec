//! How many long streams of a kind are open (of the log, tunnels), in all and of each user.

use base::{Kind, Refusal};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Cheap to clone.
#[derive(Clone)]
pub struct Streams(Arc<Open>);

struct Open {
    /// `log stream`.
    what: &'static str,
    most: usize,
    most_of_user: usize,
    of: Mutex<HashMap<String, usize>>,
    searches: Semaphore,
}

/// One stream's place; dropped with it.
pub struct Stream {
    open: Arc<Open>,
    user: String,
}

/// Searches backwards in the log at once: what they find is in memory until they know where to begin.
const SEARCHES: usize = 2;

impl Streams {
    pub fn new(what: &'static str, most: usize, most_of_user: usize) -> Streams {
        let (of, searches) = (Mutex::default(), Semaphore::new(SEARCHES));
        Streams(Arc::new(Open { what, most, most_of_user, of, searches }))
    }

    pub fn open(&self, user: &str) -> Result<Stream, Refusal> {
        let mut of = self.0.of.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (of.values().sum::<usize>(), of.get(user).copied().unwrap_or(0));
        let Open { what, most, most_of_user, .. } = &*self.0;
        if own >= *most_of_user {
            let words = format!("user {user:?} has {most_of_user} {what}s open already");
            return Err(Refusal::new(Kind::TryAgain, words));
        }
        if all >= *most {
            let words = format!("controller has {most} {what}s open already");
            return Err(Refusal::new(Kind::TryAgain, words));
        }
        of.insert(user.to_owned(), own + 1);
        Ok(Stream { open: self.0.clone(), user: user.to_owned() })
    }

    /// The right to search.
    pub async fn search(&self) -> Option<SemaphorePermit<'_>> {
        self.0.searches.acquire().await.ok()
    }
}

impl Stream {
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut of = self.open.of.lock().unwrap_or_else(PoisonError::into_inner);
        match of.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = of.remove(&self.user),
        }
    }
}
