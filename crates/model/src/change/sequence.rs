//! Numbers given out by a transaction in the making. The counter is guarded once, however many numbers are taken.

use crate::beliefs::InModel;
use crate::key;
use crate::record::encode;
use crate::record::sequence::Sequence;
use base::ModelUuid;
use std::collections::BTreeMap;
use store::Txn;

/// Counters of one model, as this transaction leaves them.
pub(super) struct Counters<'a> {
    model: ModelUuid,
    within: &'a InModel,
    next: BTreeMap<String, u64>,
}

impl<'a> Counters<'a> {
    pub fn new(model: ModelUuid, within: &'a InModel) -> Counters<'a> {
        Counters { model, within, next: BTreeMap::new() }
    }

    pub fn take(&mut self, what: &str) -> u64 {
        let next = self.next.entry(what.to_owned()).or_insert_with(|| self.within.sequence(what));
        let taken = *next;
        *next += 1;
        taken
    }

    /// As `take`, of a counter that begins with 1.
    pub fn take_from_one(&mut self, what: &str) -> u64 {
        if self.within.sequence(what) == 0 && !self.next.contains_key(what) {
            self.next.insert(what.to_owned(), 1);
        }
        self.take(what)
    }

    pub fn write(self, txn: &mut Txn) {
        for (what, next) in self.next {
            let key = key::sequence(self.model, &what);
            let value = encode(&Sequence(next));
            match self.within.sequences.get(&what) {
                Some(read) => txn.replace(key, read.revision, value),
                None => txn.create(key, value),
            };
        }
    }
}
