//! Work for a store on a disk that may die, and the judgement over what a crash left of it.
//!
//! It knows nothing of how the disk dies. The surprise: what watchers may have seen is not sampled but drained after the crash, from
//! where watches read: all that was ever published.

use super::*;
use crate::disk::{Bench, Disk};
use crate::watch::{Batch, Watch};
use crate::{Key, Store, Txn, Value};
use std::collections::BTreeMap;

pub const PERIOD: usize = 5;

/// Small, so that a short work is written back to the file several times.
/// As the product syncs.
pub const OURS: &str = Medium::STATE.synchronous;

pub fn medium(bench: &Bench, synchronous: &'static str) -> Medium {
    Medium { vfs: Some(bench.vfs()), synchronous, checkpoint: 40, journal: 64 << 10 }
}

pub type Changes = BTreeMap<Key, Option<Value>>;

/// What was sent, what was answered, what could be seen.
#[derive(Default)]
pub struct Diary {
    sent: Vec<Changes>,
    pub acked: BTreeMap<Revision, usize>,
    pub seen: BTreeMap<Revision, Changes>,
    /// Up to where history was asked to be forgotten.
    compacted: Revision,
}

impl Diary {
    /// The next transaction. Its number is in the value of a key that others write too.
    pub fn next(&mut self) -> (usize, Txn) {
        let number = self.sent.len();
        let text = |len: usize| Value::of(&(number, "x".repeat(len))).unwrap();
        let mut changes = Changes::new();
        changes.insert(key("/a/number"), Some(text(0)));
        changes.insert(key(&format!("/hot/{}", number % PERIOD)), Some(text(number * 211 % 6000)));
        changes.insert(key(&format!("/once/{number}")), Some(text(number % 7)));
        // One that is surely there only when all before it came through; deleting what is not there is nothing.
        if number % 3 == 2 {
            changes.insert(key(&format!("/hot/{}", (number + 2) % PERIOD)), None);
        }
        let mut txn = Txn::new();
        for (key, value) in &changes {
            match value {
                Some(value) => txn.put(key.clone(), value.clone()),
                None => txn.delete(key.clone()),
            };
        }
        self.sent.push(changes);
        (number, txn)
    }

    fn number(batch: &Changes) -> Option<usize> {
        let value = batch.get(&key("/a/number"))?.as_ref()?;
        value.decode::<(usize, String)>().ok().map(|(number, _)| number)
    }

    /// Commits `count` transactions at once; whether all went well.
    pub async fn commit(&mut self, store: &Sqlite, count: usize) -> Result<(), CommitError> {
        let txns: Vec<_> = (0..count).map(|_| self.next()).collect();
        // All are in the queue before the first answer is waited for.
        let mut answers: Vec<_> = txns.into_iter().map(|(number, txn)| (number, store.commit(txn))).collect();
        let mut worst = Ok(());
        let polled = answers.iter_mut().map(|(number, answer)| async { (*number, answer.await) });
        for (number, answer) in join(polled).await {
            match answer {
                Ok(committed) => {
                    self.acked.insert(committed.revision, number);
                }
                Err(error) => worst = Err(error),
            }
        }
        worst
    }

    /// Takes down all that the store ever told watches.
    pub async fn drain(&mut self, store: &Sqlite, watch: &mut Watch) {
        let head = *store.shared.head.borrow();
        while watch.position() < head {
            for batch in soon(watch.next()).await.unwrap() {
                self.seen.insert(batch.revision, changes(&batch));
            }
        }
    }

    pub async fn compact(&mut self, store: &Sqlite) -> Result<(), Failure> {
        let Some((head, _)) = self.acked.last_key_value() else { return Ok(()) };
        let before = Revision(head.0.saturating_sub(6));
        self.compacted = self.compacted.max(before);
        store.compact(before).await
    }

