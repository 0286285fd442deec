//! The note of what was made on a host, and its undoing, the newest first.
//! The surprise: what is noted may not be there yet, or no more; undoing passes over it.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{account, keys, service};

/// One thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(super) enum Made {
    /// Removed when it is empty: others may have put something there since.
    Directory {
        path: PathBuf,
    },
    /// Removed with all that is in it.
    Tree {
        path: PathBuf,
    },
    File {
        path: PathBuf,
    },
    Account {
        name: String,
        uid: u32,
    },
    /// Lines in the `authorized_keys` of a user; whether that file and its folder were there before.
    Keys {
        user: String,
        had_file: bool,
        had_folder: bool,
    },
    Unit,
}

/// `made.json` in the agent's directory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    machine: String,
    #[serde(skip)]
    directory: PathBuf,
    made: Vec<Made>,
}

const NAME: &str = "made.json";

impl Note {
    pub(super) fn new(machine: &str, directory: PathBuf) -> Note {
        Note { machine: machine.to_owned(), directory, made: Vec::new() }
    }

    pub(super) fn load(directory: &Path) -> io::Result<Option<Note>> {
        match std::fs::read(directory.join(NAME)) {
            Ok(text) => {
                let mut note: Note = serde_json::from_slice(&text)?;
                directory.clone_into(&mut note.directory);
                Ok(Some(note))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `0`.
    pub(super) fn machine(&self) -> &str {
        &self.machine
    }

    /// Notes what is about to be made.
    pub(super) fn add(&mut self, made: Made) -> io::Result<()> {
        self.made.push(made);
        self.save()
    }

    /// Notes a folder that is to be wholly ours, unless there is something already.
    pub(super) fn tree(&mut self, path: &Path) -> io::Result<()> {
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.add(Made::Tree { path: path.into() }),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    /// Makes the agent's directory and what is missing above it. This first step cannot be noted before: the note lies in what it makes.
    pub(super) fn directories(&mut self, ours: &Path, directory: &Path) -> io::Result<()> {
        let missing: Vec<PathBuf> =
            directory.ancestors().take_while(|path| !path.exists()).map(Path::to_path_buf).collect();
        for path in missing.into_iter().rev() {
            // What is below our own folder is all of ours.
            let made = match path.starts_with(ours) {
                true => Made::Tree { path: path.clone() },
                false => Made::Directory { path: path.clone() },
            };
            self.made.push(made);
            std::fs::create_dir(&path)?;
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        }
        self.save()
    }

    fn save(&self) -> io::Result<()> {
        host::files::write(&self.directory.join(NAME), &serde_json::to_vec(self)?, 0o600)
    }

    /// Takes all of it away. What cannot be taken away is named in words, and does not keep the rest.
    pub(super) fn undo(&mut self) -> Result<(), String> {
        let mut left = Vec::new();
        for made in self.made.iter().rev() {
            if let Err(error) = undo(made, &self.machine) {
                left.push(format!("{made:?}: {error}"));
            }
        }
        match left.is_empty() {
            true => Ok(()),
            false => Err(left.join("; ")),
        }
    }
}

fn undo(made: &Made, machine: &str) -> io::Result<()> {
    let done = match made {
        Made::Directory { path } => match std::fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => other,
        },
        Made::Tree { path } => std::fs::remove_dir_all(path),
        Made::File { path } => std::fs::remove_file(path),
        Made::Account { name, uid } => account::remove(name, *uid),
        Made::Keys { user, had_file, had_folder } => keys::remove(user, *had_file, *had_folder),
        Made::Unit => service::remove_unit(machine),
    };
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_goes_and_what_was_there_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let (ours, theirs) = (dir.path().join("lib/juju"), dir.path().join("there"));
        std::fs::create_dir(&theirs).expect("made");
        let directory = ours.join("agents/machine-3");
        let mut note = Note::new("3", directory.clone());
        note.directories(&ours, &directory).expect("made");
        note.tree(&theirs).expect("noted");
        note.add(Made::File { path: dir.path().join("never-made") }).expect("noted");
        std::fs::write(directory.join("agent.conf"), "x").expect("written");
        // As a process that comes later finds it.
        let mut note = Note::load(&directory).expect("read").expect("there");
        assert_eq!(note.machine(), "3");
        std::fs::write(dir.path().join("lib/somebody"), "x").expect("written");
        note.undo().expect("undone");
        note.undo().expect("undone again");
        assert!(!ours.exists() && theirs.exists() && dir.path().join("lib/somebody").exists());
        assert!(Note::load(&directory).expect("read").is_none());
    }
}
