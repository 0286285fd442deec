//! Streams of bytes that grow at their end: the output of tasks.
//!
//! It does not know tasks. The surprise: an append says at which offset it belongs, so an agent that lost its connection
//! sends the last chunk again and nothing is doubled; bytes over the bound are counted and dropped.

use super::{Append, Bell, Micros};
use crate::error::Failure;
use crate::key::{Key, Prefix};
use rusqlite::{Connection, OptionalExtension, params};

#[derive(Clone)]
pub struct Blobs {
    append: Append,
}

/// How a blob stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blob {
    /// Bytes kept.
    pub size: u64,
    /// Bytes that came; the offset at which the next append belongs.
    pub received: u64,
    pub finished: bool,
}

impl Blob {
    /// Whether bytes were dropped because of the bound.
    pub fn truncated(&self) -> bool {
        self.received > self.size
    }
}

/// Bytes of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub bytes: Vec<u8>,
    /// The offset after them.
    pub next: u64,
    pub blob: Blob,
}

/// Most bytes of one row.
const CHUNK: usize = 256 << 10;

/// Ninety days.
const ABANDONED: Micros = 90 * 24 * 3600 * 1_000_000;

impl Blobs {
    pub(super) fn new(append: Append) -> Blobs {
        Blobs { append }
    }

    /// Adds bytes that belong at `offset` (`None`: at the end), keeping at most `most` bytes in all. What was received before
    /// is passed over; of bytes beyond a gap nothing is taken. The answer's `received` says from where to go on.
    pub async fn append(
        &self,
        name: &Key,
        offset: Option<u64>,
        bytes: Vec<u8>,
        most: u64,
        now: Micros,
    ) -> Result<Blob, Failure> {
        let key = name.clone();
        let blob =
            self.append.engine().run(move |connection| write(connection, &key, offset, &bytes, most, now)).await?;
        self.append.bells().ring(name.as_str());
        Ok(blob)
    }

    /// No more will come. A blob that nothing came for is made, empty.
    pub async fn finish(&self, name: &Key, now: Micros) -> Result<(), Failure> {
        let key = name.clone();
        let job = move |connection: &Connection| {
            let (id, _) = find_or_make(connection, &key, now)?;
            connection.execute("UPDATE blob SET finished = 1, changed = ?2 WHERE id = ?1", [id, now]).map(drop)
        };
        self.append.engine().run(job).await?;
        self.append.bells().ring(name.as_str());
        Ok(())
    }

    /// Up to about `most` bytes from `offset`; `None` when there is no such blob.
    pub async fn read(&self, name: &Key, offset: u64, most: usize) -> Result<Option<Part>, Failure> {
        let key = name.clone();
        self.append.engine().run(move |connection| read(connection, &key, offset, most)).await
    }

    /// Rings whenever one of these grew, was finished or deleted; they may come to be only later.
    pub fn listen(&self, names: &[Key]) -> Bell {
        self.append.bells().listen(names.iter().map(|name| name.as_str().to_owned()))
    }

    /// Deletes all blobs of a prefix.
    pub async fn delete(&self, prefix: &Prefix) -> Result<usize, Failure> {
        let below = prefix.clone();
        let job = move |connection: &Connection| {
            drop_where(connection, "name >= ?1 AND name < ?2", params![below.as_str(), below.end()])
        };
        let count = self.append.engine().run(job).await?;
        self.append.bells().ring_below(prefix.as_str());
        Ok(count)
    }

    /// Deletes finished blobs that have not changed since `before`, and others that have not for [`ABANDONED`] longer: who wrote them is gone.
    pub async fn prune(&self, before: Micros) -> Result<usize, Failure> {
        let job = move |connection: &Connection| {
            let old = "changed < ?1 AND (finished OR changed < ?2)";
            drop_where(connection, old, params![before, before.saturating_sub(ABANDONED)])
        };
        self.append.engine().run(job).await
    }

