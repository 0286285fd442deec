//! The note of what was made on a host, and its undoing, the newest first.
//! The surprise: what is noted may not be there yet, or no more; undoing passes over it.

use std::fmt;
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
    /// The operator's, without a controller.
    WayOut {
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

impl Made {
    fn stays_longer(&self) -> bool {
        match self {
            Made::Unit | Made::WayOut { .. } | Made::Directory { .. } | Made::Tree { .. } => true,
            Made::File { .. } | Made::Account { .. } | Made::Keys { .. } => false,
        }
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Made::Directory { path } | Made::Tree { path } | Made::File { path } | Made::WayOut { path } => {
                write!(f, "{}", path.display())
            }
            Made::Account { name, .. } => write!(f, "user {name}"),
            Made::Keys { user, .. } => write!(f, "keys of user {user}"),
            Made::Unit => f.write_str("the agent's unit"),
        }
    }
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

    /// Takes all of it away, again as often as it takes. What cannot be taken away is named in words, and keeps of the rest only what shows
    /// that a machine is here and leads back to it: service, way out, folders, this note.
    pub(super) fn undo(&mut self) -> Result<(), String> {
        for stays_longer in [false, true] {
            let now = self.made.iter().rev().filter(|made| made.stays_longer() == stays_longer);
            let failed = now.filter_map(|made| undo(made, &self.machine).err().map(|error| format!("{made}: {error}")));
            let failed: Vec<String> = failed.collect();
            if !failed.is_empty() {
                return Err(failed.join("; "));
            }
        }
        Ok(())
    }
}

fn undo(made: &Made, machine: &str) -> io::Result<()> {
    let done = match made {
        Made::Directory { path } => match std::fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => other,
        },
        Made::Tree { path } => std::fs::remove_dir_all(path),
        Made::File { path } | Made::WayOut { path } => std::fs::remove_file(path),
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
    fn what_resists_keeps_the_way_back_until_it_goes() {
        let dir = tempfile::tempdir().expect("a directory");
        let directory = dir.path().join("juju/agents/machine-3");
        let mut note = Note::new("3", directory.clone());
        note.directories(&dir.path().join("juju"), &directory).expect("made");
        let (file, other, way_out) = (dir.path().join("file"), dir.path().join("other"), dir.path().join("out"));
        for path in [&file, &other] {
            note.add(Made::File { path: path.clone() }).expect("noted");
        }
        note.add(Made::WayOut { path: way_out.clone() }).expect("noted");
        std::fs::create_dir(&file).expect("no file at all: it resists");
        std::fs::write(&other, "x").expect("written");
        std::fs::write(&way_out, "x").expect("written");
        for _ in 0..2 {
            let words = note.undo().expect_err("it resists");
            assert!(words.starts_with(&format!("{}: ", file.display())), "{words}");
            assert!(!other.exists() && way_out.exists() && directory.join(NAME).exists());
        }
        std::fs::remove_dir(&file).expect("removed");
        note.undo().expect("undone");
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 0);
    }

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
