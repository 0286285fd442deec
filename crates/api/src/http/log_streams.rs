//! How many log streams are open, in all and of each user, and how many search.

use crate::limits::Limits;
use crate::places::{Place, Places};
use base::Refusal;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Cheap to clone.
#[derive(Clone)]
pub struct LogStreams {
    places: Places,
    searches: Arc<Semaphore>,
}

/// Searches backwards in the log at once: what they find is in memory until they know where to begin.
const SEARCHES: usize = 2;

impl LogStreams {
    pub fn new(limits: Limits) -> LogStreams {
        let places = Places::new("log streams", limits.log_streams, limits.log_streams_of_user);
        LogStreams { places, searches: Arc::new(Semaphore::new(SEARCHES)) }
    }

    pub fn open(&self, user: &str) -> Result<Place, Refusal> {
        self.places.take(user)
    }

    /// The right to search.
    pub async fn search(&self) -> Option<SemaphorePermit<'_>> {
        self.searches.acquire().await.ok()
    }
}
