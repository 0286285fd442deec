//! Watches the room on the controller's disk, bytes and files, and raises an alarm before it is full: in the log, and in the status of every
//! model.
//! It frees nothing itself. The surprise: it writes nothing to the store, since that is what may be impossible.
//!
//! ```text
//!             less than LITTLE              less than ALARM
//!   enough --------------------> little --------------------> hardly any
//!     ^  ^                        |  ^                          |
//!     |  +------------------------+  +--------------------------+    each back only with a tenth more than its bound
//!     +---------------------------------------------------------+
//! ```

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::clock::Time;
use model::beliefs::Beliefs;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::parts::Parts;

/// Below this there is little room; on disks bigger than 10 GiB, below a twentieth of them, yet never more than [`LITTLE_AT_MOST`].
pub const LITTLE: u64 = 512 << 20;
pub const LITTLE_AT_MOST: u64 = 5 << 30;
/// Below this commits are about to fail.
pub const ALARM: u64 = 64 << 20;
/// The same of files: a twentieth of a small file system's, never more than so many. A machine of this host takes some thousands.
pub const LITTLE_FILES: u64 = 50_000;
pub const ALARM_FILES: u64 = 1_000;
const EVERY: Duration = Duration::from_secs(30);

/// Of a file system, as statvfs has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that may still be written.
    pub free: u64,
    pub total: u64,
    /// Files that may still be made; 0 of 0 where their number is not fixed.
    pub files_free: u64,
    pub files_total: u64,
}

impl Space {
    /// Bytes alone.
    pub fn of_bytes(free: u64, total: u64) -> Space {
        Space { free, total, files_free: 0, files_total: 0 }
    }
}

/// Asks how much room there is where the controller keeps its data.
pub trait Room: Send + Sync {
    fn space(&self) -> io::Result<Space>;
}

impl<F: Fn() -> io::Result<Space> + Send + Sync> Room for F {
    fn space(&self) -> io::Result<Space> {
        self()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Enough,
    Little,
    HardlyAny,
}

fn little(total: u64) -> u64 {
    (total / 20).clamp(LITTLE, LITTLE_AT_MOST)
}

fn little_files(total: u64) -> u64 {
    (total / 20).min(LITTLE_FILES)
}

/// How it stands, given how it stood.
fn level(space: Space, before: Level) -> Level {
    let bytes = level_of(space.free, little(space.total), ALARM, before);
    let files = match space.files_total {
        0 => Level::Enough,
        total => level_of(space.files_free, little_files(total), ALARM_FILES.min(total / 100), before),
    };
    bytes.max(files)
}

fn level_of(free: u64, little: u64, alarm: u64, before: Level) -> Level {
    let under = |bound: u64, was: Level| free < if before >= was { bound + bound / 10 } else { bound };
    if under(alarm, Level::HardlyAny) {
        Level::HardlyAny
    } else if under(little, Level::Little) {
        Level::Little
    } else {
        Level::Enough
    }
}

fn words(space: Space, level: Level) -> Option<String> {
    let mut left = format!("{} MiB left of {} MiB", space.free >> 20, space.total >> 20);
    if space.files_total != 0 && space.files_free < little_files(space.files_total) * 11 / 10 {
        left.push_str(&format!(", {} files left of {}", space.files_free, space.files_total));
    }
    match level {
        Level::Enough => None,
        Level::Little => Some(format!("controller's disk is nearly full: {left}")),
        Level::HardlyAny => Some(format!("controller's disk is full: {left}, changes are about to fail")),
    }
}

/// The one thing that is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataDirectory;

impl std::fmt::Display for DataDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("data directory")
    }
}

pub struct Disk {
    parts: Parts,
    seen: Mutex<Seen>,
}

struct Seen {
    looked: Option<Time>,
    level: Level,
}

