//! What every back end must do: one suite, run for each by [`store_contract!`](crate::store_contract).
//!
//! It must not know which back end it runs on. The surprise: the cases panic, since they are tests; they are public only
//! behind the feature `contract`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod following;
mod property;

pub use following::*;
pub use property::any_history_reads_like_a_plain_map;

use crate::{CommitError, Committed, Guard, Key, Prefix, Revision, Snapshot, Store, Txn, Value, Watch, WatchError};
use std::sync::Arc;
use std::time::Duration;

/// An empty store, and what must live as long as it.
pub struct Given {
    pub store: Arc<dyn Store>,
    pub keep: Box<dyn std::any::Any + Send>,
}

/// Makes a test of each case; the argument is a function `async fn() -> Given`.
#[macro_export]
macro_rules! store_contract {
    ($open:path) => {
        $crate::store_contract!($open:
            writes_are_read_back, a_prefix_holds_its_own, guards_hold_or_refuse, a_conflict_writes_nothing,
            limits_are_the_narrowest_engines, nothing_changed_makes_no_revision, counting_together_loses_nothing,
            a_watch_shows_each_revision_once, a_waiting_watch_wakes, a_watch_ahead_is_refused,
            compaction_is_an_explicit_error, a_view_shows_what_was_committed, a_feed_gives_every_batch,
            a_slow_feed_is_told, a_view_survives_compaction);

        #[test]
        fn any_history_reads_like_a_plain_map() {
            $crate::contract::any_history_reads_like_a_plain_map($open);
        }
    };
    ($open:path: $($case:ident),*) => {
        $(#[tokio::test]
        async fn $case() {
            let given = $open().await;
            $crate::contract::$case(given.store.clone()).await;
        })*
    };
}

pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

pub(crate) fn value(number: u64) -> Value {
    Value::of(&number).unwrap()
}

pub(crate) fn put(text: &str, number: u64) -> Txn {
    let mut txn = Txn::new();
    txn.put(key(text), value(number));
    txn
}

/// Fails instead of hanging.
pub(crate) async fn soon<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("waited half a minute")
}

async fn commit(store: &Arc<dyn Store>, txn: Txn) -> Revision {
    store.commit(txn).await.unwrap().revision
}

/// Keys, numbers and revisions of a prefix.
async fn list(store: &Arc<dyn Store>, prefix: &str) -> Vec<(String, u64, u64)> {
    let snapshot = store.snapshot(&Prefix::parse(prefix).unwrap()).await.unwrap();
    flat(&snapshot)
}

fn flat(snapshot: &Snapshot) -> Vec<(String, u64, u64)> {
    let row = |(key, entry): &(Key, crate::Entry)| (key.to_string(), entry.value.decode().unwrap(), entry.revision.0);
    snapshot.entries.iter().map(row).collect()
}

/// Reads a watch up to `head`: revision, key, number.
async fn drain(watch: &mut Watch, head: Revision) -> Result<Vec<(u64, String, Option<u64>)>, WatchError> {
    let mut seen = Vec::new();
    while watch.position() < head {
        for batch in soon(watch.next()).await? {
            assert!(!batch.changes.is_empty(), "empty batch {batch:?}");
            for change in &batch.changes {
                let number = change.value.as_ref().map(|value| value.decode().unwrap());
                seen.push((batch.revision.0, change.key.to_string(), number));
            }
        }
    }
    Ok(seen)
}

pub async fn writes_are_read_back(store: Arc<dyn Store>) {
    assert_eq!(store.snapshot(&Prefix::all()).await.unwrap(), Snapshot { revision: Revision(0), entries: vec![] });
    assert_eq!(commit(&store, put("/b", 1)).await, Revision(1));
    let mut two = put("/a", 2);
    two.put(key("/b"), value(3));
    assert_eq!(commit(&store, two).await, Revision(2));
    let mut three = put("/c", 4);
    three.delete(key("/a"));
    assert_eq!(commit(&store, three).await, Revision(3));
    assert_eq!(list(&store, "/").await, [("/b".into(), 3, 2), ("/c".into(), 4, 3)]);
    // Any JSON text comes back as it went in.
    let text = r#"{"z":1,"a":"\u00e9\n ü 𝄞","n":null,"f":1.0}"#;
    let mut txn = Txn::new();
    txn.put(key("/t"), Value::parse(text).unwrap());
    commit(&store, txn).await;
    let snapshot = store.snapshot(&Prefix::all()).await.unwrap();
    assert_eq!(snapshot.entries[2].1.value.as_str(), text);
}

pub async fn a_prefix_holds_its_own(store: Arc<dyn Store>) {
    let mut txn = Txn::new();
    for (number, name) in ["/m/1", "/m/1/a", "/m/1/b/c", "/m/10", "/m/1.5", "/n", "/m"].into_iter().enumerate() {
        txn.put(key(name), value(number as u64));
    }
    commit(&store, txn).await;
    let names = |rows: Vec<(String, u64, u64)>| rows.into_iter().map(|row| row.0).collect::<Vec<_>>();
    assert_eq!(names(list(&store, "/m/1/").await), ["/m/1/a", "/m/1/b/c"]);
    assert_eq!(names(list(&store, "/m/").await), ["/m/1", "/m/1.5", "/m/1/a", "/m/1/b/c", "/m/10"]);
    assert_eq!(names(list(&store, "/x/").await), [""; 0]);
    assert_eq!(list(&store, "/").await.len(), 7);
}

