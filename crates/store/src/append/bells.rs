//! Bells by name: who appends rings, who waits for news listens.
//!
//! They carry no data. The surprise: a name exists only while somebody listens to it, so names cost nothing once done with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct Bells(Mutex<HashMap<String, Vec<Arc<Notify>>>>);

/// Rings when anything was appended under one of its names since it was last heard.
pub struct Bell {
    bells: Arc<Bells>,
    names: Vec<String>,
    news: Arc<Notify>,
}

impl Bells {
    pub fn ring(&self, name: &str) {
        for listener in self.lock().get(name).into_iter().flatten() {
            listener.notify_one();
        }
    }

    /// Rings every bell whose name starts so.
    pub fn ring_below(&self, prefix: &str) {
        let bells = self.lock();
        for listener in bells.iter().filter(|(name, _)| name.starts_with(prefix)).flat_map(|(_, all)| all) {
            listener.notify_one();
        }
    }

    pub fn listen(self: &Arc<Self>, names: impl IntoIterator<Item = String>) -> Bell {
        let names: Vec<String> = names.into_iter().collect();
        let news = Arc::new(Notify::new());
        let mut bells = self.lock();
        for name in &names {
            bells.entry(name.clone()).or_default().push(news.clone());
        }
        drop(bells);
        Bell { bells: self.clone(), names, news }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Arc<Notify>>>> {
        // The map is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    /// Waits for the next ring; one that came since the last wait ends it at once. Dropping the future loses nothing.
    pub async fn rung(&self) {
        self.news.notified().await;
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let mut bells = self.bells.lock();
        for name in &self.names {
            if let Some(listeners) = bells.get_mut(name) {
                listeners.retain(|one| !Arc::ptr_eq(one, &self.news));
                if listeners.is_empty() {
                    bells.remove(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Waker};

    #[test]
    fn a_bell_rings_for_each_of_its_names_and_is_forgotten_with_its_listener() {
        let bells = Arc::new(Bells::default());
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (both, one) = (bells.listen(names(&["/a/1", "/a/2"])), bells.listen(names(&["/a/2"])));
        let rung =
            |bell: &Bell| std::pin::pin!(bell.rung()).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!rung(&both) && !rung(&one));
        bells.ring("/a/1");
        bells.ring("/a/1");
        assert!(rung(&both), "it rang before it was waited for");
        assert!(!rung(&both), "twice is once");
        assert!(!rung(&one), "that was another's name");
        bells.ring("/a/2");
        assert!(rung(&both) && rung(&one));
        bells.ring_below("/a/");
        assert!(rung(&both) && rung(&one));
        drop(both);
        assert_eq!(bells.lock().keys().collect::<Vec<_>>(), ["/a/2"]);
        drop(one);
        assert!(bells.lock().is_empty());
    }
}