impl Disk {
    pub(crate) fn new(parts: Parts) -> Disk {
        Disk { parts, seen: Mutex::new(Seen { looked: None, level: Level::Enough }) }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker for Disk {
    type Item = DataDirectory;

    fn name(&self) -> &'static str {
        "disk"
    }

    fn decide(&self, _: &Beliefs, now: Time) -> Decision<DataDirectory> {
        match self.seen().looked.map(|looked| looked.plus(EVERY)) {
            Some(next) if next > now => Decision { due: Vec::new(), again: Some(next) },
            _ => Decision { due: vec![DataDirectory], again: None },
        }
    }

    async fn act(&self, _: DataDirectory) -> Result<(), Failure> {
        let space = self.parts.room.space();
        let space = space.map_err(|error| Failure::new(format!("cannot tell how full the disk is: {error}")))?;
        let mut seen = self.seen();
        let now = level(space, seen.level);
        let words = words(space, now);
        match &words {
            Some(words) if now == Level::HardlyAny && now != seen.level => tracing::error!("{words}"),
            Some(words) if now != seen.level => tracing::warn!("{words}"),
            None if now != seen.level => tracing::info!("controller's disk has room again: {} MiB", space.free >> 20),
            _ => {}
        }
        self.parts.state.alarms().set("disk", words);
        *seen = Seen { looked: Some(self.parts.state.now()), level: now };
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 1, ..Pace::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_told_by_its_measure_and_is_over_with_some_to_spare() {
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        for (total, free, before, after) in [
            (4 * GIB, 600 * MIB, Level::Enough, Level::Enough),
            (4 * GIB, 511 * MIB, Level::Enough, Level::Little),
            (4 * GIB, 540 * MIB, Level::Little, Level::Little),
            (4 * GIB, 570 * MIB, Level::Little, Level::Enough),
            (4 * GIB, 63 * MIB, Level::Little, Level::HardlyAny),
            (4 * GIB, 66 * MIB, Level::HardlyAny, Level::HardlyAny),
            (4 * GIB, 66 * MIB, Level::Enough, Level::Little),
            (4 * GIB, 80 * MIB, Level::HardlyAny, Level::Little),
            (4 * GIB, 3 * GIB, Level::HardlyAny, Level::Enough),
            // A twentieth of a big disk, but not of a huge one.
            (40 * GIB, 3 * GIB / 2, Level::Enough, Level::Little),
            (4096 * GIB, 6 * GIB, Level::Enough, Level::Enough),
            (4096 * GIB, 4 * GIB, Level::Enough, Level::Little),
            (32 * MIB, 32 * MIB, Level::Enough, Level::HardlyAny),
        ] {
            assert_eq!(level(Space::of_bytes(free, total), before), after, "{free} of {total}, {before:?}");
        }
    }

    #[test]
    fn few_files_are_told_though_there_are_bytes() {
        let space = |files_free, files_total| Space { files_free, files_total, ..Space::of_bytes(1 << 40, 1 << 40) };
        for (free, total, before, after) in [
            (0, 0, Level::Enough, Level::Enough),
            (60_000, 6_000_000, Level::Enough, Level::Enough),
            (49_000, 6_000_000, Level::Enough, Level::Little),
            (54_000, 6_000_000, Level::Little, Level::Little),
            (56_000, 6_000_000, Level::Little, Level::Enough),
            (999, 6_000_000, Level::Little, Level::HardlyAny),
            (4_000, 65_536, Level::Enough, Level::Enough),
            (3_000, 65_536, Level::Enough, Level::Little),
            (600, 65_536, Level::Enough, Level::HardlyAny),
        ] {
            assert_eq!(level(space(free, total), before), after, "{free} of {total}, {before:?}");
        }
        let told = words(space(49_000, 6_000_000), Level::Little).unwrap_or_default();
        assert!(told.ends_with("49000 files left of 6000000"), "{told}");
        let told = words(Space::of_bytes(1 << 20, 1 << 30), Level::HardlyAny).unwrap_or_default();
        assert!(!told.contains("files"), "{told}");
    }
}
