//! What may be done to the state: one module for each noun, each function pure. A function sees the beliefs, a request, and what is [`Given`]
//! (time and chance), and gives a transaction with an answer, or a refusal.
//! It does not commit, does not authorize (`crate::access` did), and does not retry. The surprise: every record that a decision rests on is guarded
//! by its revision, so that a decision on yesterday's state never happens; `crate::State::change` then decides again.

pub mod agent;
pub mod annotation;
pub mod bakery;
pub mod block;
pub mod cloud;
pub mod controller;
pub mod credential;
pub mod enrolment;
pub mod instance;
pub mod key;
pub mod login;
pub mod lost;
pub mod machine;
pub mod model;
pub mod model_defaults;
pub mod network;
pub mod prune;
pub mod recover;
pub mod removal;
mod sequence;
pub mod settings;
pub mod start;
pub mod storage;
pub mod task;
pub mod user;

use crate::beliefs::Stored;
use crate::record::model::Model;
use crate::record::{Record, encode};
use base::chance::Chance;
use base::clock::Time;
use store::{Guard, Key, Txn};

/// Time and chance, told to the function.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    pub now: Time,
    pub chance: &'a dyn Chance,
}

/// What is to be written, and what to answer once it is.
#[derive(Debug)]
#[must_use = "a decision does nothing until it is committed"]
pub struct Decision<T = ()> {
    pub txn: Txn,
    pub answer: T,
}

impl<T> Decision<T> {
    pub fn new(txn: Txn, answer: T) -> Decision<T> {
        Decision { txn, answer }
    }

    /// Nothing is to be done: it is so already.
    pub fn nothing(answer: T) -> Decision<T> {
        Decision { txn: Txn::new(), answer }
    }
}

/// Puts what a model has one of, unless it is as it was. The model must be as it was read.
fn put_of_model<R: Record + PartialEq>(of: &Stored<Model>, key: Key, read: Option<&Stored<R>>, record: &R) -> Decision {
    let mut txn = Txn::new();
    if read.map(|read| &**read) != Some(record) {
        txn.upsert(key, read, record);
        txn.rests_on(crate::key::model(of.uuid), of);
    }
    Decision::new(txn, ())
}

/// Writing records rather than values.
pub(crate) trait TxnExt {
    /// Puts back a changed copy of a record that must still be as it was read.
    fn update<R: Record>(&mut self, key: Key, read: &Stored<R>, record: &R);
    /// Puts a record that was read, or that there was none of.
    fn upsert<R: Record>(&mut self, key: Key, read: Option<&Stored<R>>, record: &R);
    fn add<R: Record>(&mut self, key: Key, record: &R);
    /// The decision rests on this record being as it was read.
    fn rests_on<R>(&mut self, key: Key, read: &Stored<R>);
}

impl TxnExt for Txn {
    fn update<R: Record>(&mut self, key: Key, read: &Stored<R>, record: &R) {
        self.replace(key, read.revision, encode(record));
    }

    fn upsert<R: Record>(&mut self, key: Key, read: Option<&Stored<R>>, record: &R) {
        match read {
            Some(read) => self.update(key, read, record),
            None => self.add(key, record),
        }
    }

    fn add<R: Record>(&mut self, key: Key, record: &R) {
        self.create(key, encode(record));
    }

    fn rests_on<R>(&mut self, key: Key, read: &Stored<R>) {
        self.guard(key, Guard::At(read.revision));
    }
}
