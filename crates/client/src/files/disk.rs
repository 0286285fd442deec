//! Folders and files of the store as the original leaves them: 0700, 0600, replaced by rename.
//!
//! The surprise: under sudo the files belong to the user who called it, as with the stock command.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes a folder and its parents, 0700.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    give_back(dir);
    Ok(())
}

/// Writes a file beside the old one and renames it over it, 0600.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let staged = path.with_file_name(name);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&staged)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&staged, path)
    })();
    match written {
        Ok(()) => give_back(path),
        Err(_) => {
            let _ = fs::remove_file(&staged);
        }
    }
    written
}

/// Under sudo, gives a path to the calling user. A refusal does not matter: the file is readable by who wrote it.
pub fn give_back(path: &Path) {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if std::env::var_os("SUDO_COMMAND").is_none() {
        return;
    }
    if let (Some(uid), Some(gid)) = (number("SUDO_UID"), number("SUDO_GID")) {
        let _ = std::os::unix::fs::chown(path, Some(uid), Some(gid));
    }
}