    /// Deletes the longest unchanged finished blobs until all together hold at most `most` bytes.
    pub async fn shrink(&self, most: u64) -> Result<usize, Failure> {
        let job = move |connection: &Connection| {
            let excess = "id IN (SELECT id FROM
                (SELECT id, finished, sum(size) OVER (ORDER BY changed DESC, id DESC) AS total FROM blob)
                WHERE finished AND total > ?1)";
            drop_where(connection, excess, params![most.cast_signed()])
        };
        self.append.engine().run(job).await
    }
}

fn find(connection: &Connection, name: &Key) -> rusqlite::Result<Option<(i64, Blob)>> {
    let mut statement = connection.prepare_cached("SELECT id, size, received, finished FROM blob WHERE name = ?1")?;
    let row = statement.query_row([name.as_str()], |row| {
        let (size, received): (i64, i64) = (row.get(1)?, row.get(2)?);
        let blob = Blob { size: size.cast_unsigned(), received: received.cast_unsigned(), finished: row.get(3)? };
        Ok((row.get(0)?, blob))
    });
    row.optional()
}

fn find_or_make(connection: &Connection, name: &Key, now: Micros) -> rusqlite::Result<(i64, Blob)> {
    if let Some(found) = find(connection, name)? {
        return Ok(found);
    }
    let make = "INSERT INTO blob (name, size, received, finished, changed) VALUES (?1, 0, 0, 0, ?2)";
    let id = connection.prepare_cached(make)?.insert(params![name.as_str(), now])?;
    Ok((id, Blob::default()))
}

fn write(
    connection: &Connection,
    name: &Key,
    offset: Option<u64>,
    bytes: &[u8],
    most: u64,
    now: Micros,
) -> rusqlite::Result<Blob> {
    let (id, mut blob) = find_or_make(connection, name, now)?;
    let offset = offset.unwrap_or(blob.received);
    if blob.finished || offset > blob.received {
        return Ok(blob);
    }
    let known = usize::try_from(blob.received - offset).unwrap_or(usize::MAX);
    let new = bytes.get(known..).unwrap_or_default();
    if new.is_empty() {
        return Ok(blob);
    }
    // Once something was dropped nothing may follow, or the text would have a hole.
    let room = if blob.truncated() { 0 } else { most.saturating_sub(blob.size) };
    let kept = &new[..new.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
    let mut insert = connection.prepare_cached("INSERT INTO chunk (blob, start, bytes) VALUES (?1, ?2, ?3)")?;
    for chunk in kept.chunks(CHUNK) {
        insert.execute(params![id, blob.size.cast_signed(), chunk])?;
        blob.size += chunk.len() as u64;
    }
    blob.received += new.len() as u64;
    connection.prepare_cached("UPDATE blob SET size = ?2, received = ?3, changed = ?4 WHERE id = ?1")?.execute([
        id,
        blob.size.cast_signed(),
        blob.received.cast_signed(),
        now,
    ])?;
    Ok(blob)
}

fn read(connection: &Connection, name: &Key, offset: u64, most: usize) -> rusqlite::Result<Option<Part>> {
    let Some((id, blob)) = find(connection, name)? else { return Ok(None) };
    let mut bytes = Vec::new();
    if offset < blob.size {
        let mut statement = connection.prepare_cached(
            "SELECT start, bytes FROM chunk WHERE blob = ?1 AND start >=
                (SELECT max(start) FROM chunk WHERE blob = ?1 AND start <= ?2) ORDER BY start",
        )?;
        let mut rows = statement.query([id, offset.cast_signed()])?;
        while bytes.len() < most
            && let Some(row) = rows.next()?
        {
            let start: i64 = row.get(0)?;
            let chunk = row.get_ref(1)?.as_blob()?;
            let skip = usize::try_from(offset.saturating_sub(start.cast_unsigned())).unwrap_or(usize::MAX);
            let chunk = chunk.get(skip..).unwrap_or_default();
            bytes.extend_from_slice(&chunk[..chunk.len().min(most - bytes.len())]);
        }
    }
    let next = offset + bytes.len() as u64;
    Ok(Some(Part { bytes, next, blob }))
}

fn drop_where(connection: &Connection, which: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<usize> {
    connection.execute(&format!("DELETE FROM chunk WHERE blob IN (SELECT id FROM blob WHERE {which})"), values)?;
    connection.execute(&format!("DELETE FROM blob WHERE {which}"), values)
}
