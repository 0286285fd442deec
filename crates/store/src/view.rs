//! The whole state in memory, fed by the watch: what every read is served from.
//!
//! A view knows no engine and decodes nothing itself: a [`Project`] keeps decoded records in step with the raw entries.
//! The surprise: a state is immutable and shared, so a reader may hold one for as long as it likes and holds up nobody;
//! holding it keeps only what has changed since from being freed.

mod feed;

pub use feed::{Changes, Feed, Lost, Step};

use crate::backend::{Entry, Store};
use crate::error::{Failure, Retry, WatchError};
use crate::key::{Key, Prefix};
use crate::value::Revision;
use crate::watch::{Batch, Watch};
use feed::Tail;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch::{Receiver, Sender};

/// Raw entries ordered by key, in a map whose copies share what is equal.
pub type Entries = imbl::OrdMap<Key, Entry>;

/// What is kept in step with the entries, for instance decoded records. `Clone` is called for every published state: keep
/// persistent maps or `Arc`s inside.
pub trait Project: Clone + Send + Sync + 'static {
    fn load(entries: &Entries) -> Self;

    /// Takes in one batch; `before` are the entries without it.
    fn apply(&mut self, batch: &Batch, before: &Entries);
}

impl Project for () {
    fn load(_: &Entries) {}

    fn apply(&mut self, _: &Batch, _: &Entries) {}
}

/// Everything, as of one revision.
#[derive(Debug, Clone)]
pub struct State<P = ()> {
    revision: Revision,
    entries: Entries,
    projection: P,
}

impl<P: Project> State<P> {
    /// A state of given entries, for tests of pure code that reads states.
    pub fn given(revision: Revision, entries: impl IntoIterator<Item = (Key, Entry)>) -> State<P> {
        let entries = entries.into_iter().collect();
        let projection = P::load(&entries);
        State { revision, entries, projection }
    }

    pub fn revision(&self) -> Revision {
        self.revision
    }

    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The entries of a prefix, ordered by key.
    pub fn range(&self, prefix: &Prefix) -> impl Iterator<Item = (&Key, &Entry)> {
        let (from, to) = (prefix.as_str().to_string(), prefix.end());
        self.entries.range::<_, str>((std::ops::Bound::Included(from.as_str()), std::ops::Bound::Excluded(to.as_str())))
    }

    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    pub fn projection(&self) -> &P {
        &self.projection
    }

    fn apply(&mut self, batch: &Batch) {
        self.projection.apply(batch, &self.entries);
        for change in &batch.changes {
            match &change.value {
                Some(value) => {
                    let entry = Entry { value: value.clone(), revision: batch.revision };
                    self.entries.insert(change.key.clone(), entry);
                }
                None => {
                    self.entries.remove(&change.key);
                }
            }
        }
        self.revision = batch.revision;
    }
}

/// How much history a view keeps for its feeds; a feed further behind must start from a state again.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub batches: usize,
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { batches: 8192, bytes: 8 << 20 }
    }
}

/// The view can follow the store no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the view of the store has stopped")]
pub struct Stopped;

/// A handle on the current state; cheap to clone. The view ends with its last handle.
pub struct View<P = ()> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    state: Receiver<Arc<State<P>>>,
    tail: Arc<Mutex<Tail>>,
    follower: tokio::task::AbortHandle,
}

impl<P> Clone for View<P> {
    fn clone(&self) -> View<P> {
        View { shared: self.shared.clone() }
    }
}

impl<P> Drop for Shared<P> {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl<P: Project> View<P> {
    /// Reads the whole store and follows it from there.
    pub async fn start(store: Arc<dyn Store>) -> Result<View<P>, Failure> {
        View::start_with(store, Limits::default()).await
    }

