//! A disk in memory for tests of durability: it knows what was synced, forgets the rest at a crash, and fails when told to.
//!
//! It knows no database; [`vfs`] lends it to SQLite. The surprise: after a crash the disk is dead for whoever had it open, and
//! [`Disk::wreck`] gives another one with what a power failure would have left.
//!
//! ```text
//!            write, truncate              sync                      crash
//!   caller -----------------> pending ---------------> kept  ~~~~~~~~~~~~~~~~~> kept
//!                             (live shows both)              + some of pending, by sectors, in no order
//! ```

mod locks;
pub mod vfs;

use locks::{Locks, Shared};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a caller asks of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Delete,
    /// More of the memory that the connections of one file share, which is a file of its own on a real disk.
    Share,
}

impl Step {
    /// Whether a crash before it and a crash after it leave different disks.
    pub fn changes(self) -> bool {
        !matches!(self, Step::Read | Step::Open | Step::Share)
    }
}

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    Fails(Errno),
    /// The disk dies before the step has an effect.
    CrashBefore,
    /// It dies after the effect and before the caller hears of it.
    CrashAfter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errno {
    Io,
    NoSpace,
    ReadOnly,
    Quota,
}

/// Decides over each step, given its number from 0 since the plan was made.
pub type Plan = Box<dyn FnMut(Step, u64) -> Fate + Send>;

/// What of the writes that were not synced a crash leaves.
#[derive(Debug, Clone, Copy)]
pub enum Leaves {
    Nothing,
    /// Each sector, length and name by a throw of dice.
    Some(u64),
}

/// The part of a write that a disk writes wholly or not.
const SECTOR: usize = 512;

#[derive(Default)]
pub struct Disk {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Names as callers see them, and as they are on the medium.
    names: BTreeMap<String, usize>,
    kept_names: BTreeMap<String, usize>,
    files: Vec<File>,
    plan: Option<Plan>,
    steps: u64,
    counts: BTreeMap<Step, u64>,
    dead: bool,
    /// Syncs that say yes and do nothing.
    lies: bool,
    /// Bytes of all files together.
    room: Option<usize>,
    errno: Option<Errno>,
}

#[derive(Default)]
struct File {
    live: Vec<u8>,
    kept: Vec<u8>,
    pending: Vec<Pending>,
    locks: Locks,
    shared: Shared,
}

enum Pending {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Pending {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Pending::Bytes(at, bytes) => put(content, *at, bytes),
            Pending::Length(length) => content.resize(*length, 0),
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// Chance for a whole run from one number (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn yes(&mut self) -> bool {
        self.throw() & 1 == 1
    }
}

impl Disk {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on steps are numbered from 0 and go as the plan says.
    pub fn plan(&self, plan: impl FnMut(Step, u64) -> Fate + Send + 'static) {
        let mut inner = self.inner();
        inner.plan = Some(Box::new(plan));
        inner.steps = 0;
    }

    /// Everything works again, but for a disk that died.
    pub fn heal(&self) {
        let mut inner = self.inner();
        inner.plan = None;
        inner.room = None;
        inner.counts.clear();
    }

    /// From now on syncs do nothing.
    pub fn lie(&self) {
        self.inner().lies = true;
    }

    /// Leaves so many bytes free.
    pub fn leave(&self, free: usize) {
        let mut inner = self.inner();
        inner.room = Some(inner.used() + free);
    }

    /// How many steps of a kind there were since everything was last made well.
    pub fn steps(&self, step: Step) -> u64 {
        self.inner().counts.get(&step).copied().unwrap_or(0)
    }

    /// Bytes that all files hold.
    pub fn used(&self) -> usize {
        self.inner().used()
    }

    /// The power fails: the caller's disk is dead, and here is what is on the medium.
    pub fn wreck(&self, leaves: Leaves) -> Disk {
        let mut inner = self.inner();
        inner.dead = true;
        let mut dice = match leaves {
            Leaves::Nothing => None,
            Leaves::Some(seed) => Some(Dice(seed)),
        };
        let mut lucky = || dice.as_mut().is_some_and(Dice::yes);
        let mut left = Inner::default();
        for file in &inner.files {
            let mut kept = file.kept.clone();
            for pending in &file.pending {
                match pending {
                    Pending::Bytes(at, bytes) => {
                        let mut from = 0;
                        while from < bytes.len() {
                            // Up to the next sector of the medium.
                            let to = (from + SECTOR - (at + from) % SECTOR).min(bytes.len());
                            if lucky() {
                                put(&mut kept, at + from, &bytes[from..to]);
                            }
                            from = to;
                        }
                    }
                    length @ Pending::Length(_) => {
                        if lucky() {
                            length.apply(&mut kept);
                        }
                    }
                }
            }
            left.files.push(File { live: kept.clone(), kept, ..File::default() });
        }
        let names: std::collections::BTreeSet<&String> = inner.names.keys().chain(inner.kept_names.keys()).collect();
        for name in names {
            let (live, kept) = (inner.names.get(name), inner.kept_names.get(name));
            if let Some(file) = if live != kept && lucky() { live } else { kept } {
                left.kept_names.insert(name.clone(), *file);
            }
        }
        left.names = left.kept_names.clone();
        left.lies = inner.lies;
        Disk { inner: Mutex::new(left) }
    }

