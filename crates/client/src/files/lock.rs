//! The lock that every reader and writer of the store takes, the stock command included.
//!
//! The surprise: its name is made of the hex digits of *hex digits* (wire/protocol.md 6.1).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use super::{Error, disk};

const PATIENCE: Duration = Duration::from_secs(5);

/// The lock file for a store whose `controllers.yaml` has this path.
pub fn path(controllers: &Path, tmp: &Path) -> PathBuf {
    let digest = Sha256::digest(controllers.as_os_str().as_encoded_bytes());
    let first: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
    let name: String = first.bytes().map(|b| format!("{b:02x}")).collect();
    tmp.join(format!("juju-store-lock-{name}"))
}

/// Waits up to five seconds for the lock, which ends with the value.
pub fn take(path: &Path, why: &'static str) -> Result<File, Error> {
    let fresh = !path.exists();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|_| Error::Lock(why))?;
    if fresh {
        disk::give_back(path);
    }
    let start = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(_) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Err(_) => return Err(Error::Lock(why)),
        }
    }
}
