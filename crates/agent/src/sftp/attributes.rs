//! File attributes between the protocol's words and the kernel's, and the line that `ls -l` shows.
//! It must not know of handles. The surprise: the protocol's times are 32 bits of seconds.

use std::fs::Metadata;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use russh_sftp::protocol::{File, FileAttributes};
use rustix::fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid};

pub fn of(metadata: &Metadata) -> FileAttributes {
    let seconds = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
    FileAttributes {
        size: Some(metadata.len()),
        uid: Some(metadata.uid()),
        user: None,
        gid: Some(metadata.gid()),
        group: None,
        permissions: Some(metadata.mode()),
        atime: Some(seconds(metadata.atime())),
        mtime: Some(seconds(metadata.mtime())),
    }
}

/// A directory's entry with its long form.
pub fn entry(name: String, metadata: &Metadata) -> File {
    let kind = match metadata.mode() & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let letters: String = (0..9)
        .rev()
        .map(|bit| if metadata.mode() & (1 << bit) == 0 { '-' } else { ['x', 'w', 'r'][bit % 3] })
        .collect();
    let longname = format!(
        "{kind}{letters} {:>4} {:<8} {:<8} {:>8} {} {name}",
        metadata.nlink(),
        metadata.uid(),
        metadata.gid(),
        metadata.len(),
        date(metadata.mtime())
    );
    File { filename: name, longname, attrs: of(metadata) }
}

/// `Jan 02  2026`, as ls shows what is old. Civil date from days: Howard Hinnant's algorithm.
fn date(seconds: i64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    format!("{} {day:02}  {year}", MONTHS[usize::try_from(month).unwrap_or(0)])
}

/// The size a new state asks for is set by `size`; owner, mode and times by the other three, in this order, as sshd's server does.
pub struct Change<'a>(pub &'a FileAttributes);

impl Change<'_> {
    fn mode(&self) -> Option<Mode> {
        self.0.permissions.map(|bits| Mode::from_bits_truncate(bits & 0o7777))
    }

    fn owner(&self) -> Option<(Uid, Gid)> {
        Some((Uid::from_raw(self.0.uid?), Gid::from_raw(self.0.gid?)))
    }

    fn times(&self) -> Option<Timestamps> {
        let at = |seconds: u32| Timespec { tv_sec: i64::from(seconds), tv_nsec: 0 };
        Some(Timestamps { last_access: at(self.0.atime?), last_modification: at(self.0.mtime?) })
    }

    pub fn apply(&self, path: &Path, follow: bool) -> io::Result<()> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        if let Some(size) = self.0.size
            && follow
        {
            std::fs::OpenOptions::new().write(true).open(path)?.set_len(size)?;
        }
        if let Some(mode) = self.mode()
            && follow
        {
            rustix::fs::chmod(path, mode)?;
        }
        if let Some(times) = self.times() {
            rustix::fs::utimensat(CWD, path, &times, flags)?;
        }
        if let Some((uid, gid)) = self.owner() {
            rustix::fs::chownat(CWD, path, Some(uid), Some(gid), flags)?;
        }
        Ok(())
    }

    pub fn apply_to(&self, file: impl AsFd) -> io::Result<()> {
        if let Some(size) = self.0.size {
            rustix::fs::ftruncate(&file, size)?;
        }
        if let Some(mode) = self.mode() {
            rustix::fs::fchmod(&file, mode)?;
        }
        if let Some(times) = self.times() {
            rustix::fs::futimens(&file, &times)?;
        }
        if let Some((uid, gid)) = self.owner() {
            rustix::fs::fchown(&file, Some(uid), Some(gid))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil() {
        for (seconds, expected) in [
            (0, "Jan 01  1970"),
            (951_782_400, "Feb 29  2000"),
            (1_767_312_000, "Jan 02  2026"),
            (-86_400, "Dec 31  1969"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
