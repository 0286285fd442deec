//! The machine's tasks: taken from documents, run, their output and ends kept until the controller has them.
//! It must not know of connections: a `Cursor` says what one of them has sent. The surprise: nothing is queued for sending;
//! what is to be said is found by comparing what is known with what was said.
//!
//! ```text
//!              lock got, journalled           process ended, stopped by order or deadline
//!   (order) -> Queued ------------> Running ---------------------------------> Done -> (acknowledged, forgotten)
//!                |  cancelled, or its time was over before it began               ^
//!                +----------------------------------------------------------------+
//!                |  gone from the document                     the agent was killed meanwhile: Interrupted
//!                +-> (forgotten)
//! ```

mod cursor;
pub mod journal;
mod run;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host::exec::signal_group;
use rustix::process::Signal;
use tokio::sync::{Notify, Semaphore, watch};
use wire::agent::{MAX_OUTPUT, Outcome, Stream, TaskDone, TaskOrder};

pub use cursor::Cursor;
use journal::{Journal, Kept};

use crate::Config;

/// As many run at once; the others wait.
const AT_ONCE: usize = 100;
/// An order may come again after its task was acknowledged (a document that was on its way): so many are remembered.
const REMEMBERED: usize = 1000;

pub struct Tasks {
    directory: PathBuf,
    /// Where scripts are; those who run them must be able to get there.
    scripts: PathBuf,
    /// Who runs commands where an order does not say.
    user: String,
    surroundings: Mutex<Vec<(String, String)>>,
    state: Mutex<State>,
    /// Rung when there is something new to say.
    changed: Notify,
    slots: Arc<Semaphore>,
}

struct State {
    journal: Journal,
    entries: BTreeMap<u64, Entry>,
    next: u64,
    acknowledged: VecDeque<String>,
    /// Held by tasks that do not run beside each other, by execution group; `""` is the machine's.
    locks: HashMap<String, Arc<tokio::sync::Mutex<()>>>,
}

struct Entry {
    id: String,
    phase: Phase,
    /// Kept bytes of stdout and stderr, and what was thrown away.
    kept: [u64; 2],
    dropped: u64,
    /// The disk took no more of it: what is kept is how it began.
    is_cut: [bool; 2],
    started: u64,
    /// Its group's leader, and when that started.
    process: Option<(u32, u64)>,
    stop: watch::Sender<Asked>,
}

enum Phase {
    Queued,
    Running,
    Done(TaskDone),
}

/// What was asked of a task since it was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Cancel,
    /// It is not to begin, and nobody wants to hear of it.
    Forget,
}

