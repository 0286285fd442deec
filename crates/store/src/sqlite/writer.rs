//! The one thread that writes: many transactions in one durable SQLite transaction.
//!
//! It knows no reader beyond whom it tells of new batches. The surprise: guards are checked before a transaction's first
//! write, so a conflict needs no rollback and fails alone; an error of the disk fails its whole group.

use super::connection::{failure, refined};
use super::recent::Recent;
use super::weight::Weight;
use super::{Options, Shared, first_id, revision_of};
use crate::backend::Committed;
use crate::error::{CommitError, Failure};
use crate::key::Key;
use crate::txn::Txn;
use crate::value::{Revision, Value};
use crate::watch::{Batch, Change};
use rusqlite::{CachedStatement, Connection, OptionalExtension};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

pub(super) enum Job {
    Commit { txn: Txn, reply: oneshot::Sender<Result<Committed, CommitError>> },
    Compact { before: Revision, reply: oneshot::Sender<Result<(), Failure>> },
}

/// Most transactions of a group, and about the most bytes.
const GROUP: usize = 1024;
const GROUP_BYTES: usize = 8 << 20;

/// Revisions that history may exceed its measure by: few enough that compacting holds up no writer for long.
const COMPACT_EVERY: u64 = 1024;

pub(super) struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    options: Options,
    head: Revision,
    compacted: Revision,
    weight: Weight,
}

/// What became of a group.
struct Written {
    waiting: Vec<Waiting>,
    outcome: Result<(), Failure>,
    /// A job that ended it.
    ending: Option<Job>,
}

type Waiting = (oneshot::Sender<Result<Committed, CommitError>>, Result<Committed, CommitError>);

/// The newest revision is that of the newest row, unless compaction took that row: then it is what compaction wrote down. So a commit writes its
/// rows and nothing beside them; a page more for each would have to reach the disk.
const POSITION: &str = "SELECT max(revision, (SELECT coalesce(max(id), 0) >> 7 FROM log)), compacted FROM position";

/// The head and the revision up to which history is gone.
pub(super) fn position(connection: &Connection) -> Result<(Revision, Revision), Failure> {
    let mut statement = connection.prepare_cached(POSITION).map_err(failure)?;
    statement
        .query_row([], |row| {
            let (head, compacted): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((Revision(head.cast_unsigned()), Revision(compacted.cast_unsigned())))
        })
        .map_err(failure)
}

/// What the history in the file weighs.
fn weigh(connection: &Connection, mut weight: Weight, compacted: Revision) -> Result<Weight, Failure> {
    let mut rows = connection
        .prepare("SELECT id, octet_length(key) + coalesce(octet_length(value), 0) FROM log WHERE id >= ?1 ORDER BY id")
        .map_err(failure)?;
    let mut rows = rows.query([first_id(compacted.next())]).map_err(failure)?;
    while let Some(row) = rows.next().map_err(failure)? {
        let (id, bytes): (i64, i64) = (row.get(0).map_err(failure)?, row.get(1).map_err(failure)?);
        weight.add(revision_of(id), bytes.cast_unsigned());
    }
    Ok(weight)
}

impl Writer {
    pub fn new(
        connection: Connection,
        shared: Arc<Shared>,
        options: Options,
        head: Revision,
        compacted: Revision,
    ) -> Result<Writer, Failure> {
        let weight = weigh(&connection, Weight::new(options.history_bytes), compacted)?;
        Ok(Writer { connection, shared, options, head, compacted, weight })
    }

    /// Works until all senders are gone and the queue is empty.
    pub fn run(mut self, queue: &mpsc::Receiver<Job>) {
        let mut next = queue.recv().ok();
        while let Some(job) = next.take() {
            match job {
                Job::Commit { txn, reply } => next = self.group(queue, txn, reply),
                Job::Compact { before, reply } => {
                    let _ = reply.send(self.compact(before));
                }
            }
            self.bound();
            next = next.or_else(|| queue.recv().ok());
        }
    }

