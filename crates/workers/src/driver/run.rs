//! The loop itself.
//! The surprise: a pass that took long is followed by a pause four times as long, so that a thousand changes in a burst cost a few
//! passes and not a thousand.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::clock::Time;
use model::State;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::Instant;

use super::{Decision, Failure, ItemReport, Pace, Progress, Report, Worker};

/// Told once, it ends everything that listens.
#[derive(Clone)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Shutdown(watch::channel(false).0)
    }
}

impl Shutdown {
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Returns when the end has begun.
    pub async fn begun(&self) {
        // The sender is in `self`: waiting cannot fail before it is told.
        let _ = self.0.subscribe().wait_for(|ending| *ending).await;
    }
}

/// Says what a worker is at, also when its handle is gone.
pub type Reporter = Arc<dyn Fn() -> Report + Send + Sync>;

/// A worker that runs.
pub struct Handle {
    name: &'static str,
    wake: Arc<Notify>,
    report: Reporter,
    ended: JoinHandle<()>,
}

impl Handle {
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Has it look now; what waits after a failure is tried at once.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    pub fn report(&self) -> Report {
        (self.report)()
    }

    pub fn reporter(&self) -> Reporter {
        self.report.clone()
    }

    /// Waits for the end of the worker, after [`Shutdown::begin`].
    pub async fn ended(mut self) {
        // A worker that panicked was logged where it panicked.
        let _ = (&mut self.ended).await;
    }
}

/// A handle that is dropped ends its worker on the spot.
impl Drop for Handle {
    fn drop(&mut self) {
        self.ended.abort();
    }
}

/// Starts a worker. It ends when `shutdown` begins: acts are given a moment to end by themselves, then dropped, which is safe for all of
/// them (they may be done twice).
pub fn spawn<W: Worker>(worker: W, state: State, shutdown: Shutdown) -> Handle {
    let name = worker.name();
    let wake = Arc::new(Notify::new());
    let shared = Arc::new(Mutex::new(Memory::default()));
    let shown = shared.clone();
    let report: Reporter = Arc::new(move || lock(&shown).report(name));
    let run = Run { pace: worker.pace(), worker: Arc::new(worker), state, wake: wake.clone(), memory: shared };
    let ended = tokio::spawn(run.until(shutdown));
    Handle { name, wake, report, ended }
}

struct Run<W: Worker> {
    worker: Arc<W>,
    pace: Pace,
    state: State,
    wake: Arc<Notify>,
    memory: Arc<Mutex<Memory<W::Item>>>,
}

/// What is known of the things at hand.
struct Memory<I> {
    items: BTreeMap<I, Item>,
    passes: u64,
    done: u64,
    failed: u64,
}

impl<I> Default for Memory<I> {
    fn default() -> Self {
        Memory { items: BTreeMap::new(), passes: 0, done: 0, failed: 0 }
    }
}

struct Item {
    state: ItemState,
    failures: u32,
    /// How often it was done in a row and was due again all the same.
    repeats: u32,
    last_error: String,
}

enum ItemState {
    Running(Instant),
    Waiting(Instant),
    Queued,
}

