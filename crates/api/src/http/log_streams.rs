//! How many log streams are open, in all and of each user.

use crate::limits::Limits;
use base::{Kind, Refusal};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Cheap to clone.
#[derive(Clone)]
pub struct LogStreams(Arc<Open>);

struct Open {
    limits: Limits,
    of: Mutex<HashMap<String, usize>>,
    searches: Semaphore,
}

/// One stream's place; dropped with it.
pub struct LogStream {
    open: Arc<Open>,
    user: String,
}

/// Searches backwards in the log at once: what they find is in memory until they know where to begin.
const SEARCHES: usize = 2;

impl LogStreams {
    pub fn new(limits: Limits) -> LogStreams {
        LogStreams(Arc::new(Open { limits, of: Mutex::default(), searches: Semaphore::new(SEARCHES) }))
    }

    pub fn open(&self, user: &str) -> Result<LogStream, Refusal> {
        let mut of = self.0.of.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (of.values().sum::<usize>(), of.get(user).copied().unwrap_or(0));
        let Limits { log_streams, log_streams_of_user, .. } = self.0.limits;
        if own >= log_streams_of_user {
            let words = format!("user {user:?} has {log_streams_of_user} log streams open already");
            return Err(Refusal::new(Kind::TryAgain, words));
        }
        if all >= log_streams {
            let words = format!("controller has {log_streams} log streams open already");
            return Err(Refusal::new(Kind::TryAgain, words));
        }
        of.insert(user.to_owned(), own + 1);
        Ok(LogStream { open: self.0.clone(), user: user.to_owned() })
    }

    /// The right to search.
    pub async fn search(&self) -> Option<SemaphorePermit<'_>> {
        self.0.searches.acquire().await.ok()
    }
}

impl LogStream {
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl Drop for LogStream {
    fn drop(&mut self) {
        let mut of = self.open.of.lock().unwrap_or_else(PoisonError::into_inner);
        match of.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = of.remove(&self.user),
        }
    }
}
