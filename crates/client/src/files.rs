//! The client store: the folder of files through which this command line, the stock one, python-libjuju and
//! Terraform find the same controllers (wire/protocol.md 6).
//!
//! Must not connect anywhere. The surprise: the lock file lies in the folder for temporary files, its name is the hex
//! of the hex of a digest, and it must be exactly so, because the stock command takes the same lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::clock::Time;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::macaroon::Macaroon;

mod accounts;
mod bootstrap;
mod clouds;
mod controllers;
mod cookies;
mod credentials;
mod disk;
pub mod keys;
mod lock;
mod models;
pub mod yaml;

pub use accounts::{Account, Accounts};
pub use bootstrap::{BootstrapConfig, BootstrapConfigs};
pub use clouds::{Cloud, Clouds, Region};
pub use controllers::{Controller, Controllers};
pub use credentials::{Attributes, CloudCredentials, Credentials};
pub use models::{ControllerModels, Model, Models};

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("cannot parse {}: {why}", .path.display())]
    Parse { path: PathBuf, why: String },
    #[error("cannot acquire lock file to {0}")]
    Lock(&'static str),
}

/// A file of the store that is read and rewritten as a whole.
pub trait Document: Serialize + DeserializeOwned + Default {
    const FILE: &'static str;
    /// Keys whose lists are printed on one line.
    const FLOW: &'static [&'static str] = &[];
    /// Brings entries into the order in which the original writes them.
    fn order(&mut self) {}
}

/// Reads a file's text; an empty one is an empty document. The error says what is wrong, not where the file is.
pub fn parse<D: Document>(text: &str) -> Result<D, String> {
    match yaml::read(text)? {
        serde_json::Value::Null => Ok(D::default()),
        value => serde_json::from_value(value).map_err(|e| e.to_string()),
    }
}

/// A file's text, its entries in the order in which the original writes them.
pub fn print<D: Document>(document: &mut D) -> Result<String, String> {
    document.order();
    yaml::write(document, D::FLOW)
}

/// The store's folder.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    lock: PathBuf,
}

impl Store {
    /// `dir` is made when something is written; `tmp` is the folder for temporary files (`$TMPDIR`, `/tmp`).
    pub fn new(dir: impl Into<PathBuf>, tmp: &Path) -> Store {
        let dir = dir.into();
        let lock = lock::path(&dir.join(Controllers::FILE), tmp);
        Store { dir, lock }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads one file; an absent one is empty.
    pub fn read<D: Document>(&self) -> Result<D, Error> {
        // A folder that is not there holds nothing, and need not be locked into being.
        if !self.dir.exists() {
            return Ok(D::default());
        }
        let _held = lock::take(&self.lock, "read")?;
        self.load()
    }

    /// Reads, changes and rewrites one file under the lock. Nothing is written when `change` fails, nor when it
    /// leaves all as it was.
    pub fn update<D: Document, R, E: From<Error>>(&self, change: impl FnOnce(&mut D) -> Result<R, E>) -> Result<R, E> {
        disk::make_dir(&self.dir).map_err(|e| Error::Write(self.dir.clone(), e))?;
        let _held = lock::take(&self.lock, "update")?;
        let path = self.dir.join(D::FILE);
        let mut document: D = self.load()?;
        let result = change(&mut document)?;
        let text = print(&mut document).map_err(|why| Error::Parse { path: path.clone(), why })?;
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(result);
        }
        disk::replace(&path, text.as_bytes()).map_err(|e| Error::Write(path, e))?;
        Ok(result)
    }

    fn load<D: Document>(&self) -> Result<D, Error> {
        let path = self.dir.join(D::FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(D::default()),
            Err(e) => return Err(Error::Read(path, e)),
        };
        parse(&text).map_err(|why| Error::Parse { path, why })
    }

    pub fn controllers(&self) -> Result<Controllers, Error> {
        self.read()
    }

    pub fn models(&self) -> Result<Models, Error> {
        self.read()
    }

    pub fn accounts(&self) -> Result<Accounts, Error> {
        self.read()
    }

    pub fn credentials(&self) -> Result<Credentials, Error> {
        self.read()
    }

    pub fn bootstrap_configs(&self) -> Result<BootstrapConfigs, Error> {
        self.read()
    }

    /// The clouds the user defined.
    pub fn personal_clouds(&self) -> Result<Clouds, Error> {
        self.read()
    }

    /// The public clouds, if the list was ever fetched by the stock command. Never reaches out.
    pub fn public_clouds(&self) -> Result<Clouds, Error> {
        self.read::<clouds::PublicClouds>().map(|p| p.0)
    }

    /// Forgets a controller: every entry that bears its uuid, with models, accounts, bootstrap configuration and
    /// cookies. Gives the names that went; none when the name is unknown.
    pub fn remove_controller(&self, name: &str) -> Result<Vec<String>, Error> {
        let names: Vec<String> = self.update(|all: &mut Controllers| {
            let Some(uuid) = all.controllers.get(name).map(|c| c.uuid.clone()) else {
                return Ok::<_, Error>(Vec::new());
            };
            let names: Vec<String> =
                all.controllers.iter().filter(|(_, c)| c.uuid == uuid).map(|(n, _)| n.clone()).collect();
            all.controllers.retain(|_, c| c.uuid != uuid);
            if all.current_controller.as_ref().is_some_and(|c| names.contains(c)) {
                all.current_controller = None;
            }
            Ok(names)
        })?;
        if names.is_empty() {
            return Ok(names);
        }
        self.update(|all: &mut Models| {
            all.controllers.retain(|n, _| !names.contains(n));
            Ok::<_, Error>(())
        })?;
        self.update(|all: &mut Accounts| {
            all.controllers.retain(|n, _| !names.contains(n));
            Ok::<_, Error>(())
        })?;
        if self.dir.join(BootstrapConfigs::FILE).exists() {
            self.update(|all: &mut BootstrapConfigs| {
                all.controllers.retain(|n, _| !names.contains(n));
                Ok::<_, Error>(())
            })?;
        }
        for name in &names {
            cookies::remove(&self.dir, name)?;
        }
        Ok(names)
    }

    /// Leaves an empty cookie jar where there is none: libjuju fails without the file.
    /// The macaroons that log in to a controller, those that have not run out.
    pub fn macaroons(&self, controller: &str, uuid: &str, now: Time) -> Vec<Vec<Macaroon>> {
        cookies::macaroons(&self.dir, controller, uuid, now)
    }

    /// Keeps a login's macaroons.
    pub fn keep_macaroons(&self, controller: &str, uuid: &str, slice: &[Macaroon], now: Time) -> Result<(), Error> {
        cookies::keep(&self.dir, controller, uuid, slice, now)
    }

    /// Forgets every login that was kept.
    pub fn clear_cookies(&self, controller: &str) -> Result<(), Error> {
        cookies::clear(&self.dir, controller)
    }

    pub fn ensure_cookies(&self, controller: &str) -> Result<(), Error> {
        cookies::ensure(&self.dir, controller)
    }

    /// The client's ssh keys, made when there are none.
    pub fn ssh_keys(&self) -> Result<Vec<keys::KeyPair>, Error> {
        keys::ensure(&self.dir.join("ssh"))
    }
}

#[cfg(test)]
mod tests;
