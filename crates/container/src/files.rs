//! Files that are whole or not there at all, and locks between processes.
//! It must not know what is in them. The surprise: a lock file is removed by its last user, so whoever gets a lock looks whether the file at the
//! path is still the one that it locked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use base::clock::Time;
use rustix::fs::{FlockOperation, fcntl_lock, flock};

/// Writes a file beside and moves it into place.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = dir.join(name);
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&beside, path)
}

/// When a file or directory came to be; where the file system does not know, when it was last changed.
pub fn made(path: &Path) -> Option<Time> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let made = metadata.created().or_else(|_| metadata.modified()).ok()?;
    Some(Time::from_unix(0).plus(made.duration_since(UNIX_EPOCH).ok()?))
}

/// Removes a file; that there is none is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a directory and what is in it; that there is none is fine. Never follows a link.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// One process at a time; given back when dropped.
pub struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Waits for it.
    pub fn take(path: &Path) -> io::Result<Lock> {
        let lock = Lock::attempt(path, FlockOperation::LockExclusive)?;
        lock.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// `None`: somebody else has it.
    pub fn try_take(path: &Path) -> io::Result<Option<Lock>> {
        Lock::attempt(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Whether it is this very process that has it.
    pub fn is_own(path: &Path) -> bool {
        own().iter().any(|one| one == path)
    }

    fn attempt(path: &Path, operation: FlockOperation) -> io::Result<Option<Lock>> {
        loop {
            fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
            let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
            let file = match opened {
                // Its directory was removed just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            match flock(&file, operation) {
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
                locked => locked?,
            }
            let still = fs::metadata(path)
                .is_ok_and(|now| file.metadata().is_ok_and(|mine| mine.ino() == now.ino() && mine.dev() == now.dev()));
            if still {
                own().push(path.to_owned());
                return Ok(Some(Lock { _file: file, path: path.to_owned() }));
            }
        }
    }

    /// Removes the lock file with its directory, if nothing else is in there.
    pub fn remove(self) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        if fs::read_dir(dir)?.count() == 1 {
            remove(&self.path)?;
            let _ = fs::remove_dir(dir);
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut own = own();
        if let Some(at) = own.iter().position(|one| *one == self.path) {
            own.swap_remove(at);
        }
    }
}

/// What this process holds: the kernel does not say whose a lock is.
fn own() -> MutexGuard<'static, Vec<PathBuf>> {
    static OWN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mark that this process, and no child of it, is at work on a directory; the kernel takes it away when the process ends.
/// One process must not hold the same mark twice, and it ends when any file of this path is closed in it.
pub struct Busy(#[allow(dead_code, reason = "held, not read")] File);

impl Busy {
    /// `None`: another process has it.
    pub fn mark(path: &Path) -> io::Result<Option<Busy>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Busy(file))),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_removed_with_its_directory_and_can_be_taken_again() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("run/lock");
        Lock::take(&path).expect("take").remove().expect("remove");
        assert!(!path.exists() && !dir.path().join("run").exists());
        let lock = Lock::take(&path).expect("again");
        fs::write(dir.path().join("run/note"), "x").expect("note");
        lock.remove().expect("remove");
        assert!(path.exists(), "others still need the directory");
    }

    #[test]
    fn replaced_files_have_the_mode_asked_for() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("a/b");
        replace(&path, b"one", 0o600).expect("one");
        replace(&path, b"two", 0o640).expect("two");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(fs::metadata(&path).expect("meta").mode() & 0o777, 0o640);
        remove(&path).expect("remove");
        remove(&path).expect("again");
    }
}
