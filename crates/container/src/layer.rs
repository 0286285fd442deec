//! Read-only directories laid over an image: files of the host that every machine shares, such as this program.
//! It knows no machine. The surprise: a file is linked only where everybody sees it through an overlay's lower side; linked into a machine's own
//! disk, root of the machine could write into the host's file.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::files;
use crate::plan::INIT;

/// What asks process 1 to end or to begin again.
const RESTART: &str = "#!/bin/sh\n# Asks the machine's first process to start everything anew.\ncase \"$*\" in *--help*) echo \"usage: $0\"; exit 0;; esac\nexec kill -INT 1\n";
const STOP: &str = "#!/bin/sh\n# Asks the machine's first process to stop the machine.\ncase \"$*\" in *--help*) echo \"usage: $0\"; exit 0;; *-r*) exec kill -INT 1;; esac\nexec kill -TERM 1\n";

/// A file of a layer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Absolute, inside.
    pub path: String,
    pub mode: u32,
    pub source: Source,
}

#[derive(Debug, Clone)]
pub enum Source {
    Host(PathBuf),
    Text(&'static str),
}

/// What every machine has of this program.
pub fn of_program(program: &Path) -> Vec<Entry> {
    let text = |path: &str, text| Entry { path: path.to_owned(), mode: 0o755, source: Source::Text(text) };
    vec![
        Entry { path: INIT.to_owned(), mode: 0o755, source: Source::Host(program.to_owned()) },
        text("/usr/sbin/reboot", RESTART),
        text("/usr/sbin/shutdown", STOP),
        text("/usr/sbin/poweroff", STOP),
        text("/usr/sbin/halt", STOP),
    ]
}

/// The layer of these files, made if it is not there. `None` of no files. `below`: what decides the modes of directories.
pub fn of(layers: &Path, entries: &[Entry], below: &Path) -> io::Result<Option<PathBuf>> {
    if entries.is_empty() {
        return Ok(None);
    }
    let name = name(entries)?;
    let dir = layers.join(&name);
    if dir.exists() {
        return Ok(Some(dir));
    }
    fs::create_dir_all(layers)?;
    let _lock = files::Lock::take(&layers.join(".lock"))?;
    if dir.exists() {
        return Ok(Some(dir));
    }
    let beside = layers.join(format!(".{name}.new"));
    files::remove_tree(&beside)?;
    fs::create_dir(&beside)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755))?;
    for entry in entries {
        let inside = relative(&entry.path)?;
        parents(&beside, inside, &[below])?;
        put(entry, &beside.join(inside))?;
    }
    fs::rename(&beside, &dir)?;
    Ok(Some(dir))
}

fn name(entries: &[Entry]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for entry in entries {
        let mut line = format!("{} {:o} ", entry.path, entry.mode);
        match &entry.source {
            Source::Host(path) => {
                let meta = fs::metadata(path)?;
                line.push_str(&format!(
                    "{} {} {} {} {}\n",
                    path.display(),
                    meta.dev(),
                    meta.ino(),
                    meta.size(),
                    meta.mtime_nsec()
                ));
            }
            Source::Text(text) => line.push_str(text),
        }
        hash.update(line.as_bytes());
    }
    Ok(hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect())
}

fn put(entry: &Entry, to: &Path) -> io::Result<()> {
    match &entry.source {
        Source::Host(from) => {
            let meta = fs::metadata(from)?;
            let same = meta.mode() & 0o7777 == entry.mode && meta.uid() == 0 && meta.gid() == 0;
            if same && fs::hard_link(from, to).is_ok() {
                return Ok(());
            }
            fs::copy(from, to)?;
        }
        Source::Text(text) => fs::write(to, text)?,
    }
    std::os::unix::fs::lchown(to, Some(0), Some(0))?;
    fs::set_permissions(to, fs::Permissions::from_mode(entry.mode))
}

/// The path without its slash; one with `..` is refused.
pub fn relative(path: &str) -> io::Result<&Path> {
    let inside = Path::new(path.trim_start_matches('/'));
    let plain = |part| matches!(part, std::path::Component::Normal(_));
    if path.starts_with('/') && inside.components().count() > 0 && inside.components().all(plain) {
        Ok(inside)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{path:?} is no absolute path")))
    }
}

/// Makes the directories that lead to `inside` under `top`, as they are in the layers below: what lies above decides how a directory looks.
pub fn parents(top: &Path, inside: &Path, below: &[&Path]) -> io::Result<()> {
    let mut so_far = PathBuf::new();
    for part in inside.parent().unwrap_or(Path::new("")).components() {
        so_far.push(part);
        let made = top.join(&so_far);
        match fs::symlink_metadata(&made) {
            Ok(meta) if meta.is_dir() => continue,
            Ok(_) => return Err(not_a_dir(&so_far)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let seen = below.iter().find_map(|layer| fs::symlink_metadata(layer.join(&so_far)).ok());
        if seen.as_ref().is_some_and(|meta| !meta.is_dir()) {
            return Err(not_a_dir(&so_far));
        }
        let (mode, uid, gid) = seen.map_or((0o755, 0, 0), |m| (m.mode() & 0o7777, m.uid(), m.gid()));
        fs::create_dir(&made)?;
        std::os::unix::fs::lchown(&made, Some(uid), Some(gid))?;
        fs::set_permissions(&made, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn not_a_dir(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("/{} is no directory in the image", path.display()))
}

/// Writes a file to a machine's disk before the machine starts.
pub fn write(upper: &Path, below: &[&Path], path: &str, mode: u32, owner: (u32, u32), bytes: &[u8]) -> io::Result<()> {
    let inside = relative(path)?;
    parents(upper, inside, below)?;
    let to = upper.join(inside);
    files::replace(&to, bytes, 0o600)?;
    std::os::unix::fs::lchown(&to, Some(owner.0), Some(owner.1))?;
    fs::set_permissions(&to, fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for path in ["", "/", "a", "/a/../../b", "../a", "//.."] {
            assert!(relative(path).is_err(), "{path}");
        }
        assert_eq!(relative("/a/b").expect("path"), Path::new("a/b"));
    }

    #[test]
    fn a_link_in_the_image_is_not_followed() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (top, below) = (dir.path().join("top"), dir.path().join("below"));
        fs::create_dir_all(&top).expect("top");
        fs::create_dir_all(&below).expect("below");
        std::os::unix::fs::symlink("/", below.join("var")).expect("link");
        assert!(parents(&top, Path::new("var/x"), &[&below]).is_err());
        assert!(!top.join("var").exists());
    }
}
