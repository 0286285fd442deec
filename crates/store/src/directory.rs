//! The data directory: made for its owner alone, and locked for one process.
//!
//! It does not know what lies in the directory. The surprise: the lock is the kernel's (flock), so it ends with its
//! holder however that dies; the pid in the file only names the holder to whom it is refused.

use crate::error::OpenError;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";

/// A data directory that is ours until dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory (0700) if it is missing, and locks it.
    pub fn open(path: &Path) -> Result<Directory, OpenError> {
        let failed = |source| OpenError::File { path: path.into(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        let mut lock = private(&path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let read = lock.read_to_string(&mut pid);
                let pid = pid.trim();
                // The holder may be between locking and writing its number.
                let known = read.is_ok() && !pid.is_empty();
                return Err(OpenError::Locked { path: path.into(), pid: if known { pid } else { "unknown" }.into() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let write =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
        write.map_err(failed)?;
        Ok(Directory { path: path.into(), _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it, which is there afterwards, readable by the owner alone. A new one's name is on the disk, too: nothing
    /// that is synced into it later can be lost with the name.
    pub fn file(&self, name: &str) -> Result<PathBuf, OpenError> {
        let path = self.path.join(name);
        let new = !path.exists();
        private(&path)?;
        if new {
            for directory in [Some(&*self.path), self.path.parent()].into_iter().flatten() {
                sync(directory).map_err(|source| OpenError::File { path: directory.into(), source })?;
            }
        }
        Ok(path)
    }
}

fn sync(directory: &Path) -> std::io::Result<()> {
    // A relative path's parent may be nothing, which is the working directory.
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()
}

fn private(path: &Path) -> Result<File, OpenError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .and_then(|file| file.set_permissions(Permissions::from_mode(0o600)).map(|()| file))
        .map_err(|source| OpenError::File { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_by_name_and_modes_are_private() {
        let place = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let path = place.path().join("data");
        let first = Directory::open(&path).unwrap_or_else(|e| panic!("{e}"));
        match Directory::open(&path) {
            Err(OpenError::Locked { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
            other => panic!("second holder was let in: {other:?}"),
        }
        let file = first.file("state").unwrap_or_else(|e| panic!("{e}"));
        let mode = |path: &Path| std::fs::metadata(path).map(|m| m.permissions().mode() & 0o7777).unwrap_or(0);
        assert_eq!((mode(&path), mode(&file), mode(&path.join(LOCK))), (0o700, 0o600, 0o600));
        drop(first);
        assert!(Directory::open(&path).is_ok(), "lock outlived its holder");
    }
}
