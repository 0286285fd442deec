//! Files that are whole or not there: written beside, synced, renamed.
//! It must not know what the files hold. The surprise: the directory is synced too, else a crash may bring the old name back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Who should own a new file; only root can give files away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// Replaces `path` by `data` with exactly `mode`; a crash leaves the old file or the new one.
pub fn write(path: &Path, data: &[u8], mode: u32) -> io::Result<()> {
    write_owned(path, data, mode, None)
}

pub fn write_owned(path: &Path, data: &[u8], mode: u32, owner: Option<Owner>) -> io::Result<()> {
    let beside = beside(path)?;
    let result = (|| {
        // Never follows a link that somebody put there: the name must be new.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(data)?;
        if let Some(owner) = owner {
            std::os::unix::fs::fchown(&file, Some(owner.uid), Some(owner.gid))?;
        }
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_directory(path)
    })();
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result
}

/// Makes the name itself of `path` durable.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no file name"))?;
    let count = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut new = std::ffi::OsString::from(".");
    new.push(name);
    new.push(format!(".{}.{count}.new", std::process::id()));
    let new = path.with_file_name(new);
    // Left by a dead process that had our number.
    let _ = fs::remove_file(&new);
    Ok(new)
}

static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("x");
        write(&path, b"one", 0o644).expect("written");
        write(&path, b"two", 0o600).expect("written again");
        assert_eq!(fs::read(&path).expect("there"), b"two");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 1, "nothing left beside");
    }

    #[test]
    fn a_failure_leaves_nothing_beside() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("x");
        fs::create_dir(&path).expect("made");
        fs::write(path.join("child"), "").expect("made");
        assert!(write(&path, b"one", 0o644).is_err());
        assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 1);
    }
}
