//! How many bytes of history there are, so that big values cannot fill a disk before there are many of them.
//!
//! It knows no SQL. The surprise: it counts in steps of several revisions, so it takes little memory and forgets a bit more than it must.

use crate::value::Revision;
use std::collections::VecDeque;

/// A count of steps: the bound is met to about this fraction.
const STEPS: u64 = 32;

pub(super) struct Weight {
    /// The last revision of each step, and its bytes.
    steps: VecDeque<(Revision, u64)>,
    total: u64,
    most: u64,
}

impl Weight {
    pub fn new(most: u64) -> Weight {
        Weight { steps: VecDeque::new(), total: 0, most }
    }

    /// Takes in a revision, in order.
    pub fn add(&mut self, revision: Revision, bytes: u64) {
        self.total += bytes;
        let step = self.most / STEPS;
        match self.steps.back_mut() {
            Some((last, weight)) if *last == revision || *weight + bytes <= step => {
                *last = revision;
                *weight += bytes;
            }
            _ => self.steps.push_back((revision, bytes)),
        }
    }

    /// History up to this revision is gone.
    pub fn forget(&mut self, upto: Revision) {
        while self.steps.front().is_some_and(|(last, _)| *last <= upto) {
            self.total -= self.steps.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    /// Up to where history must be forgotten, when it is over its bound; it is then under it by a few steps.
    pub fn excess(&self) -> Option<Revision> {
        if self.total <= self.most {
            return None;
        }
        let (mut left, enough) = (self.total, self.most - self.most / 8);
        let mut upto = None;
        for (last, bytes) in &self.steps {
            if left <= enough {
                break;
            }
            left -= bytes;
            upto = Some(*last);
        }
        upto
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_steps_are_in_excess() {
        let mut weight = Weight::new(3200);
        for revision in 1..=320 {
            weight.add(Revision(revision), 10);
        }
        assert_eq!(weight.excess(), None);
        weight.add(Revision(321), 10);
        assert_eq!(weight.excess(), Some(Revision(50)));
        weight.forget(Revision(50));
        assert_eq!((weight.excess(), weight.total), (None, 2710));
        // One revision beyond all measure.
        weight.add(Revision(322), 9000);
        assert_eq!(weight.excess(), Some(Revision(322)));
        weight.forget(Revision(322));
        assert_eq!((weight.excess(), weight.total), (None, 0));
    }
}
