//! A folder in a user's home, for whoever is root: neither it nor a file in it is reached through a link, which the user may have made
//! to lead anywhere.
//! It must not know what the files hold. The surprise: the home itself may be a link. It lies where only root writes.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::Account;

/// No file that is read here is longer.
const LONGEST: u64 = 4 << 20;

/// A folder, held open: what its name leads to later does not matter.
pub struct Folder {
    directory: OwnedFd,
    uid: u32,
    gid: u32,
    shown: String,
}

/// What a file holds, and its permissions (`0o600`).
pub struct Found {
    pub data: Vec<u8>,
    pub mode: u32,
}

impl Folder {
    /// `None`: there is none, or no home.
    pub fn open(account: &Account, name: &str) -> io::Result<Option<Folder>> {
        let Some(home) = home(account)? else { return Ok(None) };
        Folder::open_in(&home, account, name)
    }

    /// Makes it for its user alone when there is none. `None`: there is no home.
    pub fn open_or_make(account: &Account, name: &str) -> io::Result<Option<Folder>> {
        let Some(home) = home(account)? else { return Ok(None) };
        if let Some(found) = Folder::open_in(&home, account, name)? {
            return Ok(Some(found));
        }
        match rustix::fs::mkdirat(&home, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let made = Folder::open_in(&home, account, name)?;
        if let Some(made) = &made {
            std::os::unix::fs::fchown(&made.directory, Some(account.uid), Some(account.gid))?;
        }
        Ok(made)
    }

    fn open_in(home: &OwnedFd, account: &Account, name: &str) -> io::Result<Option<Folder>> {
        let shown = account.home.join(name).display().to_string();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(home, name, flags, Mode::empty()) {
            Ok(directory) => Ok(Some(Folder { directory, uid: account.uid, gid: account.gid, shown })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(not_plain(&shown, "folder")),
            Err(error) => Err(error.into()),
        }
    }

    /// `None`: there is no such file.
    pub fn read(&self, name: &str) -> io::Result<Option<Found>> {
        // A pipe without a writer would hold us for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Err(not_plain(&format!("{}/{name}", self.shown), "file")),
            Err(error) => return Err(error.into()),
        };
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(not_plain(&format!("{}/{name}", self.shown), "file"));
        }
        let mut data = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut data)?;
        if data.len() as u64 > LONGEST {
            let words = format!("{}/{name} is longer than {LONGEST} bytes", self.shown);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
        }
        Ok(Some(Found { data, mode: about.mode() & 0o7777 }))
    }

    /// Replaces a file, whole, as its user's; a crash leaves the old one or the new one.
    pub fn write(&self, name: &str, data: &[u8], mode: u32) -> io::Result<()> {
        let beside = format!(".{name}.{}.new", std::process::id());
        // Left by a dead process that had our number.
        let _ = rustix::fs::unlinkat(&self.directory, beside.as_str(), AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file =
            File::from(rustix::fs::openat(&self.directory, beside.as_str(), flags, Mode::from_raw_mode(0o600))?);
        let written = (|| {
            file.write_all(data)?;
            std::os::unix::fs::fchown(&file, Some(self.uid), Some(self.gid))?;
            file.set_permissions(Permissions::from_mode(mode))?;
            file.sync_all()?;
            rustix::fs::renameat(&self.directory, beside.as_str(), &self.directory, name)?;
            Ok(rustix::fs::fsync(&self.directory)?)
        })();
        if written.is_err() {
            let _ = rustix::fs::unlinkat(&self.directory, beside.as_str(), AtFlags::empty());
        }
        written
    }

    /// One that is not there is as good as removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Removes a folder of a home when nothing is in it. True: it is not there any more.
pub fn remove_empty(account: &Account, name: &str) -> io::Result<bool> {
    let Some(home) = home(account)? else { return Ok(true) };
    match rustix::fs::unlinkat(&home, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn home(account: &Account) -> io::Result<Option<OwnedFd>> {
    match rustix::fs::open(&account.home, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(home) => Ok(Some(home)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn not_plain(shown: &str, wanted: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{shown} is a link, or no {wanted}: it is not followed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn account(home: &Path) -> Account {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Account { name: "x".into(), uid, gid, groups: vec![gid], home: home.into(), shell: "/bin/sh".into() }
    }

    #[test]
    fn what_is_there_is_read_and_replaced_and_goes() {
        let dir = tempfile::tempdir().expect("a directory");
        let account = account(dir.path());
        assert!(Folder::open(&account, ".ssh").expect("looked").is_none());
        let folder = Folder::open_or_make(&account, ".ssh").expect("made").expect("there is a home");
        assert!(folder.read("keys").expect("looked").is_none());
        folder.write("keys", b"one", 0o640).expect("written");
        folder.write("keys", b"two\xff", 0o640).expect("written again");
        let found = folder.read("keys").expect("read").expect("there");
        assert_eq!((found.data.as_slice(), found.mode), (&b"two\xff"[..], 0o640));
        assert!(!remove_empty(&account, ".ssh").expect("looked"), "something is in it");
        folder.remove("keys").expect("removed");
        folder.remove("keys").expect("removed twice");
        assert!(remove_empty(&account, ".ssh").expect("removed"));
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 0, "nothing is left beside");
    }

    #[test]
    fn a_link_is_never_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        let (home, secret) = (dir.path().join("home"), dir.path().join("secret"));
        std::fs::create_dir_all(&secret).expect("made");
        std::fs::create_dir_all(&home).expect("made");
        std::fs::write(secret.join("keys"), "root's").expect("written");
        let account = account(&home);
        symlink(&secret, home.join(".ssh")).expect("linked");
        for opened in [Folder::open(&account, ".ssh"), Folder::open_or_make(&account, ".ssh")] {
            let error = opened.err().expect("a link").to_string();
            assert!(error.ends_with(".ssh is a link, or no folder: it is not followed"), "{error}");
        }
        assert!(!remove_empty(&account, ".ssh").expect("looked"));
        std::fs::remove_file(home.join(".ssh")).expect("removed");
        let folder = Folder::open_or_make(&account, ".ssh").expect("made").expect("there is a home");
        symlink(secret.join("keys"), home.join(".ssh/keys")).expect("linked");
        assert!(folder.read("keys").is_err(), "read through a link");
        // Replaced is the link, not what it leads to.
        folder.write("keys", b"the user's", 0o600).expect("written");
        assert_eq!(std::fs::read_to_string(secret.join("keys")).expect("there"), "root's");
        assert_eq!(std::fs::read_to_string(home.join(".ssh/keys")).expect("there"), "the user's");
    }

    #[test]
    fn a_pipe_holds_nobody() {
        let dir = tempfile::tempdir().expect("a directory");
        let folder = Folder::open_or_make(&account(dir.path()), ".ssh").expect("made").expect("there is a home");
        let (kind, mode) = (rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600));
        rustix::fs::mknodat(rustix::fs::CWD, dir.path().join(".ssh/keys"), kind, mode, 0).expect("made");
        assert!(folder.read("keys").is_err());
    }
}
