//! The property: any history reads like a plain map.
//!
//! It must not know the back end. The surprise: the plain model keeps every state there ever was, so that resuming
//! from each revision can be compared with the list at that revision.

use super::{Given, key, soon, value};
use crate::{CommitError, Guard, Key, Prefix, Revision, Store, Txn, Watch, WatchError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Act {
    Commit {
        guards: Vec<(usize, Choice)>,
        writes: Vec<(usize, Option<u64>)>,
    },
    /// To this many revisions before the head.
    Compact(u64),
    /// Reads the live watch up to the head.
    Drain,
}

#[derive(Debug, Clone, Copy)]
enum Choice {
    Absent,
    Present,
    /// As last written; or, where absent, at revision 1.
    Right,
    Wrong,
}

const NAMES: [&str; 6] = ["/a", "/a/b", "/a/c", "/a.b", "/b", "/a/b/c"];

fn act() -> impl Strategy<Value = Act> {
    let choice = prop_oneof![
        1 => Just(Choice::Absent),
        1 => Just(Choice::Present),
        3 => Just(Choice::Right),
        1 => Just(Choice::Wrong)
    ];
    let guards = prop::collection::vec((0..NAMES.len(), choice), 0..2);
    let writes = prop::collection::vec((0..NAMES.len(), prop::option::weighted(0.7, any::<u64>())), 0..4);
    prop_oneof![
        8 => (guards, writes).prop_map(|(guards, writes)| Act::Commit { guards, writes }),
        1 => (0..6_u64).prop_map(Act::Compact),
        1 => Just(Act::Drain)
    ]
}

type Plain = BTreeMap<Key, (u64, Revision)>;

struct Model {
    /// The state at each revision.
    states: Vec<Plain>,
    compacted: Revision,
}

impl Model {
    fn head(&self) -> Revision {
        Revision(self.states.len() as u64 - 1)
    }

    fn now(&self) -> &Plain {
        &self.states[self.states.len() - 1]
    }

    /// What the transaction must give, and its effect.
    fn commit(&mut self, txn: &Txn) -> Option<Revision> {
        let now = self.now();
        if !txn.guards().all(|(key, guard)| guard.holds(now.get(key).map(|row| row.1))) {
            return None;
        }
        let revision = self.head().next();
        let mut next = now.clone();
        let mut changed = false;
        for (key, value) in txn.writes() {
            changed |= match value {
                Some(value) => {
                    next.insert(key.clone(), (value.decode().unwrap(), revision));
                    true
                }
                None => next.remove(key).is_some(),
            };
        }
        if changed {
            self.states.push(next);
        }
        Some(self.head())
    }
}

/// Runs random histories on stores made by `open`.
pub fn any_history_reads_like_a_plain_map<F: Future<Output = Given>>(open: impl Fn() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let histories = prop::collection::vec(act(), 1..40);
    let result = TestRunner::new(config).run(&histories, |acts| {
        runtime.block_on(async {
            let given = open().await;
            play(&given.store, &acts).await;
        });
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

async fn play(store: &Arc<dyn Store>, acts: &[Act]) {
    let mut model = Model { states: vec![Plain::new()], compacted: Revision(0) };
    let mut live = store.watch(Revision(0)).await.unwrap();
    for act in acts {
        match act {
            Act::Commit { guards, writes } => {
                let txn = transaction(&model, guards, writes);
                let expected = model.commit(&txn);
                match store.commit(txn).await {
                    Ok(committed) => assert_eq!(Some(committed.revision), expected),
                    Err(CommitError::Conflict { .. }) => assert_eq!(None, expected),
                    Err(other) => panic!("{other}"),
                }
            }
            Act::Compact(back) => {
                let before = Revision(model.head().0.saturating_sub(*back));
                store.compact(before).await.unwrap();
                model.compacted = model.compacted.max(before);
            }
            Act::Drain => {
                let from = live.position();
                if !replay(&model, &mut live, from).await {
                    live = store.watch(model.head()).await.unwrap();
                }
            }
        }
        let listed = store.snapshot(&Prefix::all()).await.unwrap();
        assert_eq!(listed.revision, model.head());
        let listed: Vec<_> = listed
            .entries
            .into_iter()
            .map(|(key, entry)| (key, (entry.value.decode::<u64>().unwrap(), entry.revision)))
            .collect();
        assert_eq!(listed, model.now().clone().into_iter().collect::<Vec<_>>());
    }
    for after in 0..=model.head().0 {
        match store.watch(Revision(after)).await {
            Ok(mut watch) => assert!(replay(&model, &mut watch, Revision(after)).await),
            Err(WatchError::Compacted { oldest }) => {
                assert_eq!(oldest, model.compacted);
                assert!(after < model.compacted.0, "history after {after} is gone too early");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

fn transaction(model: &Model, guards: &[(usize, Choice)], writes: &[(usize, Option<u64>)]) -> Txn {
    let mut txn = Txn::new();
    for (name, choice) in guards {
        let key = key(NAMES[*name]);
        let at = model.now().get(&key).map_or(Revision(1), |row| row.1);
        let guard = match choice {
            Choice::Absent => Guard::Absent,
            Choice::Present => Guard::Present,
            Choice::Right => Guard::At(at),
            Choice::Wrong => Guard::At(Revision(at.0.saturating_sub(1))),
        };
        txn.guard(key, guard);
    }
    for (name, number) in writes {
        let key = key(NAMES[*name]);
        match number {
            Some(number) => txn.put(key, value(*number)),
            None => txn.delete(key),
        };
    }
    txn
}

/// Applies what the watch gives to the state at `from`; each state on the way must be the model's. False: compacted.
async fn replay(model: &Model, watch: &mut Watch, from: Revision) -> bool {
    let mut state = model.states[from.0 as usize].clone();
    let mut at = from;
    while watch.position() < model.head() {
        let batches = match soon(watch.next()).await {
            Ok(batches) => batches,
            Err(WatchError::Compacted { oldest }) => {
                assert!(at < oldest && oldest == model.compacted, "told compacted at {at}, oldest {oldest}");
                return false;
            }
            Err(other) => panic!("{other}"),
        };
        for batch in batches {
            assert_eq!(batch.revision, at.next(), "lost, repeated or reordered");
            at = batch.revision;
            for change in &batch.changes {
                match &change.value {
                    Some(value) => drop(state.insert(change.key.clone(), (value.decode().unwrap(), at))),
                    None => assert!(state.remove(&change.key).is_some(), "deletion of what was absent"),
                }
            }
            assert_eq!(state, model.states[at.0 as usize]);
        }
    }
    true
}