fn place(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

impl Tasks {
    /// Reads the journal. What had begun and has no end gets one: its processes are ended, its outcome is "interrupted".
    pub fn open(directory: PathBuf, config: &Config, now: u64) -> io::Result<Arc<Self>> {
        std::fs::create_dir_all(&directory)?;
        let scripts = config.data_dir.join("exec");
        let _ = std::fs::remove_dir_all(&scripts);
        let (mut journal, kept) = Journal::open(directory.join("journal"))?;
        let boot = host::facts::boot_id();
        let mut entries = BTreeMap::new();
        let mut next = 0;
        for task in kept.tasks {
            let lengths = [Stream::Stdout, Stream::Stderr].map(|s| output_length(&directory, &task.id, s));
            let done = match task.done {
                Some(done) => done,
                None => {
                    end_leftover(&task, &boot);
                    let done = TaskDone {
                        id: task.id.clone(),
                        outcome: Outcome::Interrupted,
                        started: task.started,
                        completed: now,
                        stdout_len: lengths[0],
                        stderr_len: lengths[1],
                        dropped: 0,
                    };
                    journal.done(&done)?;
                    done
                }
            };
            let (stop, _) = watch::channel(Asked::Nothing);
            let kept = [done.stdout_len, done.stderr_len];
            entries.insert(
                next,
                Entry {
                    id: task.id,
                    started: done.started,
                    dropped: done.dropped,
                    phase: Phase::Done(done),
                    kept,
                    is_cut: [false; 2],
                    process: None,
                    stop,
                },
            );
            next += 1;
        }
        let state = State { journal, entries, next, acknowledged: kept.acknowledged, locks: HashMap::new() };
        Ok(Arc::new(Self {
            directory,
            scripts,
            user: config.login_user.clone(),
            surroundings: Mutex::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }))
    }

    /// What commands find in their environment, from now on.
    pub fn surround(&self, with: Vec<(String, String)>) {
        *self.surroundings.lock().unwrap_or_else(PoisonError::into_inner) = with;
    }

    fn surroundings(&self) -> Vec<(String, String)> {
        self.surroundings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when there may be something new to say.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Ids of what runs and of what ended, for a greeting.
    pub fn summary(&self) -> (Vec<String>, Vec<String>) {
        let state = self.state();
        let (done, open): (Vec<&Entry>, Vec<&Entry>) =
            state.entries.values().partition(|e| matches!(e.phase, Phase::Done(_)));
        let ids = |entries: Vec<&Entry>| entries.into_iter().map(|e| e.id.clone()).collect();
        (ids(open), ids(done))
    }

    /// Takes a document's tasks: begins what is new, cancels what should end, forgets what is no more before it begins.
    pub fn order(self: &Arc<Self>, orders: Vec<TaskOrder>) {
        let mut begin = Vec::new();
        {
            let mut state = self.state();
            for entry in state.entries.values() {
                if matches!(entry.phase, Phase::Queued) && !orders.iter().any(|o| o.id == entry.id) {
                    entry.stop.send_replace(Asked::Forget);
                }
            }
            state.entries.retain(|_, e| !(matches!(e.phase, Phase::Queued) && *e.stop.borrow() == Asked::Forget));
            for order in orders {
                if let Some(entry) = state.entries.values().find(|e| e.id == order.id) {
                    if order.cancel {
                        entry.stop.send_replace(Asked::Cancel);
                    }
                    continue;
                }
                if state.acknowledged.contains(&order.id) {
                    continue;
                }
                let asked = if order.cancel { Asked::Cancel } else { Asked::Nothing };
                let (stop, stopped) = watch::channel(asked);
                let number = state.next;
                state.next += 1;
                let entry = Entry {
                    id: order.id.clone(),
                    phase: Phase::Queued,
                    kept: [0; 2],
                    is_cut: [false; 2],
                    dropped: 0,
                    started: 0,
                    process: None,
                    stop,
                };
                state.entries.insert(number, entry);
                begin.push((number, order, stopped));
            }
        }
        for (number, order, stopped) in begin {
            tokio::spawn(run::run(Arc::clone(self), number, order, stopped));
        }
    }

    /// Ends a task that runs or waits.
    pub fn cancel(&self, id: &str) {
        if let Some(entry) = self.state().entries.values().find(|e| e.id == id) {
            entry.stop.send_replace(Asked::Cancel);
        }
    }

    /// The controller has it all.
    pub fn acknowledge(&self, id: &str) {
        let mut state = self.state();
        let found = state
            .entries
            .iter()
            .find(|(_, e)| e.id == id && matches!(e.phase, Phase::Done(_)))
            .map(|(number, _)| *number);
        let Some(number) = found else { return };
        state.entries.remove(&number);
        state.acknowledged.push_back(id.to_owned());
        if state.acknowledged.len() > REMEMBERED {
            state.acknowledged.pop_front();
        }
        if let Err(error) = state.journal.acknowledged(id) {
            tracing::warn!(%error, "journal cannot be written: the task will be reported again");
        }
        if state.journal.is_long() {
            let rest = state.entries.values().filter_map(Entry::kept).collect();
            let kept = journal::Contents { tasks: rest, acknowledged: state.acknowledged.clone() };
            if let Err(error) = state.journal.rewrite(&kept) {
                tracing::warn!(%error, "journal cannot be made shorter");
            }
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            let _ = std::fs::remove_file(output_file(&self.directory, id, stream));
        }
    }

    fn lock_for(&self, order: &TaskOrder) -> Option<Arc<tokio::sync::Mutex<()>>> {
        if order.parallel && order.execution_group.is_empty() {
            return None;
        }
        Some(Arc::clone(self.state().locks.entry(order.execution_group.clone()).or_default()))
    }

    /// The journal says that it begins before it does. False: it is not to begin.
    fn begin(&self, number: u64, now: u64) -> io::Result<bool> {
        let mut state = self.state();
        let State { journal, entries, .. } = &mut *state;
        let Some(entry) = entries.get_mut(&number) else { return Ok(false) };
        journal.started(&entry.id, now)?;
        entry.phase = Phase::Running;
        entry.started = now;
        tracing::debug!(task = entry.id, "task begins");
        drop(state);
        self.changed.notify_one();
        Ok(true)
    }

    fn runs_as(&self, number: u64, pid: u32) {
        let mut state = self.state();
        let State { journal, entries, .. } = &mut *state;
        if let (Some(entry), Some(ticks)) = (entries.get_mut(&number), host::facts::start_time(pid)) {
            entry.process = Some((pid, ticks));
            let _ = journal.process(&entry.id, pid, ticks);
        }
    }

    /// How much of `wanted` more bytes of a stream are to be kept; the rest is counted as dropped.
    fn room(&self, number: u64, stream: Stream, wanted: usize) -> usize {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(&number) else { return 0 };
        let room = match entry.is_cut[place(stream)] {
            true => 0,
            false => MAX_OUTPUT.saturating_sub(entry.kept[place(stream)]),
        };
        let kept = wanted.min(usize::try_from(room).unwrap_or(usize::MAX));
        entry.dropped += (wanted - kept) as u64;
        kept
    }

    fn grew(&self, number: u64, stream: Stream, by: usize) {
        if let Some(entry) = self.state().entries.get_mut(&number) {
            entry.kept[place(stream)] += by as u64;
        }
        self.changed.notify_one();
    }

    /// The disk did not take so many bytes: they are dropped, and so is what follows. Answers how many it has of the stream.
    fn lost(&self, number: u64, stream: Stream, bytes: usize) -> u64 {
        let mut state = self.state();
        let Some(entry) = state.entries.get_mut(&number) else { return 0 };
        entry.dropped += bytes as u64;
        entry.is_cut[place(stream)] = true;
        entry.kept[place(stream)]
    }

    fn end(&self, number: u64, outcome: Outcome, now: u64) {
        let mut state = self.state();
        let State { journal, entries, .. } = &mut *state;
        let Some(entry) = entries.get_mut(&number) else { return };
        tracing::debug!(task = entry.id, ?outcome, "task is over");
        let done = TaskDone {
            id: entry.id.clone(),
            outcome,
            started: entry.started,
            completed: now,
            stdout_len: entry.kept[0],
            stderr_len: entry.kept[1],
            dropped: entry.dropped,
        };
        if let Err(error) = journal.done(&done) {
            tracing::warn!(%error, task = entry.id, "journal cannot be written: after a restart the task counts as interrupted");
        }
        entry.phase = Phase::Done(done);
        drop(state);
        self.changed.notify_one();
    }
}

impl Entry {
    fn kept(&self) -> Option<Kept> {
        let done = match &self.phase {
            Phase::Queued => return None,
            Phase::Running => None,
            Phase::Done(done) => Some(done.clone()),
        };
        Some(Kept {
            id: self.id.clone(),
            started: self.started,
            boot: host::facts::boot_id(),
            process: self.process,
            done,
        })
    }
}

/// A command outlives the agent that ran it; its task is over, so it must be, too.
fn end_leftover(task: &Kept, boot: &str) {
    let Some((pid, ticks)) = task.process else { return };
    if task.boot != boot || host::facts::start_time(pid) != Some(ticks) {
        return;
    }
    tracing::warn!(task = task.id, pid, "ending what an interrupted task left running");
    signal_group(pid, Signal::TERM);
    signal_group(pid, Signal::KILL);
}

fn output_file(directory: &Path, id: &str, stream: Stream) -> PathBuf {
    let end = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    // An id is a number; whatever else a controller may say stays inside the directory.
    let safe: String = id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    directory.join(format!("{safe}.{end}"))
}

fn output_length(directory: &Path, id: &str, stream: Stream) -> u64 {
    std::fs::metadata(output_file(directory, id, stream)).map_or(0, |m| m.len().min(MAX_OUTPUT))
}
