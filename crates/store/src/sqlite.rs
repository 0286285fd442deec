//! The store in SQLite: the embedded default.
//!
//! SQL stays in this module's files. One thread owns the writing connection and commits in groups; reads (the first
//! snapshot, and watches that are far behind) use a second connection. The surprise: revisions are positions in
//! one log table, and a value is stored once: `head` only points into the log, so an operator asks the view `state`:
//! `sqlite3 state.sqlite "select key, value from state where key like '/models/%'"`.

pub mod check;
mod connection;
mod reader;
mod recent;
#[cfg(test)]
mod tests;
mod weight;
mod writer;

pub(crate) use connection::{Medium, failure, memory, open, refined};

use crate::backend::{Boxed, Committed, Snapshot, Store};
use crate::directory::Directory;
use crate::error::{CommitError, Failure, OpenError, WatchError};
use crate::key::Prefix;
use crate::txn::Txn;
use crate::value::Revision;
use crate::watch::{Batch, Source, Watch};
use reader::Reader;
use recent::Recent;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::sync::{oneshot, watch};
use writer::{Job, Writer};

/// In the data directory.
pub const FILE: &str = "state.sqlite";
const APPLICATION: i32 = 0x6772_6967;
const VERSION: i64 = 1;

/// `log` is history and, where `head` points, the present. A row without value is a deletion; `replaced` is the row
/// that it made history. The id is `revision * 128 + n`, n counting the changes of a transaction, of which there are at
/// most 128: so the order of the log needs no index of its own.
const SCHEMA: &str = "
CREATE TABLE log (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL,
    value    TEXT,
    replaced INTEGER,
    revision INTEGER GENERATED ALWAYS AS (id >> 7) VIRTUAL
);
CREATE TABLE head (
    key      TEXT PRIMARY KEY,
    id       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE position (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    revision  INTEGER NOT NULL,
    compacted INTEGER NOT NULL
);
INSERT INTO position VALUES (1, 0, 0);
CREATE VIEW state AS
    SELECT head.key, log.revision, log.value FROM head JOIN log ON log.id = head.id;
";

/// The id of a revision's first row.
fn first_id(revision: Revision) -> i64 {
    (revision.0 << 7).cast_signed()
}

fn revision_of(id: i64) -> Revision {
    Revision(id.cast_unsigned() >> 7)
}

const _: () = assert!(crate::txn::MAX_OPERATIONS <= 1 << 7, "a transaction's rows would not fit its ids");

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// History is compacted by itself to about this many revisions.
    pub history: u64,
    /// And to about this many bytes of keys and values, the present ones among them counted once written.
    pub history_bytes: u64,
    /// Batches kept in memory, so that a watch that keeps up never reads the disk.
    pub recent: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { history: 100_000, history_bytes: 64 << 20, recent: 4096 }
    }
}

pub struct Sqlite {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<std::thread::JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// What the writer, readers and watches share.
struct Shared {
    head: watch::Sender<Revision>,
    recent: Mutex<Recent>,
    reader: Arc<Mutex<Reader>>,
}

impl Sqlite {
    /// Opens or makes the store in a data directory; blocks on the disk. The directory stays locked until the store is dropped.
    pub fn open(directory: Arc<Directory>, options: Options) -> Result<Sqlite, OpenError> {
        Sqlite::open_on(&Medium::STATE, directory, options)
    }

    pub(crate) fn open_on(medium: &Medium, directory: Arc<Directory>, options: Options) -> Result<Sqlite, OpenError> {
        let path = directory.file(FILE)?;
        let connection = open(&path, APPLICATION, VERSION, SCHEMA, medium)?;
        let reader = Reader::open(&path, medium)?;
        let (revision, compacted) = writer::position(&connection)?;
        let shared = Arc::new(Shared {
            head: watch::Sender::new(revision),
            recent: Mutex::new(Recent::new(revision, compacted, options.recent)),
            reader: Arc::new(Mutex::new(reader)),
        });
        let (jobs, queue) = mpsc::channel();
        let writer = Writer::new(connection, shared.clone(), options, revision, compacted)?;
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
            writer.run(&queue);
            drop(directory);
        });
        let writer = Some(thread.map_err(|source| OpenError::File { path, source })?);
        Ok(Sqlite { jobs: Some(jobs), writer, shared })
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(Failure::Closed)?;
        jobs.send(job(reply)).map_err(|_| Failure::Closed)?;
        answer.await.map_err(|_| Failure::Closed)
    }
}

impl Drop for Sqlite {
    /// Waits until what was sent is written and the directory is free for another.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Store for Sqlite {
    fn snapshot(&self, prefix: &Prefix) -> Boxed<'_, Result<Snapshot, Failure>> {
        let prefix = prefix.clone();
        Box::pin(async move { self.shared.blocking(move |reader| reader.snapshot(&prefix)).await? })
    }

    fn commit(&self, txn: Txn) -> Boxed<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            txn.check()?;
            self.ask(|reply| Job::Commit { txn, reply }).await?
        })
    }

    fn watch(&self, after: Revision) -> Boxed<'_, Result<Watch, WatchError>> {
        let head = self.shared.head.subscribe();
        let result = self.shared.recent().admit(after).map(|()| Watch::new(self.shared.clone(), head, after));
        Box::pin(async { result })
    }

    fn compact(&self, before: Revision) -> Boxed<'_, Result<(), Failure>> {
        Box::pin(async move { self.ask(|reply| Job::Compact { before, reply }).await? })
    }
}

impl Shared {
    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        // Every critical section leaves the ring whole, also when a panic ends it.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a read on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let reader = self.reader.clone();
        let run = move || read(&mut reader.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(run).await.map_err(|_| Failure::Closed)
    }
}

impl Source for Shared {
    fn read(&self, after: Revision, limit: usize) -> Boxed<'_, Result<Vec<Arc<Batch>>, WatchError>> {
        Box::pin(async move {
            let recent = self.recent().read(after, limit)?;
            match recent {
                Some(batches) => Ok(batches),
                None => self.blocking(move |reader| reader.history(after, limit)).await?,
            }
        })
    }
}
