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

impl LogStreams {
    pub fn new(limits: Limits) -> LogStreams {
        let places = Places::new("log streams", limits.log_streams, limits.log_streams_of_user);
        LogStreams { places, searches: Arc::new(Semaphore::new(limits.log_searches)) }
    }

    pub fn open(&self, user: &str) -> Result<Place, Refusal> {
        self.places.take(user)
    }

    /// The right to search.
    pub async fn search(&self) -> Option<SemaphorePermit<'_>> {
        self.searches.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn searches_take_turns() {
        let streams = LogStreams::new(Limits::default());
        let one = streams.search().now_or_never().flatten().expect("a turn");
        let _two = streams.search().now_or_never().flatten().expect("a turn");
        let mut third = std::pin::pin!(streams.search());
        assert!(third.as_mut().now_or_never().is_none(), "two search already");
        drop(one);
        let _third = third.now_or_never().flatten().expect("its turn");
    }
}