pub async fn guards_hold_or_refuse(store: Arc<dyn Store>) {
    let at = commit(&store, put("/there", 1)).await;
    let mut gone = put("/gone", 1);
    commit(&store, gone.clone()).await;
    gone = Txn::new();
    gone.delete(key("/gone"));
    commit(&store, gone).await;
    for (name, guard, holds) in [
        ("/there", Guard::At(at), true),
        ("/there", Guard::At(at.next()), false),
        ("/there", Guard::At(Revision(0)), false),
        ("/there", Guard::Present, true),
        ("/there", Guard::Absent, false),
        ("/never", Guard::Absent, true),
        ("/never", Guard::Present, false),
        ("/never", Guard::At(Revision(0)), false),
        ("/gone", Guard::Absent, true),
        ("/gone", Guard::Present, false),
        ("/gone", Guard::At(Revision(2)), false),
        ("/gone", Guard::At(Revision(3)), false),
    ] {
        let mut txn = put("/other", 1);
        txn.guard(key(name), guard);
        let result = store.commit(txn).await;
        match &result {
            Ok(_) => assert!(holds, "{name} {guard:?} held"),
            Err(CommitError::Conflict { key }) => assert!(!holds && key.as_str() == name, "{name} {guard:?} refused"),
            Err(other) => panic!("{name} {guard:?}: {other}"),
        }
    }
    // A guard is of the state before the transaction's own writes.
    let mut create = Txn::new();
    create.create(key("/new"), value(1));
    assert!(store.commit(create.clone()).await.is_ok());
    assert!(matches!(store.commit(create).await, Err(CommitError::Conflict { .. })));
}

pub async fn a_conflict_writes_nothing(store: Arc<dyn Store>) {
    commit(&store, put("/a", 1)).await;
    let mut txn = put("/b", 2);
    txn.delete(key("/a")).guard(key("/c"), Guard::Present);
    assert!(matches!(store.commit(txn).await, Err(CommitError::Conflict { .. })));
    assert_eq!(list(&store, "/").await, [("/a".into(), 1, 1)]);
    assert_eq!(commit(&store, put("/c", 3)).await, Revision(2));
}

pub async fn limits_are_the_narrowest_engines(store: Arc<dyn Store>) {
    use crate::{MAX_KEY_BYTES, MAX_OPERATIONS, MAX_VALUE_BYTES};
    let many = |count: usize| {
        let mut txn = Txn::new();
        for number in 0..count {
            txn.put(Key::of(["many", &number.to_string()]), value(1)).guard(key("/a"), Guard::Absent);
        }
        txn
    };
    let long = |bytes: usize| Value::of(&"x".repeat(bytes - 2)).unwrap();
    let large = |bytes: usize| {
        let mut txn = Txn::new();
        txn.put(key("/large"), long(bytes));
        txn
    };
    let named = |bytes: usize| put(&format!("/{}", "k".repeat(bytes - 1)), 1);
    let mut sum = large(MAX_VALUE_BYTES);
    sum.put(key("/larger"), long(MAX_VALUE_BYTES));
    let refused = [
        store.commit(many(MAX_OPERATIONS + 1)).await,
        store.commit(large(MAX_VALUE_BYTES + 1)).await,
        store.commit(named(MAX_KEY_BYTES + 1)).await,
        store.commit(sum).await,
    ];
    match refused {
        [
            Err(CommitError::TooManyOperations { operations: 129 }),
            Err(CommitError::ValueTooLarge { bytes: 1_048_577, .. }),
            Err(CommitError::KeyTooLong { .. }),
            Err(CommitError::TransactionTooLarge { .. }),
        ] => {}
        other => panic!("limits are not kept: {other:?}"),
    }
    assert_eq!(list(&store, "/").await, []);
    assert_eq!(store.commit(many(MAX_OPERATIONS)).await.unwrap(), Committed { revision: Revision(1) });
    assert_eq!(commit(&store, large(MAX_VALUE_BYTES)).await, Revision(2));
    assert_eq!(commit(&store, named(MAX_KEY_BYTES)).await, Revision(3));
    assert_eq!(store.snapshot(&Prefix::all()).await.unwrap().entries.len(), MAX_OPERATIONS + 2);
}

pub async fn nothing_changed_makes_no_revision(store: Arc<dyn Store>) {
    commit(&store, put("/a", 1)).await;
    let mut absent = Txn::new();
    absent.delete(key("/b")).guard(key("/a"), Guard::Present);
    assert_eq!(commit(&store, absent).await, Revision(1));
    assert_eq!(commit(&store, Txn::new()).await, Revision(1));
    // The same value again is a write: its revision moves, guards on it fail.
    assert_eq!(commit(&store, put("/a", 1)).await, Revision(2));
    let mut watch = store.watch(Revision(0)).await.unwrap();
    let seen = drain(&mut watch, Revision(2)).await.unwrap();
    assert_eq!(seen, [(1, "/a".into(), Some(1)), (2, "/a".into(), Some(1))]);
}

pub async fn counting_together_loses_nothing(store: Arc<dyn Store>) {
    commit(&store, put("/count", 0)).await;
    let tasks = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut own = 0;
            while own < 10 {
                let snapshot = store.snapshot(&Prefix::all()).await.unwrap();
                let entry = &snapshot.entries[0].1;
                let mut txn = Txn::new();
                txn.replace(key("/count"), entry.revision, value(entry.value.decode::<u64>().unwrap() + 1));
                match store.commit(txn).await {
                    Ok(_) => own += 1,
                    Err(CommitError::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        soon(task).await.unwrap();
    }
    assert_eq!(list(&store, "/").await, [("/count".into(), 80, 81)]);
}
