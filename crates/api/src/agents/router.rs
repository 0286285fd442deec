//! Who is connected, and whom a change of the state concerns.
//! It holds no socket. The surprise: what is rung is a set of flags. However many changes come while an agent is busy, it gets one document, of
//! the newest state.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::{MachineId, ModelUuid, TaskId};
use model::State;
use model::beliefs::Beliefs;
use model::key::{InModel, Name};
use rpc::tls::{AgentIdentity, CaMark};
use store::{Batch, Lost};
use tokio::sync::Notify;

/// Parts of a document that changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct News(u8);

impl News {
    pub(super) const TASKS: News = News(1);
    pub(super) const LIFE: News = News(2);
    pub(super) const KEYS: News = News(4);
    pub(super) const ADDRESSES: News = News(8);
    pub(super) const VERSION: News = News(16);
    pub(super) const SETTINGS: News = News(32);
    /// All of the above.
    pub(super) const ALL: News = News(63);
    /// No news: the stream is to end.
    const CLOSE: News = News(64);

    pub(super) fn has(self, other: News) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn is_close(self) -> bool {
        self.has(News::CLOSE)
    }
}

/// The router's end of one agent's stream.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Who signed the agent's certificate.
    issuer: Option<CaMark>,
    news: Mutex<News>,
    bell: Notify,
}

impl Line {
    fn ring(&self, news: News) {
        lock(&self.news).0 |= news.0;
        self.bell.notify_one();
    }

    /// Waits for news and takes them.
    pub(super) async fn next(&self) -> News {
        loop {
            let news = std::mem::take(&mut *lock(&self.news));
            if news != News::default() {
                return news;
            }
            self.bell.notified().await;
        }
    }
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Router(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    lines: HashMap<ModelUuid, HashMap<MachineId, Arc<Line>>>,
    /// Tasks without an outcome, by machine; whether its agent is connected or not.
    open: HashMap<ModelUuid, HashMap<MachineId, BTreeSet<TaskId>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is under these locks is changed in single steps.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Router {
    pub(super) fn new(state: &State) -> Router {
        let router = Router::default();
        router.reload(&state.read());
        router
    }

    /// An agent connected. A stream that it had before ends: agents that lost one open another before we notice.
    pub(super) fn join(&self, who: &AgentIdentity, issuer: Option<CaMark>) -> Arc<Line> {
        let line = Arc::new(Line { issuer, ..Line::default() });
        let mut shared = lock(&self.0);
        let before = shared.lines.entry(who.model).or_default().insert(who.machine.clone(), line.clone());
        if let Some(before) = before {
            before.ring(News::CLOSE);
        }
        line
    }

    /// The stream of this line ended.
    pub(super) fn leave(&self, who: &AgentIdentity, line: &Arc<Line>) {
        let mut shared = lock(&self.0);
        let Some(lines) = shared.lines.get_mut(&who.model) else { return };
        if lines.get(&who.machine).is_some_and(|present| Arc::ptr_eq(present, line)) {
            lines.remove(&who.machine);
        }
        if lines.is_empty() {
            shared.lines.remove(&who.model);
        }
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.0).lines.values().map(HashMap::len).sum()
    }

    /// Whether an agent that is connected has a certificate of this CA; nothing when it is not connected.
    pub(super) fn is_of(&self, who: &AgentIdentity, ca: CaMark) -> Option<bool> {
        let shared = lock(&self.0);
        let line = shared.lines.get(&who.model)?.get(&who.machine)?;
        Some(line.issuer == Some(ca))
    }

    /// Ends the streams of those whose certificate is of another CA.
    pub(super) fn close_others(&self, ca: CaMark) {
        lock(&self.0).each(|line| {
            if line.issuer != Some(ca) {
                line.ring(News::CLOSE);
            }
        });
    }

    pub(super) fn close_all(&self) {
        lock(&self.0).each(|line| line.ring(News::CLOSE));
    }

    /// The tasks of a machine that have no outcome; a little late at times, never for long.
    pub(super) fn open_tasks(&self, who: &AgentIdentity) -> Vec<TaskId> {
        let shared = lock(&self.0);
        let tasks = shared.open.get(&who.model).and_then(|machines| machines.get(&who.machine));
        tasks.map(|tasks| tasks.iter().copied().collect()).unwrap_or_default()
    }

    /// Starts again from a state: everybody gets a whole document.
    fn reload(&self, beliefs: &Beliefs) {
        let mut shared = lock(&self.0);
        shared.open.clear();
        for (model, within) in &beliefs.models {
            for task in within.tasks.values().filter(|task| !task.status.is_final()) {
                shared.open.entry(*model).or_default().entry(task.machine.clone()).or_default().insert(task.id);
            }
        }
        shared.each(|line| line.ring(News::ALL));
    }

    fn take(&self, batch: &Batch, beliefs: &Beliefs) {
        let mut shared = lock(&self.0);
        for change in &batch.changes {
            match Name::of(&change.key) {
                Some(Name::Controller) => shared.each(|line| line.ring(News::ADDRESSES)),
                Some(Name::Model(model)) => shared.each_in(model, |line| line.ring(News::VERSION)),
                Some(Name::In(model, InModel::Settings)) => shared.each_in(model, |line| line.ring(News::SETTINGS)),
                Some(Name::In(model, InModel::Keys)) => shared.each_in(model, |line| line.ring(News::KEYS)),
                Some(Name::In(model, InModel::Machine(id) | InModel::Enrolment(id))) => {
                    shared.ring(model, &id, News::LIFE)
                }
                Some(Name::In(model, InModel::Task(id))) => shared.task(model, id, beliefs),
                _ => {}
            }
        }
    }
}

impl Shared {
    fn each(&self, ring: impl Fn(&Line)) {
        self.lines.values().flat_map(HashMap::values).for_each(|line| ring(line));
    }

