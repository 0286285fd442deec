//! Log lines of models, as `debug-log` shows them: the last ones, and then what comes.
//!
//! It filters nothing itself: the caller gives the question each line is asked. The surprise: a model over its bound
//! loses its oldest lines a tenth at a time, at an append.

use super::{Append, Bell, Micros};
use crate::error::Failure;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone)]
pub struct Logs {
    append: Append,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    Trace = 1,
    Debug = 2,
    Info = 3,
    Warning = 4,
    Error = 5,
    Critical = 6,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: Micros,
    /// Who wrote it, for instance `machine-0`.
    pub entity: String,
    pub level: Level,
    pub module: String,
    /// File and line in the source.
    pub location: String,
    pub message: String,
    pub labels: BTreeMap<String, String>,
}

/// A line, and its place in the log of all models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    pub id: i64,
    pub line: Line,
}

/// How much is kept of one model's log.
#[derive(Debug, Clone, Copy)]
pub struct LogBounds {
    pub bytes: u64,
}

impl Default for LogBounds {
    fn default() -> LogBounds {
        LogBounds { bytes: 64 << 20 }
    }
}

/// What a line is asked before it is given.
type Wanted = Arc<dyn Fn(&Line) -> bool + Send + Sync>;

/// Lines looked at in one job, so that long searches let others in between.
const PAGE: i64 = 1000;

impl Logs {
    pub(super) fn new(append: Append) -> Logs {
        Logs { append }
    }

    pub async fn append(&self, model: &str, lines: Vec<Line>, bounds: LogBounds) -> Result<(), Failure> {
        let name = model.to_string();
        self.append.engine().run(move |connection| write(connection, &name, &lines, bounds)).await?;
        self.append.bells().ring(&bell(model));
        Ok(())
    }

    /// The last `count` wanted lines, oldest first, and where a tail goes on. `None` for all there are.
    pub async fn backlog(
        &self,
        model: &str,
        count: Option<usize>,
        wanted: impl Fn(&Line) -> bool + Send + Sync + 'static,
    ) -> Result<(Vec<Logged>, i64), Failure> {
        let wanted: Wanted = Arc::new(wanted);
        let mut found = Vec::new();
        let mut before = i64::MAX;
        let mut end = None;
        let full = |found: &Vec<Logged>| count.is_some_and(|count| found.len() >= count);
        loop {
            let (name, ask) = (model.to_string(), wanted.clone());
            let page = self.append.engine().run(move |connection| read_back(connection, &name, before, &ask)).await?;
            end.get_or_insert(page.newest);
            found.extend(page.lines);
            match page.oldest {
                Some(oldest) if !full(&found) => before = oldest,
                _ => break,
            }
        }
        found.truncate(count.unwrap_or(usize::MAX));
        found.reverse();
        Ok((found, end.unwrap_or(0)))
    }

    /// Wanted lines among the next thousand after the place `after`, oldest first, and the place of the last that was looked at; `None` at the
    /// log's end.
    pub async fn page(
        &self,
        model: &str,
        after: i64,
        wanted: impl Fn(&Line) -> bool + Send + Sync + 'static,
    ) -> Result<(Vec<Logged>, Option<i64>), Failure> {
        let (model, wanted): (String, Wanted) = (model.into(), Arc::new(wanted));
        self.append.engine().run(move |connection| read_on(connection, &model, after, &wanted)).await
    }

    /// Wanted lines after the place `after`, as they come.
    pub fn tail(&self, model: &str, after: i64, wanted: impl Fn(&Line) -> bool + Send + Sync + 'static) -> LogTail {
        let bell = self.append.bells().listen([bell(model)]);
        LogTail { logs: self.clone(), model: model.into(), after, wanted: Arc::new(wanted), bell }
    }

    /// Forgets lines of all models older than `before`.
    pub async fn prune(&self, before: Micros) -> Result<usize, Failure> {
        let job = move |connection: &Connection| {
            let sums = "UPDATE line_sum SET bytes = bytes -
                (SELECT coalesce(sum(line.bytes), 0) FROM line WHERE line.model = line_sum.model AND at < ?1)";
            connection.execute(sums, [before])?;
            connection.execute("DELETE FROM line WHERE at < ?1", [before])
        };
        self.append.engine().run(job).await
    }

    /// Forgets the oldest lines of the biggest logs until all together hold at most `most` bytes; says how many logs are cut.
    pub async fn shrink(&self, most: u64) -> Result<usize, Failure> {
        let job = move |connection: &Connection| {
            let mut sums = connection.prepare("SELECT model, bytes FROM line_sum ORDER BY bytes")?;
            let sums: Vec<(String, i64)> =
                sums.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            let share = share(sums.iter().map(|(_, bytes)| *bytes), i64::try_from(most).unwrap_or(i64::MAX));
            let over: Vec<_> = sums.into_iter().filter(|(_, bytes)| *bytes > share).collect();
            for (model, bytes) in &over {
                trim(connection, model, *bytes, share)?;
            }
            Ok(over.len())
        };
        self.append.engine().run(job).await
    }

    /// Forgets a model's log.
    pub async fn delete(&self, model: &str) -> Result<usize, Failure> {
        let model = model.to_string();
        let job = move |connection: &Connection| {
            connection.execute("DELETE FROM line_sum WHERE model = ?1", [&model])?;
            connection.execute("DELETE FROM line WHERE model = ?1", [&model])
        };
        self.append.engine().run(job).await
    }
}

/// A reader at the end of a model's log.
pub struct LogTail {
    logs: Logs,
    model: String,
    after: i64,
    wanted: Wanted,
    bell: Bell,
}

