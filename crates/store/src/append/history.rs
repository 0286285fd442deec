//! Past statuses: for each entity the last few, newest first.
//!
//! It does not know what a status is: the body is JSON of the caller's. The surprise: the bound is given at each append, so
//! it can be changed by configuration at any time.

use super::{Append, Micros};
use crate::error::Failure;
use crate::key::{Key, Prefix};
use crate::value::Value;
use rusqlite::params;

#[derive(Clone)]
pub struct History {
    append: Append,
}

/// One past status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Orders the statuses of an entity, and names the place to read on from.
    pub id: i64,
    pub at: Micros,
    pub body: Value,
}

impl History {
    pub(super) fn new(append: Append) -> History {
        History { append }
    }

    /// Adds a status; the oldest beyond the last `keep` go.
    pub async fn append(&self, entity: &Key, at: Micros, body: Value, keep: usize) -> Result<(), Failure> {
        let entity = entity.clone();
        let job = move |connection: &rusqlite::Connection| {
            connection
                .prepare_cached("INSERT INTO status (entity, at, body) VALUES (?1, ?2, ?3)")?
                .execute(params![entity.as_str(), at, body.as_str()])?;
            let excess = "DELETE FROM status WHERE entity = ?1 AND id <=
                (SELECT id FROM status WHERE entity = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
            connection.prepare_cached(excess)?.execute(params![entity.as_str(), number(keep)])?;
            Ok(())
        };
        self.append.engine().run(job).await
    }

    /// Up to `limit` statuses, newest first; with `before`, those older than that id.
    pub async fn newest(&self, entity: &Key, limit: usize, before: Option<i64>) -> Result<Vec<Past>, Failure> {
        let entity = entity.clone();
        let job = move |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, at, body FROM status WHERE entity = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
            )?;
            let place = params![entity.as_str(), before.unwrap_or(i64::MAX), number(limit)];
            let rows = statement.query_map(place, |row| {
                Ok(Past { id: row.get(0)?, at: row.get(1)?, body: Value::kept(row.get_ref(2)?.as_str()?) })
            })?;
            rows.collect()
        };
        self.append.engine().run(job).await
    }

    /// Forgets what is older than `before`.
    pub async fn prune(&self, before: Micros) -> Result<usize, Failure> {
        let job =
            move |connection: &rusqlite::Connection| connection.execute("DELETE FROM status WHERE at < ?1", [before]);
        self.append.engine().run(job).await
    }

    /// Forgets all entities of a prefix.
    pub async fn delete(&self, prefix: &Prefix) -> Result<usize, Failure> {
        let prefix = prefix.clone();
        let job = move |connection: &rusqlite::Connection| {
            let range = params![prefix.as_str(), prefix.end()];
            connection.execute("DELETE FROM status WHERE entity >= ?1 AND entity < ?2", range)
        };
        self.append.engine().run(job).await
    }
}

fn number(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