    /// Forgets history that is beyond its measure.
    fn bound(&mut self) {
        let many = self.head.0 - self.compacted.0 > self.options.history.saturating_add(COMPACT_EVERY);
        let old = many.then(|| Revision(self.head.0 - self.options.history));
        if let Some(before) = old.max(self.weight.excess())
            && let Err(error) = self.compact(before)
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "history stays uncompacted for now");
        }
    }

    /// Commits one transaction and all that wait behind it; returns a job that ended the group.
    fn group(
        &mut self,
        queue: &mpsc::Receiver<Job>,
        txn: Txn,
        reply: oneshot::Sender<Result<Committed, CommitError>>,
    ) -> Option<Job> {
        let mut batches: Vec<Batch> = Vec::new();
        let Written { mut waiting, outcome, ending } = self.write(queue, txn, reply, &mut batches);
        match outcome {
            Ok(()) => self.publish(batches),
            Err(failure) => {
                let failure = refined(&self.connection, failure);
                self.recover();
                for (_, result) in &mut waiting {
                    // A refusal stays one: it was decided on revisions that this failure may have taken back,
                    // but a conflict only asks for another look.
                    if result.is_ok() {
                        *result = Err(failure.clone().into());
                    }
                }
            }
        }
        for (reply, result) in waiting {
            let _ = reply.send(result);
        }
        ending
    }

    /// One durable transaction of SQLite, or none of it.
    fn write(
        &mut self,
        queue: &mpsc::Receiver<Job>,
        txn: Txn,
        reply: oneshot::Sender<Result<Committed, CommitError>>,
        batches: &mut Vec<Batch>,
    ) -> Written {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failure);
        let mut rows = begun.and_then(|()| Rows::of(&self.connection));
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        let mut ending = None;
        let mut current = Some((txn, reply));
        while let Some((txn, reply)) = current.take() {
            bytes += txn.bytes();
            let result = match &mut rows {
                Ok(rows) => rows.apply(txn, &mut self.head, batches),
                Err(failure) => Err(failure.clone().into()),
            };
            if let Err(CommitError::Failed(failure)) = &result
                && rows.is_ok()
            {
                rows = Err(failure.clone());
            }
            waiting.push((reply, result));
            if waiting.len() < GROUP && bytes < GROUP_BYTES {
                match queue.try_recv() {
                    Ok(Job::Commit { txn, reply }) => current = Some((txn, reply)),
                    Ok(other) => ending = Some(other),
                    Err(_) => {}
                }
            }
        }
        let outcome = rows.and_then(|rows| {
            drop(rows);
            self.connection.execute_batch("COMMIT").map_err(failure)
        });
        Written { waiting, outcome, ending }
    }

    fn publish(&mut self, batches: Vec<Batch>) {
        if batches.is_empty() {
            return;
        }
        for batch in &batches {
            self.weight.add(batch.revision, batch.bytes() as u64);
        }
        let mut recent = self.shared.recent();
        for batch in batches {
            recent.push(Arc::new(batch));
        }
        drop(recent);
        self.shared.head.send_replace(self.head);
    }

    /// After a failed group: back to what the file says.
    fn recover(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "failed group of commits was not rolled back");
        }
        // Nothing of the group was published. Should the file hold it after all, watches read it from the log.
        self.head = *self.shared.head.borrow();
        match position(&self.connection) {
            Ok((found, _)) if found > self.head => {
                self.head = found;
                *self.shared.recent() = Recent::new(found, self.compacted, self.options.recent);
                self.shared.head.send_replace(found);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "store cannot be read after a failed write");
            }
        }
    }

    fn compact(&mut self, before: Revision) -> Result<(), Failure> {
        let before = before.min(self.head);
        if before <= self.compacted {
            return Ok(());
        }
        let transaction = self.connection.transaction().map_err(failure)?;
        let range = (first_id(self.compacted.next()), first_id(before.next()));
        for rows in [
            "DELETE FROM log WHERE id IN (SELECT replaced FROM log WHERE id >= ?1 AND id < ?2)",
            "DELETE FROM log WHERE id >= ?1 AND id < ?2 AND value IS NULL",
        ] {
            transaction.execute(rows, range).map_err(failure)?;
        }
        transaction
            .execute(
                "UPDATE position SET revision = ?1, compacted = ?2",
                (self.head.0.cast_signed(), before.0.cast_signed()),
            )
            .map_err(failure)?;
        transaction.commit().map_err(failure)?;
        self.compacted = before;
        self.weight.forget(before);
        self.shared.recent().compact(before);
        Ok(())
    }
}

/// The statements of a group: looking each up again for every transaction would cost as much as running it.
struct Rows<'c> {
    find: CachedStatement<'c>,
    log: CachedStatement<'c>,
    point: CachedStatement<'c>,
    unpoint: CachedStatement<'c>,
}

impl Rows<'_> {
    fn of(connection: &Connection) -> Result<Rows<'_>, Failure> {
        let prepare = |sql: &str| connection.prepare_cached(sql).map_err(failure);
        Ok(Rows {
            find: prepare("SELECT id FROM head WHERE key = ?1")?,
            log: prepare("INSERT INTO log (id, key, value, replaced) VALUES (?1, ?2, ?3, ?4)")?,
            point: prepare("INSERT OR REPLACE INTO head (key, id) VALUES (?1, ?2)")?,
            unpoint: prepare("DELETE FROM head WHERE key = ?1")?,
        })
    }

    fn find(&mut self, key: &Key) -> Result<Option<i64>, Failure> {
        self.find.query_row([key.as_str()], |row| row.get(0)).optional().map_err(failure)
    }

    /// Checks and writes one transaction inside the open group.
    fn apply(&mut self, txn: Txn, head: &mut Revision, batches: &mut Vec<Batch>) -> Result<Committed, CommitError> {
        for (key, guard) in txn.guards() {
            if !guard.holds(self.find(key)?.map(revision_of)) {
                return Err(CommitError::Conflict { key: key.clone() });
            }
        }
        let revision = head.next();
        let mut changes = Vec::new();
        for (id, (key, value)) in (first_id(revision)..).zip(txn.into_writes()) {
            let replaced = self.find(&key)?;
            match &value {
                Some(_) => self.point.execute((key.as_str(), id)),
                None if replaced.is_some() => self.unpoint.execute([key.as_str()]),
                None => continue,
            }
            .map_err(failure)?;
            let row = (id, key.as_str(), value.as_ref().map(Value::as_str), replaced);
            self.log.execute(row).map_err(failure)?;
            changes.push(Change { key, value });
        }
        if !changes.is_empty() {
            *head = revision;
            batches.push(Batch { revision, changes });
        }
        Ok(Committed { revision: *head })
    }
}