    /// What is wrong with the store, given all that was said before.
    pub async fn judge(&self, store: &Sqlite) -> Result<(), String> {
        let snapshot = store.snapshot(&Prefix::all()).await.map_err(|e| format!("unreadable: {e:?}"))?;
        if let Some((last, _)) = self.acked.last_key_value()
            && snapshot.revision < *last
        {
            return Err(format!("lost: head is {}, acknowledged was {last}", snapshot.revision));
        }
        let mut history: BTreeMap<Revision, Changes> = BTreeMap::new();
        let from = match store.watch(Revision(0)).await {
            Ok(_) => Revision(0),
            Err(WatchError::Compacted { oldest }) => oldest,
            Err(error) => return Err(format!("no watch: {error:?}")),
        };
        if from > self.compacted {
            return Err(format!("history before {from} is gone, only {} was asked for", self.compacted));
        }
        let mut watch = store.watch(from).await.map_err(|e| format!("no watch: {e:?}"))?;
        while watch.position() < snapshot.revision {
            let batches = soon(watch.next()).await.map_err(|e| format!("history is unreadable: {e:?}"))?;
            history.extend(batches.iter().map(|batch| (batch.revision, changes(batch))));
        }
        // What history no longer tells was acknowledged before it was asked to be forgotten.
        for (revision, number) in self.acked.range(..=from) {
            history.insert(*revision, self.sent[*number].clone());
        }
        let mut expected: BTreeMap<Key, (Value, Revision)> = BTreeMap::new();
        for (count, (revision, batch)) in history.iter().enumerate() {
            if revision.0 != count as u64 + 1 {
                return Err(format!("gap before revision {revision}"));
            }
            let Some(number) = Self::number(batch) else { return Err(format!("half: {revision} has no number")) };
            let whole: Changes = self.sent[number]
                .iter()
                .filter(|(key, value)| value.is_some() || expected.contains_key(*key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if *revision > from && whole != *batch {
                return Err(format!("half: {revision} is not what transaction {number} was"));
            }
            if let Some(acked) = self.acked.get(revision)
                && *acked != number
            {
                return Err(format!("lost: {revision} was {acked} when acknowledged, now it is {number}"));
            }
            for (key, value) in whole {
                match value {
                    Some(value) => expected.insert(key, (value, *revision)),
                    None => expected.remove(&key),
                };
            }
        }
        let found: BTreeMap<Key, (Value, Revision)> =
            snapshot.entries.into_iter().map(|(key, entry)| (key, (entry.value, entry.revision))).collect();
        if found != expected {
            return Err("state is not what its history leads to".into());
        }
        for (revision, batch) in self.seen.range(from.next()..) {
            if history.get(revision) != Some(batch) {
                return Err(format!("vanished: watchers saw {revision} otherwise"));
            }
        }
        Ok(())
    }

    /// The store takes work after all that.
    pub async fn goes_on(&mut self, store: &Sqlite) -> Result<(), String> {
        let seen = self.seen.last_key_value().map_or(Revision(0), |(revision, _)| *revision);
        let before = store.snapshot(&Prefix::all()).await.map_err(|e| format!("unreadable: {e:?}"))?.revision;
        self.commit(store, 3).await.map_err(|e| format!("no commit afterwards: {e:?}"))?;
        let first = self.acked.range(before.next()..).next().map(|(revision, _)| *revision);
        if first != Some(before.next()) || before < seen {
            return Err(format!("reused: goes on at {first:?} after {before}, watchers saw {seen}"));
        }
        self.judge(store).await
    }
}

fn changes(batch: &Batch) -> Changes {
    batch.changes.iter().map(|change| (change.key.clone(), change.value.clone())).collect()
}

/// Waits for all, polled together from the start.
async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        let mut ready = true;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *output = Some(done),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            std::task::Poll::Ready(futures.drain(..).filter_map(|(_, output)| output).collect())
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

/// A place where the store opens on a disk: the lock is real, the database is not.
pub struct Place {
    pub directory: tempfile::TempDir,
    pub bench: Bench,
    pub synchronous: &'static str,
}

impl Place {
    pub fn new(synchronous: &'static str) -> Place {
        Place { directory: tempfile::tempdir().unwrap(), bench: Bench::new(Disk::default()), synchronous }
    }

    pub fn open(&self) -> Result<Sqlite, OpenError> {
        let directory = Arc::new(Directory::open(self.directory.path())?);
        let options = Options { recent: 16, ..Options::default() };
        Sqlite::open_on(&medium(&self.bench, self.synchronous), directory, options)
    }

    /// SQLite's own judgement over the file.
    pub fn integrity(&self) -> Result<(), String> {
        let file = self.directory.path().join(FILE);
        let connection = medium(&self.bench, OURS).connect(&file).map_err(|e| format!("{e:?}"))?;
        let words: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .map_err(|e| format!("integrity is not known: {e}"))?;
        if words == "ok" { Ok(()) } else { Err(format!("damaged: {words}")) }
    }
}
