//! `cookies/<controller>.json`: the jar that libjuju insists on and macaroon logins use (wire/protocol.md 6.6).

use std::io;
use std::path::{Path, PathBuf};

use super::{Error, disk};

fn path(dir: &Path, controller: &str) -> PathBuf {
    dir.join("cookies").join(format!("{controller}.json"))
}

/// An empty jar is `null` and a newline.
pub fn ensure(dir: &Path, controller: &str) -> Result<(), Error> {
    let path = path(dir, controller);
    if path.exists() {
        return Ok(());
    }
    disk::replace(&path, b"null\n").map_err(|e| Error::Write(path, e))
}

pub fn remove(dir: &Path, controller: &str) -> Result<(), Error> {
    let path = path(dir, controller);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::Write(path, e)),
        _ => Ok(()),
    }
}
