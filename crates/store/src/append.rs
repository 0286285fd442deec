//! What only grows, outside the watched state: log lines, output of tasks, history of statuses.
//!
//! It knows no record of the model; times come from the caller, in microseconds since 1970. The surprise: this file is not
//! flushed to the disk at each write (`synchronous=NORMAL`): what a process wrote survives its death, but the last
//! moments before a power failure may be lost, which the state never is.

mod bells;
mod blobs;
mod engine;
mod history;
mod logs;
#[cfg(test)]
mod tests;

pub use bells::Bell;
pub use blobs::{Blob, Blobs, Part};
pub use history::{History, Past};
pub use logs::{Level, Line, LogBounds, LogTail, Logged, Logs};

use crate::directory::Directory;
use crate::error::OpenError;
use crate::sqlite::{Medium, memory, open};
use bells::Bells;
use engine::Engine;
use std::sync::Arc;

pub(crate) const FILE: &str = "append.sqlite";
const APPLICATION: i32 = 0x6772_6961;
const VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE line (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    model    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    entity   TEXT NOT NULL,
    level    INTEGER NOT NULL,
    module   TEXT NOT NULL,
    location TEXT NOT NULL,
    message  TEXT NOT NULL,
    labels   TEXT NOT NULL,
    bytes    INTEGER NOT NULL
);
CREATE INDEX line_model ON line (model, id);
CREATE TABLE line_sum (model TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE blob (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL UNIQUE,
    size      INTEGER NOT NULL,
    received  INTEGER NOT NULL,
    finished  INTEGER NOT NULL,
    changed   INTEGER NOT NULL
);
CREATE INDEX blob_changed ON blob (changed);
CREATE TABLE chunk (
    blob   INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (blob, start)
);

CREATE TABLE status (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    entity TEXT NOT NULL,
    at     INTEGER NOT NULL,
    body   TEXT NOT NULL
);
CREATE INDEX status_entity ON status (entity, id);
";

/// Microseconds since 1970, UTC.
pub type Micros = i64;

/// A handle on all append stores; cheap to clone. The file closes with the last handle.
#[derive(Clone)]
pub struct Append {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    bells: Arc<Bells>,
}

impl Append {
    /// Opens or makes the file in a data directory; blocks on the disk.
    pub fn open(directory: Arc<Directory>) -> Result<Append, OpenError> {
        Append::open_on(&Medium::APPEND, directory)
    }

    pub(crate) fn open_on(medium: &Medium, directory: Arc<Directory>) -> Result<Append, OpenError> {
        let path = directory.file(FILE)?;
        let connection = open(&path, APPLICATION, VERSION, SCHEMA, medium)?;
        let engine = Engine::start(connection, Some(directory))?;
        Ok(Append { shared: Arc::new(Shared { engine, bells: Arc::default() }) })
    }

    /// The same without a file, for tests.
    pub fn memory() -> Result<Append, OpenError> {
        let engine = Engine::start(memory(APPLICATION, VERSION, SCHEMA)?, None)?;
        Ok(Append { shared: Arc::new(Shared { engine, bells: Arc::default() }) })
    }

    /// Log lines of models.
    pub fn logs(&self) -> Logs {
        Logs::new(self.clone())
    }

    /// Streams of bytes: output of tasks.
    pub fn blobs(&self) -> Blobs {
        Blobs::new(self.clone())
    }

    /// Past statuses of entities.
    pub fn history(&self) -> History {
        History::new(self.clone())
    }

    fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    fn bells(&self) -> &Arc<Bells> {
        &self.shared.bells
    }
}
