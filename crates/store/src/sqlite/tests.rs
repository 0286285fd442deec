//! The contract on SQLite, and what is SQLite's alone: reopening, refusals, groups, failures.
//!
//! Files lie in temporary directories. The surprise: the faults are made by a second raw connection to the same file.
#![allow(clippy::unwrap_used, reason = "tests")]

mod durability;
mod faults;
mod growth;
mod work;

use super::*;
use crate::contract::{Given, key, put, soon};
use crate::error::Retry;
use crate::{Guard, Prefix};
use std::path::Path;

async fn open() -> Given {
    let place = tempfile::tempdir().unwrap();
    Given { store: Arc::new(at(place.path()).unwrap()), keep: Box::new(place) }
}

fn at(path: &Path) -> Result<Sqlite, OpenError> {
    Sqlite::open(Arc::new(Directory::open(path)?), Options::default())
}

fn raw(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path.join(FILE)).unwrap()
}

crate::store_contract!(open);

/// Every watch reads the log: nothing is kept in memory that could hide what is wrong in it.
#[test]
fn any_history_reads_like_a_plain_map_from_the_log() {
    crate::contract::any_history_reads_like_a_plain_map(|| async {
        let place = tempfile::tempdir().unwrap();
        let directory = Arc::new(Directory::open(place.path()).unwrap());
        let store = Sqlite::open(directory, Options { recent: 0, ..Options::default() }).unwrap();
        Given { store: Arc::new(store), keep: Box::new(place) }
    });
}

#[tokio::test]
async fn all_is_there_after_reopening() {
    let place = tempfile::tempdir().unwrap();
    let store = at(place.path()).unwrap();
    for number in 1..=5 {
        store.commit(put("/a", number)).await.unwrap();
    }
    store.compact(Revision(2)).await.unwrap();
    let before = store.snapshot(&Prefix::all()).await.unwrap();
    drop(store);
    let store = at(place.path()).unwrap();
    assert_eq!(store.snapshot(&Prefix::all()).await.unwrap(), before);
    assert!(matches!(store.watch(Revision(1)).await.err(), Some(WatchError::Compacted { oldest: Revision(2) })));
    let mut watch = store.watch(Revision(2)).await.unwrap();
    let revisions: Vec<_> = soon(watch.next()).await.unwrap().iter().map(|batch| batch.revision.0).collect();
    assert_eq!(revisions, [3, 4, 5]);
    assert_eq!(store.commit(put("/a", 6)).await.unwrap().revision, Revision(6));
}

#[tokio::test]
async fn what_is_not_ours_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let store = at(place.path()).unwrap();
    assert!(matches!(at(place.path()), Err(OpenError::Locked { .. })));
    drop(store);
    raw(place.path()).pragma_update(None, "user_version", VERSION + 1).unwrap();
    assert!(matches!(at(place.path()), Err(OpenError::NewerSchema { found: 2, known: 1, .. })));
    let other = tempfile::tempdir().unwrap();
    raw(other.path()).execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(at(other.path()), Err(OpenError::Foreign { .. })));
    let noise = tempfile::tempdir().unwrap();
    std::fs::write(noise.path().join(FILE), "no database at all, but long enough to be looked at".repeat(40)).unwrap();
    assert!(matches!(at(noise.path()), Err(OpenError::Failed(Failure::Damaged { .. }))));
}

