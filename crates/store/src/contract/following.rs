//! Contract cases of watches, compaction and views.
//!
//! They must not sleep. The surprise: a case that loses events hangs on its deadline rather than failing an assertion.

use super::{commit, drain, flat, key, list, put, soon, value};
use crate::{CommitError, Limits, Lost, Prefix, Revision, Store, Txn, View, WatchError};
use std::sync::Arc;

pub async fn a_watch_shows_each_revision_once(store: Arc<dyn Store>) {
    let mut live = store.watch(Revision(0)).await.unwrap();
    for number in 1..=20 {
        commit(&store, put("/a", number)).await;
    }
    let mut both = put("/b", 21);
    both.delete(key("/a"));
    commit(&store, both).await;
    let head = Revision(21);
    let mut all: Vec<_> = (1..=20).map(|number| (number, "/a".to_string(), Some(number))).collect();
    all.extend([(21, "/a".into(), None), (21, "/b".into(), Some(21))]);
    assert_eq!(drain(&mut live, head).await.unwrap(), all);
    for after in 0..=21 {
        let mut watch = store.watch(Revision(after)).await.unwrap();
        let expected: Vec<_> = all.iter().filter(|row| row.0 > after).cloned().collect();
        assert_eq!(drain(&mut watch, head).await.unwrap(), expected, "after {after}");
    }
}

pub async fn a_waiting_watch_wakes(store: Arc<dyn Store>) {
    let mut watch = store.watch(Revision(0)).await.unwrap();
    // Dropping a waiting future loses nothing.
    assert!(futures_poll_once(watch.next()).await.is_none());
    let waiting = tokio::spawn(async move { watch.next().await });
    tokio::task::yield_now().await;
    commit(&store, put("/a", 1)).await;
    let batches = soon(waiting).await.unwrap().unwrap();
    assert_eq!((batches.len(), batches[0].revision), (1, Revision(1)));
}

async fn futures_poll_once<T>(wait: impl Future<Output = T>) -> Option<T> {
    let mut wait = std::pin::pin!(wait);
    std::future::poll_fn(|context| match wait.as_mut().poll(context) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

pub async fn a_watch_ahead_is_refused(store: Arc<dyn Store>) {
    commit(&store, put("/a", 1)).await;
    assert!(store.watch(Revision(1)).await.is_ok());
    match store.watch(Revision(2)).await.err() {
        Some(WatchError::Ahead { asked: Revision(2), head: Revision(1) }) => {}
        other => panic!("{other:?}"),
    }
}

pub async fn compaction_is_an_explicit_error(store: Arc<dyn Store>) {
    for number in 1..=10 {
        commit(&store, put(&format!("/{}", number % 3), number)).await;
    }
    let mut gone = Txn::new();
    gone.delete(key("/0"));
    commit(&store, gone).await;
    let mut behind = store.watch(Revision(3)).await.unwrap();
    let mut level = store.watch(Revision(6)).await.unwrap();
    let before = list(&store, "/").await;
    store.compact(Revision(6)).await.unwrap();
    // Less than before is no change.
    store.compact(Revision(2)).await.unwrap();
    let is_compacted = |error| matches!(error, Some(WatchError::Compacted { oldest: Revision(6) }));
    assert!(is_compacted(soon(behind.next()).await.err()));
    assert!(is_compacted(store.watch(Revision(5)).await.err()));
    assert_eq!(drain(&mut level, Revision(11)).await.unwrap().len(), 5);
    assert_eq!(list(&store, "/").await, before);
    // Beyond the head is the head; what is there stays, and revisions go on.
    store.compact(Revision(1000)).await.unwrap();
    assert_eq!(list(&store, "/").await, before);
    let mut watch = store.watch(Revision(11)).await.unwrap();
    assert_eq!(commit(&store, put("/0", 1)).await, Revision(12));
    assert_eq!(drain(&mut watch, Revision(12)).await.unwrap(), [(12, "/0".into(), Some(1))]);
}

pub async fn a_view_shows_what_was_committed(store: Arc<dyn Store>) {
    commit(&store, put("/m/1", 1)).await;
    let view: View = View::start(store.clone()).await.unwrap();
    let early = view.state();
    let mut changes = view.changes();
    assert_eq!(soon(changes.next()).await.unwrap().revision(), Revision(1));
    for number in 2..=50 {
        let mut txn = put(&format!("/m/{number}"), number);
        txn.delete(key(&format!("/m/{}", number - 1)));
        let revision = commit(&store, txn).await;
        let state = soon(view.wait_for(revision)).await.unwrap();
        assert_eq!(state.get(&key(&format!("/m/{number}"))).map(|entry| entry.revision), Some(revision));
        assert_eq!(state.range(&Prefix::parse("/m/").unwrap()).count(), 1);
    }
    while soon(changes.next()).await.unwrap().revision() < Revision(50) {}
    let names = |state: &crate::State| state.entries().keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((names(&early), names(&view.state())), (vec!["/m/1".into()], vec!["/m/50".to_string()]));
}

pub async fn a_feed_gives_every_batch(store: Arc<dyn Store>) {
    commit(&store, put("/a", 0)).await;
    let view: View = View::start(store.clone()).await.unwrap();
    let (state, mut feed) = view.follow();
    assert_eq!(state.revision(), Revision(1));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..25 {
                    commit(&store, put(&format!("/{writer}"), number)).await;
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    while feed.position() < Revision(101) {
        let step = soon(feed.next()).await.unwrap();
        assert_eq!(step.batches.last().map(|batch| batch.revision), Some(step.state.revision()));
        seen.extend(step.batches.iter().map(|batch| batch.revision.0));
    }
    assert_eq!(seen, (2..=101).collect::<Vec<_>>());
    for writer in writers {
        soon(writer).await.unwrap();
    }
    let snapshot = store.snapshot(&Prefix::all()).await.unwrap();
    assert_eq!(
        view.state().entries().iter().map(|(k, e)| (k.clone(), e.clone())).collect::<Vec<_>>(),
        snapshot.entries
    );
    assert_eq!(flat(&snapshot).len(), 5);
}

pub async fn a_slow_feed_is_told(store: Arc<dyn Store>) {
    let view: View = View::start_with(store.clone(), Limits { batches: 5, bytes: 1 << 20 }).await.unwrap();
    let (_, mut feed) = view.follow();
    for number in 1..=6 {
        let revision = commit(&store, put("/a", number)).await;
        soon(view.wait_for(revision)).await.unwrap();
    }
    assert_eq!(soon(feed.next()).await.err(), Some(Lost::Behind));
    assert_eq!(feed.resync().revision(), Revision(6));
    commit(&store, put("/a", 7)).await;
    assert_eq!(soon(feed.next()).await.unwrap().batches.len(), 1);
}

pub async fn a_view_survives_compaction(store: Arc<dyn Store>) {
    let view: View = View::start(store.clone()).await.unwrap();
    for number in 1..=30 {
        let revision = match store.commit(put("/a", number)).await {
            Ok(committed) => committed.revision,
            Err(CommitError::Failed(failure)) => panic!("{failure}"),
            Err(other) => panic!("{other}"),
        };
        store.compact(revision).await.unwrap();
    }
    let state = soon(view.wait_for(Revision(30))).await.unwrap();
    assert_eq!(state.get(&key("/a")).map(|entry| entry.value.clone()), Some(value(30)));
}