    pub async fn start_with(store: Arc<dyn Store>, limits: Limits) -> Result<View<P>, Failure> {
        let first = load(&*store).await?;
        let tail = Arc::new(Mutex::new(Tail::new(first.revision, limits)));
        let (publish, state) = tokio::sync::watch::channel(Arc::new(first));
        let follower = tokio::spawn(follow(store, publish, tail.clone())).abort_handle();
        Ok(View { shared: Arc::new(Shared { state, tail, follower }) })
    }

    pub fn state(&self) -> Arc<State<P>> {
        self.shared.state.borrow().clone()
    }

    pub fn revision(&self) -> Revision {
        self.shared.state.borrow().revision
    }

    /// Waits until the view shows `revision`. A reply to a write is sent after this.
    pub async fn wait_for(&self, revision: Revision) -> Result<Arc<State<P>>, Stopped> {
        let mut state = self.shared.state.clone();
        let reached = state.wait_for(|state| state.revision >= revision).await.map_err(|_| Stopped)?;
        Ok(reached.clone())
    }

    /// News that something changed, for reconcilers: several changes may come as one.
    pub fn changes(&self) -> Changes<P> {
        Changes::new(self.shared.state.clone())
    }

    /// A state, and every batch after it, for watchers.
    pub fn follow(&self) -> (Arc<State<P>>, Feed<P>) {
        let state = self.state();
        let feed = self.follow_from(state.revision);
        (state, feed)
    }

    /// Every batch after `after`.
    pub fn follow_from(&self, after: Revision) -> Feed<P> {
        Feed::new(self.shared.state.clone(), self.shared.tail.clone(), after)
    }
}

async fn load<P: Project>(store: &dyn Store) -> Result<State<P>, Failure> {
    let snapshot = store.snapshot(&Prefix::all()).await?;
    Ok(State::given(snapshot.revision, snapshot.entries))
}

/// Keeps the published state in step with the store, until the store is closed or nobody looks.
async fn follow<P: Project>(store: Arc<dyn Store>, publish: Sender<Arc<State<P>>>, tail: Arc<Mutex<Tail>>) {
    let mut pause = FIRST_PAUSE;
    let mut watch = None;
    loop {
        match step(&*store, &publish, &tail, &mut watch).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(failure) if failure.retry() == Retry::Never => {
                tracing::warn!(error = &failure as &dyn std::error::Error, "view of the store stops");
                return;
            }
            Err(failure) => {
                tracing::warn!(error = &failure as &dyn std::error::Error, "view of the store is behind, trying again");
                watch = None;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

async fn step<P: Project>(
    store: &dyn Store,
    publish: &Sender<Arc<State<P>>>,
    tail: &Mutex<Tail>,
    watch: &mut Option<Watch>,
) -> Result<(), Failure> {
    let current = publish.borrow().clone();
    let next = match watch {
        Some(watch) => watch.next().await,
        None => match store.watch(current.revision).await {
            Ok(opened) => watch.insert(opened).next().await,
            Err(error) => Err(error),
        },
    };
    let batches = match next {
        Ok(batches) => batches,
        Err(WatchError::Failed(failure)) => return Err(failure),
        Err(error @ (WatchError::Compacted { .. } | WatchError::Ahead { .. })) => {
            tracing::info!(error = &error as &dyn std::error::Error, "view of the store starts afresh");
            let fresh = load(store).await?;
            lock(tail).restart(fresh.revision);
            *watch = None;
            publish.send_replace(Arc::new(fresh));
            return Ok(());
        }
    };
    let mut state = State::clone(&current);
    // The tail first: a feed that sees the new state must find the batches that led to it.
    let mut tail = lock(tail);
    for batch in batches {
        state.apply(&batch);
        tail.push(batch);
    }
    drop(tail);
    publish.send_replace(Arc::new(state));
    Ok(())
}

fn lock(tail: &Mutex<Tail>) -> std::sync::MutexGuard<'_, Tail> {
    // Pushing and popping leave the tail whole, also when a panic ends them.
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}