#[tokio::test]
async fn an_operator_can_read_it_and_no_one_else() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let store = at(place.path()).unwrap();
    store.commit(put("/models/m", 7)).await.unwrap();
    let row: (String, i64, String) = raw(place.path())
        .query_row("SELECT key, revision, value FROM state", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    assert_eq!(row, ("/models/m".into(), 1, "7".into()));
    for entry in std::fs::read_dir(place.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_conflict_in_a_group_fails_alone() {
    let given = open().await;
    let tasks: Vec<_> = (0..200_u64)
        .map(|number| {
            let store = given.store.clone();
            tokio::spawn(async move {
                let mut txn = put(&format!("/{number}"), number);
                if number % 3 == 0 {
                    txn.guard(key("/absent"), Guard::Present);
                }
                store.commit(txn).await.ok().map(|committed| committed.revision.0)
            })
        })
        .collect();
    let mut revisions = Vec::new();
    for (number, task) in tasks.into_iter().enumerate() {
        let revision = soon(task).await.unwrap();
        assert_eq!(revision.is_none(), number % 3 == 0);
        revisions.extend(revision);
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=133).collect::<Vec<_>>());
}

#[tokio::test]
async fn revisions_go_on_where_compaction_took_the_newest_row() {
    let place = tempfile::tempdir().unwrap();
    let store = at(place.path()).unwrap();
    store.commit(put("/a", 1)).await.unwrap();
    let mut txn = Txn::new();
    txn.delete(key("/a"));
    assert_eq!(store.commit(txn).await.unwrap().revision, Revision(2));
    store.compact(Revision(2)).await.unwrap();
    let rows: i64 = raw(place.path()).query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
    drop(store);
    let store = at(place.path()).unwrap();
    assert_eq!(store.snapshot(&Prefix::all()).await.unwrap().revision, Revision(2));
    assert_eq!(store.commit(put("/a", 3)).await.unwrap().revision, Revision(3));
}

#[tokio::test]
async fn a_failed_group_leaves_no_gap() {
    let place = tempfile::tempdir().unwrap();
    let store = at(place.path()).unwrap();
    store.commit(put("/a", 1)).await.unwrap();
    let other = raw(place.path());
    let fault =
        "CREATE TRIGGER fault BEFORE INSERT ON log WHEN new.key = '/bad' BEGIN SELECT RAISE(ABORT, 'fault'); END";
    other.execute_batch(fault).unwrap();
    let mut bad = put("/aa", 2);
    bad.put(key("/bad"), crate::contract::value(2));
    let error = store.commit(bad.clone()).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Afresh);
    assert!(std::error::Error::source(&error).is_some(), "the cause is lost");
    other.execute_batch("DROP TRIGGER fault; BEGIN IMMEDIATE").unwrap();
    // Locked by another: said so, and nothing is stuck afterwards.
    let error = store.commit(bad.clone()).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.commit(bad).await.unwrap().revision, Revision(2));
    let mut watch = store.watch(Revision(0)).await.unwrap();
    let batches = soon(watch.next()).await.unwrap();
    assert_eq!(
        batches.iter().map(|batch| (batch.revision.0, batch.changes.len())).collect::<Vec<_>>(),
        [(1, 1), (2, 2)]
    );
}

#[tokio::test]
async fn history_compacts_itself_and_a_late_watch_reads_the_log() {
    let place = tempfile::tempdir().unwrap();
    let directory = Arc::new(Directory::open(place.path()).unwrap());
    let store = Arc::new(Sqlite::open(directory, Options { history: 5000, ..Options::default() }).unwrap());
    let mut late = store.watch(Revision(0)).await.unwrap();
    let fill = async |count: u64| {
        let tasks: Vec<_> = (0..count)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { store.commit(put(&format!("/{}", number % 7), number)).await })
            })
            .collect();
        for task in tasks {
            soon(task).await.unwrap().unwrap();
        }
    };
    // More than the recent batches in memory hold.
    fill(5500).await;
    let mut seen = 0;
    while late.position() < Revision(5500) {
        for batch in soon(late.next()).await.unwrap() {
            seen += 1;
            assert_eq!(batch.revision.0, seen);
        }
    }
    fill(3000).await;
    // A marker behind which the last compaction has run.
    store.compact(Revision(0)).await.unwrap();
    let Some(WatchError::Compacted { oldest }) = store.watch(Revision(1)).await.err() else {
        panic!("nothing was compacted")
    };
    assert!(oldest.0 >= 8500 - 5000 - 1024, "{oldest}");
    let rows: i64 = raw(place.path()).query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
    assert!(rows.cast_unsigned() <= 8500 - oldest.0 + 7, "{rows} rows, history from {oldest}");
    assert_eq!(store.snapshot(&Prefix::all()).await.unwrap().entries.len(), 7);
}

/// A watch over lost rows says so; it neither waits for ever nor asks for ever.
#[tokio::test]
async fn history_that_is_not_there_is_damage() {
    let place = tempfile::tempdir().unwrap();
    let directory = Arc::new(Directory::open(place.path()).unwrap());
    let store = Sqlite::open(directory, Options { recent: 0, ..Options::default() }).unwrap();
    store.commit(put("/a", 1)).await.unwrap();
    raw(place.path()).execute("DELETE FROM log", []).unwrap();
    let mut watch = store.watch(Revision(0)).await.unwrap();
    assert!(matches!(soon(watch.next()).await, Err(WatchError::Failed(Failure::Damaged { .. }))));
}