impl LogTail {
    /// Waits for wanted lines: one or more, oldest first. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Vec<Logged>, Failure> {
        loop {
            let (model, after, ask) = (self.model.clone(), self.after, self.wanted.clone());
            let job = move |connection: &Connection| read_on(connection, &model, after, &ask);
            let (lines, last) = self.logs.append.engine().run(job).await?;
            let more = last.is_some();
            self.after = last.unwrap_or(self.after);
            if !lines.is_empty() {
                return Ok(lines);
            }
            if !more {
                self.bell.rung().await;
            }
        }
    }
}

/// Blobs' bells are named by keys, which start with a slash; so these never meet them.
fn bell(model: &str) -> String {
    format!("log {model}")
}

fn write(connection: &Connection, model: &str, lines: &[Line], bounds: LogBounds) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO line (model, at, entity, level, module, location, message, labels, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut added = 0;
    for line in lines {
        let labels = serde_json::to_string(&line.labels)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let texts = [&line.entity, &line.module, &line.location, &line.message, &labels];
        // The row itself costs something, or empty lines would be free.
        let bytes = 32 + texts.iter().map(|text| text.len() as i64).sum::<i64>();
        let Line { at, entity, level, module, location, message, .. } = line;
        insert.execute(params![model, at, entity, *level as u8, module, location, message, labels, bytes])?;
        added += bytes;
    }
    let sum = "INSERT INTO line_sum (model, bytes) VALUES (?1, ?2)
        ON CONFLICT (model) DO UPDATE SET bytes = bytes + excluded.bytes RETURNING bytes";
    let sum: i64 = connection.prepare_cached(sum)?.query_row(params![model, added], |row| row.get(0))?;
    let most = i64::try_from(bounds.bytes).unwrap_or(i64::MAX);
    if sum > most { trim(connection, model, sum, most - most / 10) } else { Ok(()) }
}

/// The size above which logs are cut, so that all fit into `most`: small ones are left alone. Sizes are in rising order.
fn share(sizes: impl ExactSizeIterator<Item = i64>, most: i64) -> i64 {
    let (mut left, mut count) = (most, i64::try_from(sizes.len()).unwrap_or(i64::MAX));
    for size in sizes {
        if size > left / count {
            return left / count;
        }
        left -= size;
        count -= 1;
    }
    i64::MAX
}

/// Drops oldest lines until at most `most` bytes are left.
fn trim(connection: &Connection, model: &str, mut sum: i64, most: i64) -> rusqlite::Result<()> {
    let mut last = 0;
    let mut statement = connection.prepare_cached("SELECT id, bytes FROM line WHERE model = ?1 ORDER BY id")?;
    let mut rows = statement.query([model])?;
    while sum > most
        && let Some(row) = rows.next()?
    {
        last = row.get(0)?;
        sum -= row.get::<_, i64>(1)?;
    }
    drop(rows);
    connection.execute("DELETE FROM line WHERE model = ?1 AND id <= ?2", params![model, last])?;
    connection.execute("UPDATE line_sum SET bytes = ?2 WHERE model = ?1", params![model, sum])?;
    Ok(())
}

const COLUMNS: &str = "id, at, entity, level, module, location, message, labels";

fn logged(row: &Row<'_>) -> rusqlite::Result<Logged> {
    let level = match row.get(3)? {
        1 => Level::Trace,
        2 => Level::Debug,
        4 => Level::Warning,
        5 => Level::Error,
        6_u8 => Level::Critical,
        // Nothing else was ever written.
        _ => Level::Info,
    };
    let labels = serde_json::from_str(row.get_ref(7)?.as_str()?).unwrap_or_default();
    let line = Line {
        at: row.get(1)?,
        entity: row.get(2)?,
        level,
        module: row.get(4)?,
        location: row.get(5)?,
        message: row.get(6)?,
        labels,
    };
    Ok(Logged { id: row.get(0)?, line })
}

struct Page {
    /// Newest first.
    lines: Vec<Logged>,
    /// Where to go on backwards; `None` at the log's beginning.
    oldest: Option<i64>,
    /// The end of the log at the time of reading.
    newest: i64,
}

fn read_back(connection: &Connection, model: &str, before: i64, wanted: &Wanted) -> rusqlite::Result<Page> {
    // Ids are of all models together, so the end is known also when this model has no line.
    let newest = connection.query_row("SELECT max(id) FROM line", [], |row| row.get::<_, Option<i64>>(0));
    let newest = newest.optional()?.flatten().unwrap_or(0);
    let query = format!("SELECT {COLUMNS} FROM line WHERE model = ?1 AND id < ?2 ORDER BY id DESC LIMIT {PAGE}");
    let mut statement = connection.prepare_cached(&query)?;
    let mut page = Page { lines: Vec::new(), oldest: None, newest };
    for row in statement.query_map(params![model, before], logged)? {
        let row = row?;
        page.oldest = Some(row.id);
        if wanted(&row.line) {
            page.lines.push(row);
        }
    }
    Ok(page)
}

fn read_on(
    connection: &Connection,
    model: &str,
    after: i64,
    wanted: &Wanted,
) -> rusqlite::Result<(Vec<Logged>, Option<i64>)> {
    let query = format!("SELECT {COLUMNS} FROM line WHERE model = ?1 AND id > ?2 ORDER BY id LIMIT {PAGE}");
    let mut statement = connection.prepare_cached(&query)?;
    let mut lines = Vec::new();
    let mut last = None;
    for row in statement.query_map(params![model, after], logged)? {
        let row = row?;
        last = Some(row.id);
        if wanted(&row.line) {
            lines.push(row);
        }
    }
    Ok((lines, last))
}
