//! The handle on everything: read the beliefs, change them, follow them. It decides nothing itself.
//! The surprise: `change` returns only when this controller's own view shows the change, so whoever asks next sees it.

use crate::alarms::Alarms;
use crate::beliefs::Beliefs;
use crate::change::{Decision, Given};
use crate::presence::Presence;
use base::chance::Chance;
use base::clock::{Clock, Time};
use base::{Kind, Refusal};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use store::{CommitError, Failure, Feed, Limits, Revision, Store, View};

/// Cheap to clone.
#[derive(Clone)]
pub struct State {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    view: View<Beliefs>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    presence: Presence,
    alarms: Alarms,
    /// Those who lost a race once line up here, so that many who want the same counter do not keep on colliding.
    line: tokio::sync::Mutex<()>,
}

/// The beliefs as of one revision.
#[derive(Clone)]
pub struct Read(Arc<store::State<Beliefs>>);

impl Read {
    pub fn revision(&self) -> Revision {
        self.0.revision()
    }

    pub fn of(state: Arc<store::State<Beliefs>>) -> Read {
        Read(state)
    }
}

impl Deref for Read {
    type Target = Beliefs;
    fn deref(&self) -> &Beliefs {
        self.0.projection()
    }
}

/// How often a change is decided anew before its user is told to try again.
const TRIES: u32 = 200;
/// How long a view may take to show what the store has.
const PATIENCE: Duration = Duration::from_secs(10);

impl State {
    pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<State, Failure> {
        State::open_with(store, clock, chance, Limits::default()).await
    }

    /// `limits`: how much history is kept for watchers that read slowly.
    pub async fn open_with(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        limits: Limits,
    ) -> Result<State, Failure> {
        let view = View::start_with(store.clone(), limits).await?;
        let presence = Presence::new();
        let line = tokio::sync::Mutex::new(());
        Ok(State { inner: Arc::new(Inner { store, view, clock, chance, presence, alarms: Alarms::default(), line }) })
    }

    /// The present beliefs.
    pub fn read(&self) -> Read {
        Read(self.inner.view.state())
    }

    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub fn chance(&self) -> &Arc<dyn Chance> {
        &self.inner.chance
    }

    pub fn presence(&self) -> &Presence {
        &self.inner.presence
    }

    pub fn alarms(&self) -> &Alarms {
        &self.inner.alarms
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    pub fn view(&self) -> &View<Beliefs> {
        &self.inner.view
    }

    /// The present beliefs, and every batch after them.
    pub fn follow(&self) -> (Read, Feed<Beliefs>) {
        let (state, feed) = self.inner.view.follow();
        (Read(state), feed)
    }

    /// Decides, commits, and waits until the own view shows it. When somebody else was first, decides again on what they left.
    pub async fn change<T>(
        &self,
        mut decide: impl FnMut(&Beliefs, Given<'_>) -> Result<Decision<T>, Refusal>,
    ) -> Result<T, Refusal> {
        let mut turn = None;
        for _ in 0..TRIES {
            let read = self.read();
            let given = Given { now: self.now(), chance: &*self.inner.chance };
            let Decision { txn, answer } = decide(&read, given)?;
            if txn.is_empty() {
                return Ok(answer);
            }
            let failed = match self.inner.store.commit(txn).await {
                Ok(committed) => {
                    self.shown(committed.revision).await?;
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            // Of any other failure nobody knows whether it was written: deciding again might do it twice.
            let CommitError::Conflict { key } = &failed else { return Err(store_failed(&failed)) };
            if turn.is_none() {
                turn = Some(self.inner.line.lock().await);
            }
            // What won is in the store already: the view only has to catch up with it.
            let newer = self.inner.view.wait_for(read.revision().next());
            match tokio::time::timeout(PATIENCE, newer).await {
                Ok(Ok(_)) => {}
                Ok(Err(stopped)) => return Err(Refusal::internal("controller is stopping", stopped)),
                // Nothing is newer: the decision rests on a record that is there and cannot be read.
                Err(_) => {
                    return Err(Refusal::internal(
                        "controller could not store the change",
                        format!("{key} is in the way"),
                    ));
                }
            }
        }
        Err(Refusal::new(Kind::TryAgain, "too many others are changing the same, try again"))
    }

    async fn shown(&self, revision: Revision) -> Result<(), Refusal> {
        match tokio::time::timeout(PATIENCE, self.inner.view.wait_for(revision)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(stopped)) => Err(Refusal::internal("controller is stopping", stopped)),
            Err(_) => {
                Err(Refusal::internal("controller does not keep up with its store", format!("waited for {revision}")))
            }
        }
    }
}

fn store_failed(error: &CommitError) -> Refusal {
    let chain = base::chain(error);
    match error {
        CommitError::TooManyOperations { .. }
        | CommitError::TransactionTooLarge { .. }
        | CommitError::ValueTooLarge { .. } => Refusal::plain("request is too large").with_context(chain),
        CommitError::Failed(Failure::Full { .. }) => {
            Refusal::internal("controller could not store the change: no space left on its disk", chain)
        }
        CommitError::Failed(Failure::ReadOnly { .. }) => {
            Refusal::internal("controller could not store the change: its disk is read-only", chain)
        }
        _ => Refusal::internal("controller could not store the change", chain),
    }
}
