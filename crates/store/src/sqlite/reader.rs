//! Reading the tables: a snapshot, and history that is no longer in memory.
//!
//! It never writes. The surprise: each read runs in one SQLite transaction, so that position and rows agree while the
//! writer goes on.

use super::connection::{Medium, failure};
use crate::backend::{Entry, Snapshot};
use crate::error::{Cause, Failure, OpenError, WatchError};
use crate::key::{Key, Prefix};
use crate::value::{Revision, Value};
use crate::watch::{Batch, Change};
use rusqlite::{Connection, Row};
use std::path::Path;
use std::sync::Arc;

pub(super) struct Reader {
    connection: Connection,
}

/// About as many bytes as one read of history returns; one transaction may exceed it.
const PAGE_BYTES: usize = 4 << 20;

impl Reader {
    pub fn open(path: &Path, medium: &Medium) -> Result<Reader, OpenError> {
        // Read-only in effect; the wal-index wants a writable handle.
        let connection = medium.connect(path)?;
        connection.pragma_update(None, "query_only", true).map_err(failure)?;
        Ok(Reader { connection })
    }

    pub fn snapshot(&mut self, prefix: &Prefix) -> Result<Snapshot, Failure> {
        let transaction = self.connection.transaction().map_err(failure)?;
        let (revision, _) = super::writer::position(&transaction)?;
        let mut statement = transaction
            .prepare_cached("SELECT key, revision, value FROM state WHERE key >= ?1 AND key < ?2 ORDER BY key")
            .map_err(failure)?;
        let mut rows = statement.query((prefix.as_str(), prefix.end())).map_err(failure)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(failure)? {
            let value = Value::kept(text(row, 2)?);
            entries.push((key(row, 0)?, Entry { value, revision: revision_at(row, 1)? }));
        }
        Ok(Snapshot { revision, entries })
    }

    /// Whole batches after `after`.
    pub fn history(&mut self, after: Revision, limit: usize) -> Result<Vec<Arc<Batch>>, WatchError> {
        let transaction = self.connection.transaction().map_err(failure)?;
        let (_, compacted) = super::writer::position(&transaction)?;
        if after < compacted {
            return Err(WatchError::Compacted { oldest: compacted });
        }
        let mut statement = transaction
            .prepare_cached("SELECT revision, key, value FROM log WHERE id >= ?1 ORDER BY id")
            .map_err(failure)?;
        let mut rows = statement.query([super::first_id(after.next())]).map_err(failure)?;
        let mut batches: Vec<Batch> = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next().map_err(failure)? {
            let revision = revision_at(row, 0)?;
            let value = row.get_ref(2).map_err(failure)?.as_str_or_null().map_err(wrong)?.map(Value::kept);
            let change = Change { key: key(row, 1)?, value };
            if let Some(open) = batches.last_mut().filter(|batch| batch.revision == revision) {
                open.changes.push(change);
                continue;
            }
            bytes += batches.last().map_or(0, Batch::bytes);
            if batches.len() == limit || bytes > PAGE_BYTES {
                break;
            }
            batches.push(Batch { revision, changes: vec![change] });
        }
        Ok(batches.into_iter().map(Arc::new).collect())
    }
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, Failure> {
    row.get_ref(column).map_err(failure)?.as_str().map_err(wrong)
}

fn key(row: &Row<'_>, column: usize) -> Result<Key, Failure> {
    Key::parse(text(row, column)?).map_err(|error| Failure::Damaged { source: Arc::new(error) })
}

fn revision_at(row: &Row<'_>, column: usize) -> Result<Revision, Failure> {
    Ok(Revision(row.get::<_, i64>(column).map_err(failure)?.cast_unsigned()))
}

fn wrong(error: rusqlite::types::FromSqlError) -> Failure {
    let source: Cause = Arc::new(error);
    Failure::Damaged { source }
}