    fn each_in(&self, model: ModelUuid, ring: impl Fn(&Line)) {
        self.lines.get(&model).into_iter().flat_map(HashMap::values).for_each(|line| ring(line));
    }

    fn ring(&self, model: ModelUuid, machine: &MachineId, news: News) {
        if let Some(line) = self.lines.get(&model).and_then(|lines| lines.get(machine)) {
            line.ring(news);
        }
    }

    /// A task was made, changed or forgotten.
    fn task(&mut self, model: ModelUuid, id: TaskId, beliefs: &Beliefs) {
        let task = beliefs.models.get(&model).and_then(|within| within.tasks.get(&id));
        match task {
            Some(task) if !task.status.is_final() => {
                self.open.entry(model).or_default().entry(task.machine.clone()).or_default().insert(id);
                self.ring(model, &task.machine, News::TASKS);
            }
            Some(task) => {
                let machine = task.machine.clone();
                self.close_task(model, &machine, id);
                // One that was cancelled before it began must not begin.
                self.ring(model, &machine, News::TASKS);
            }
            // Whose it was is not known any more; only finished ones are forgotten, and models as a whole.
            None => {
                if let Some(machines) = self.open.get_mut(&model) {
                    machines.retain(|_, tasks| {
                        tasks.remove(&id);
                        !tasks.is_empty()
                    });
                }
            }
        }
    }

    fn close_task(&mut self, model: ModelUuid, machine: &MachineId, id: TaskId) {
        let Some(machines) = self.open.get_mut(&model) else { return };
        let Some(tasks) = machines.get_mut(machine) else { return };
        tasks.remove(&id);
        if tasks.is_empty() {
            machines.remove(machine);
        }
        if machines.is_empty() {
            self.open.remove(&model);
        }
    }
}

/// Reads every change of the state and rings whom it concerns, until the state ends.
pub(super) async fn follow(router: Router, state: State) {
    let (read, mut feed) = state.follow();
    router.reload(&read);
    loop {
        match feed.next().await {
            Ok(step) => step.batches.iter().for_each(|batch| router.take(batch, step.state.projection())),
            Err(Lost::Behind) => router.reload(feed.resync().projection()),
            Err(Lost::Stopped(_)) => return,
        }
    }
}
