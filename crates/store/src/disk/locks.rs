//! Locks of a file, and the memory that its connections share, as SQLite's file layers know them.
//!
//! They never wait. The surprise: shared memory is handed out as raw pointers, so nothing of it is freed before its disk.
#![allow(unsafe_code, reason = "SQLite writes to the shared memory through pointers of its own")]

use std::collections::BTreeMap;

pub const SHARED: i32 = 1;
pub const RESERVED: i32 = 2;
pub const PENDING: i32 = 3;

/// Who holds what, by number of handle.
#[derive(Default)]
pub struct Locks(BTreeMap<u64, i32>);

impl Locks {
    /// Whether the handle has the level now; one that must wait for readers to end stops new ones.
    pub fn raise(&mut self, who: u64, level: i32) -> bool {
        let mine = self.0.get(&who).copied().unwrap_or(0);
        if mine >= level {
            return true;
        }
        let others = self.0.iter().filter(|(other, _)| **other != who).map(|(_, level)| *level).max().unwrap_or(0);
        let may = match level {
            SHARED => others < PENDING,
            RESERVED => others < RESERVED,
            // Exclusive.
            _ if others >= RESERVED => false,
            _ if others >= SHARED => {
                self.0.insert(who, PENDING);
                false
            }
            _ => true,
        };
        if may {
            self.0.insert(who, level);
        }
        may
    }

    pub fn lower(&mut self, who: u64, level: i32) {
        if level == 0 {
            self.0.remove(&who);
        } else {
            self.0.insert(who, level);
        }
    }

    pub fn reserved(&self) -> bool {
        self.0.values().any(|level| *level >= RESERVED)
    }
}

pub const SLOTS: usize = 8;
const WORDS: usize = 4096;

struct Region(*mut [u64; WORDS]);

// SAFETY: the memory is plain words that only SQLite touches, which orders its accesses by the locks beside it.
unsafe impl Send for Region {}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and its disk, which every handle holds, is gone.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

#[derive(Default)]
pub struct Shared {
    regions: Vec<Region>,
    users: std::collections::BTreeSet<u64>,
    /// Holders of each slot; true for an exclusive one.
    slots: [BTreeMap<u64, bool>; SLOTS],
}

impl Shared {
    pub fn has(&self, index: usize) -> bool {
        index < self.regions.len()
    }

    /// The region, made when it is missing and `make`; what is there before the first user comes is forgotten.
    pub fn map(&mut self, who: u64, index: usize, make: bool) -> Option<*mut u8> {
        if self.users.is_empty() {
            for region in &self.regions {
                // SAFETY: nobody else has the memory mapped.
                unsafe { region.0.write([0; WORDS]) };
            }
        }
        self.users.insert(who);
        while make && self.regions.len() <= index {
            self.regions.push(Region(Box::into_raw(Box::new([0; WORDS]))));
        }
        self.regions.get(index).map(|region| region.0.cast())
    }

    pub fn unmap(&mut self, who: u64) {
        self.users.remove(&who);
        for slot in &mut self.slots {
            slot.remove(&who);
        }
    }

    pub fn lock(&mut self, who: u64, slots: std::ops::Range<usize>, exclusive: bool) -> bool {
        let slots = &mut self.slots[slots];
        let taken =
            |slot: &BTreeMap<u64, bool>| slot.iter().any(|(other, theirs)| *other != who && (exclusive || *theirs));
        if slots.iter().any(taken) {
            return false;
        }
        for slot in slots {
            slot.insert(who, exclusive);
        }
        true
    }

    pub fn unlock(&mut self, who: u64, slots: std::ops::Range<usize>) {
        for slot in &mut self.slots[slots] {
            slot.remove(&who);
        }
    }
}