fn lock<I>(memory: &Mutex<Memory<I>>) -> std::sync::MutexGuard<'_, Memory<I>> {
    // Every change under the lock is a single step: a panic leaves it whole.
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Worker> Run<W> {
    async fn until(self, shutdown: Shutdown) {
        let mut changes = self.state.view().changes();
        let mut acts: JoinSet<Result<(), Failure>> = JoinSet::new();
        let mut whose: HashMap<tokio::task::Id, (W::Item, AbortHandle)> = HashMap::new();
        let mut by_hand = false;
        loop {
            let began = std::time::Instant::now();
            let next = self.pass(&mut acts, &mut whose, by_hand);
            by_hand = false;
            let rest = (began.elapsed() * 4).min(Duration::from_millis(500));
            tokio::select! {
                biased;
                () = shutdown.begun() => break,
                () = self.wake.notified() => by_hand = true,
                Some(ended) = acts.join_next_with_id(), if !acts.is_empty() => {
                    self.ended(ended, &mut whose);
                    // Others that ended meanwhile share the pass.
                    while let Some(ended) = acts.try_join_next_with_id() {
                        self.ended(ended, &mut whose);
                    }
                }
                changed = changes.next() => {
                    if changed.is_err() {
                        break;
                    }
                }
                () = tokio::time::sleep_until(next) => {}
            }
            // What somebody asks for by hand waits for no rest either.
            if rest > Duration::from_millis(1) && !by_hand {
                tokio::select! {
                    () = shutdown.begun() => break,
                    () = tokio::time::sleep(rest) => {}
                }
            }
        }
        let _ = tokio::time::timeout(GRACE, async { while acts.join_next().await.is_some() {} }).await;
        acts.shutdown().await;
    }

    /// Asks for a decision and starts what it says; returns when to look again.
    fn pass(
        &self,
        acts: &mut JoinSet<Result<(), Failure>>,
        whose: &mut HashMap<tokio::task::Id, (W::Item, AbortHandle)>,
        by_hand: bool,
    ) -> Instant {
        let (beliefs, now, wall) = (self.state.read(), Instant::now(), self.state.now());
        let Decision { due, again } = self.worker.decide(&beliefs, wall);
        let mut next = now + self.pace.at_least_every;
        if let Some(again) = again {
            next = next.min(now + until(wall, again));
        }
        let mut memory = lock(&self.memory);
        memory.passes += 1;
        let wanted: std::collections::HashSet<&W::Item> = due.iter().collect();
        memory.items.retain(|item, it| matches!(it.state, ItemState::Running(_)) || wanted.contains(item));
        let mut running = whose.len();
        for item in due {
            let known = memory.items.entry(item.clone()).or_insert(Item {
                state: ItemState::Queued,
                failures: 0,
                repeats: 0,
                last_error: String::new(),
            });
            match known.state {
                ItemState::Running(_) => continue,
                ItemState::Waiting(until) if until > now && !by_hand => {
                    next = next.min(until);
                    continue;
                }
                _ if running >= self.pace.at_once => {
                    known.state = ItemState::Queued;
                    continue;
                }
                _ => {}
            }
            known.state = ItemState::Running(now);
            running += 1;
            let (worker, pace, shown) = (self.worker.clone(), self.pace, item.clone());
            let handle =
                acts.spawn(async move { attended(worker.act(shown.clone()), &pace, worker.name(), &shown).await });
            whose.insert(handle.id(), (item, handle));
        }
        next
    }

    fn ended(
        &self,
        ended: Result<(tokio::task::Id, Result<(), Failure>), tokio::task::JoinError>,
        whose: &mut HashMap<tokio::task::Id, (W::Item, AbortHandle)>,
    ) {
        let (id, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Err(Failure::new("it panicked"))),
        };
        let Some((item, _)) = whose.remove(&id) else { return };
        let mut memory = lock(&self.memory);
        match outcome {
            Ok(()) => {
                memory.done += 1;
                let Some(known) = memory.items.get_mut(&item) else { return };
                known.failures = 0;
                known.last_error.clear();
                known.repeats = known.repeats.saturating_add(1);
                // Forgotten at the next decision, if it is due no more. A worker that believes to be done and is not must not spin.
                known.state = match known.repeats {
                    0..REPEATS => ItemState::Queued,
                    more => ItemState::Waiting(
                        Instant::now() + self.pace.pause(more.saturating_sub(REPEATS).saturating_add(1)),
                    ),
                };
            }
            Err(failure) => {
                memory.failed += 1;
                let Some(known) = memory.items.get_mut(&item) else { return };
                known.failures = known.failures.saturating_add(1);
                let pause = failure.after.unwrap_or_else(|| self.pace.pause(known.failures));
                tracing::warn!(
                    worker = self.worker.name(),
                    %item,
                    failures = known.failures,
                    again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                    "{}",
                    failure.words
                );
                known.state = ItemState::Waiting(Instant::now() + pause);
                known.last_error = failure.words;
            }
        }
    }
}

/// What is done so often in a row and due again is slowed down.
const REPEATS: u32 = 40;

/// How long acts may take to end by themselves at a shutdown.
const GRACE: Duration = Duration::from_secs(2);

fn until(now: Time, then: Time) -> Duration {
    // A millisecond more, so that the clock has surely passed it when the timer fires.
    then.since(now) + Duration::from_millis(1)
}

async fn attended(
    act: impl Future<Output = Result<(), Failure>>,
    pace: &Pace,
    worker: &'static str,
    item: &impl std::fmt::Display,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut act = std::pin::pin!(act);
    if let Ok(done) = tokio::time::timeout(pace.slow_after, &mut act).await {
        return done;
    }
    tracing::warn!(worker, %item, "takes longer than {:?}", pace.slow_after);
    match tokio::time::timeout(pace.give_up_after.saturating_sub(pace.slow_after), &mut act).await {
        Ok(done) => {
            tracing::info!(worker, %item, "took {:?}", began.elapsed());
            done
        }
        Err(_) => Err(Failure::new(format!("gave up after {:?}", pace.give_up_after))),
    }
}

impl<I: std::fmt::Display> Memory<I> {
    fn report(&self, worker: &'static str) -> Report {
        let now = Instant::now();
        let items = self.items.iter().map(|(item, known)| ItemReport {
            item: item.to_string(),
            progress: match known.state {
                ItemState::Running(since) => Progress::Running { since: now - since },
                ItemState::Waiting(until) => Progress::Waiting { for_another: until.saturating_duration_since(now) },
                ItemState::Queued => Progress::Queued,
            },
            failures: known.failures,
            last_error: known.last_error.clone(),
        });
        Report { worker, passes: self.passes, done: self.done, failed: self.failed, items: items.collect() }
    }
}