    fn open(&self, name: Option<&str>, create: bool, at_once: bool) -> Result<usize, Errno> {
        let mut inner = self.inner();
        inner.step(Step::Open, |inner| {
            if let Some(file) = name.and_then(|name| inner.names.get(name)) {
                return Ok(*file);
            }
            if !create {
                return Err(Errno::Io);
            }
            inner.files.push(File::default());
            let file = inner.files.len() - 1;
            if let Some(name) = name {
                inner.names.insert(name.into(), file);
                if at_once {
                    inner.kept_names.insert(name.into(), file);
                }
            }
            Ok(file)
        })
    }

    /// Whether there was one.
    fn delete(&self, name: &str, at_once: bool) -> Result<bool, Errno> {
        self.inner().step(Step::Delete, |inner| {
            if at_once {
                inner.kept_names.remove(name);
            }
            Ok(inner.names.remove(name).is_some())
        })
    }

    fn exists(&self, name: &str) -> bool {
        let inner = self.inner();
        inner.names.get(name).is_some_and(|file| !inner.files[*file].live.is_empty())
    }

    /// How many bytes there were; the rest of the buffer is zero.
    fn read(&self, file: usize, at: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.inner().step(Step::Read, |inner| {
            let there = inner.files[file].live.get(at..).unwrap_or_default();
            let count = there.len().min(buffer.len());
            buffer[..count].copy_from_slice(&there[..count]);
            buffer[count..].fill(0);
            Ok(count)
        })
    }

    fn write(&self, file: usize, at: usize, bytes: &[u8]) -> Result<(), Errno> {
        self.inner().step(Step::Write, |inner| {
            let grows = (at + bytes.len()).saturating_sub(inner.files[file].live.len());
            if grows > 0 && inner.room.is_some_and(|room| inner.used() + grows > room) {
                return Err(Errno::NoSpace);
            }
            inner.change(file, Pending::Bytes(at, bytes.to_vec()));
            Ok(())
        })
    }

    fn truncate(&self, file: usize, length: usize) -> Result<(), Errno> {
        self.inner().step(Step::Truncate, |inner| {
            inner.change(file, Pending::Length(length));
            Ok(())
        })
    }

    fn sync(&self, file: usize) -> Result<(), Errno> {
        let mut inner = self.inner();
        let synced = inner.step(Step::Sync, |inner| {
            if inner.lies {
                return Ok(());
            }
            let File { kept, pending, .. } = &mut inner.files[file];
            for pending in pending.drain(..) {
                pending.apply(kept);
            }
            // As SQLite's own layer does, which syncs the directory when a journal is new in it: with all else that happened there.
            let new = inner.names.iter().any(|(name, at)| *at == file && inner.kept_names.get(name) != Some(at));
            if new {
                inner.kept_names = inner.names.clone();
            }
            Ok(())
        });
        // What a failed sync did not write, later ones do not either: the kernel has marked it clean.
        if synced.is_err() && !inner.dead {
            inner.files[file].pending.clear();
        }
        synced
    }

    fn length(&self, file: usize) -> usize {
        self.inner().files[file].live.len()
    }
}

impl Inner {
    fn used(&self) -> usize {
        self.names.values().map(|file| self.files[*file].live.len()).sum()
    }

    fn change(&mut self, file: usize, change: Pending) {
        let file = &mut self.files[file];
        change.apply(&mut file.live);
        file.pending.push(change);
    }

    fn step<T>(&mut self, step: Step, act: impl FnOnce(&mut Inner) -> Result<T, Errno>) -> Result<T, Errno> {
        let number = self.steps;
        self.steps += 1;
        *self.counts.entry(step).or_default() += 1;
        let fate = match &mut self.plan {
            _ if self.dead => Fate::Fails(Errno::Io),
            Some(plan) => plan(step, number),
            None => Fate::Done,
        };
        let done = match fate {
            Fate::Done => act(self),
            Fate::Fails(errno) => Err(errno),
            Fate::CrashBefore => {
                self.dead = true;
                Err(Errno::Io)
            }
            Fate::CrashAfter => {
                let _ = act(self);
                self.dead = true;
                Err(Errno::Io)
            }
        };
        self.errno = done.as_ref().err().copied().or(self.errno);
        done
    }
}

/// A disk and the SQLite file layer through which it is used.
pub struct Bench {
    layer: vfs::Layer,
    disk: Arc<Disk>,
}

impl Bench {
    pub fn new(disk: Disk) -> Bench {
        let disk = Arc::new(disk);
        Bench { layer: vfs::Layer::register(disk.clone()), disk }
    }

    pub fn disk(&self) -> &Arc<Disk> {
        &self.disk
    }

    /// The name under which SQLite knows it.
    pub fn vfs(&self) -> &'static str {
        self.layer.name()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let mut inner = self.disk.inner();
        inner.dead = true;
        for file in &mut inner.files {
            (file.live, file.kept, file.pending) = Default::default();
        }
    }
}
