//! Writing the entries of an archive below a directory, and nowhere else.
//!
//! The surprise: a link is never walked through, not even one that leads to a directory inside: what stands behind it is written
//! where the archive says, or not at all. Devices are left out, since a machine gets its own.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Fault;
use super::tar::{Entry, Kind, Reader};
use crate::plan::IDS;

/// What an archive may be at most.
#[derive(Debug, Clone)]
pub struct Limits {
    pub entries: u64,
    /// Of all files together.
    pub bytes: u64,
    /// What stays free on the disk, bytes.
    pub reserve: u64,
}

impl Limits {
    /// A Debian with a desktop has 400,000 files and 10 GiB.
    pub const OF_IMAGES: Limits = Limits { entries: 1_000_000, bytes: 32 << 30, reserve: 1 << 30 };
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub files: u64,
    pub bytes: u64,
    /// Devices and pipes.
    pub left_out: u64,
}

/// Linux's own bounds.
const PATH: usize = 4095;
const NAME: usize = 255;
/// After so many bytes the disk is looked at again.
const LOOK: u64 = 64 << 20;

/// Unpacks what is read from `source` below `root`, which must be nobody else's. On a fault, what was written until then stays there.
pub fn unpack(source: impl Read, root: &Path, limits: &Limits) -> Result<Unpacked, Fault> {
    let mut reader = Reader::new(source);
    let mut target = Target { root, limits, unpacked: Unpacked::default(), entries: 0, looked: 0 };
    target.look()?;
    while let Some(entry) = reader.entry()? {
        target.put(&entry, &mut reader)?;
    }
    reader.drain()?;
    Ok(target.unpacked)
}

struct Target<'a> {
    root: &'a Path,
    limits: &'a Limits,
    unpacked: Unpacked,
    entries: u64,
    /// Bytes written when the disk was looked at.
    looked: u64,
}

/// A path of an archive as a path below the root: `./a//b` is `a/b`. Empty: the root itself.
fn inside(path: &[u8]) -> Result<PathBuf, &'static str> {
    if path.len() > PATH {
        return Err("is longer than a path may be");
    }
    let mut below = PathBuf::new();
    for part in Path::new(std::ffi::OsStr::from_bytes(path)).components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) if name.len() <= NAME => below.push(name),
            Component::Normal(_) => return Err("has a longer name than a file may have"),
            Component::ParentDir | Component::Prefix(_) => return Err("leads out of the archive"),
        }
    }
    Ok(below)
}

/// Whether a link at `path` that says `link` climbs above the root. An absolute one means the machine's own root.
fn climbs_out(path: &Path, link: &[u8]) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    let link = Path::new(std::ffi::OsStr::from_bytes(link));
    for part in link.components() {
        match part {
            Component::RootDir => depth = 0,
            Component::Normal(_) => depth += 1,
            Component::ParentDir if depth == 0 && !link.is_absolute() => return true,
            Component::ParentDir => depth = depth.saturating_sub(1),
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    false
}

fn shown(path: &[u8]) -> String {
    let mut text: String = String::from_utf8_lossy(path).chars().take(200).collect();
    text.retain(|letter| !letter.is_control());
    text
}

impl Target<'_> {
    fn put<R: Read>(&mut self, entry: &Entry, reader: &mut Reader<R>) -> Result<(), Fault> {
        let refused = |why| Fault::Refused { path: shown(&entry.path), why };
        let write = |source| Fault::Write { path: shown(&entry.path), source };
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Fault::TooMuch { what: "files", most: self.limits.entries });
        }
        let path = inside(&entry.path).map_err(refused)?;
        let ids = (u32::try_from(entry.uid).ok(), u32::try_from(entry.gid).ok());
        let (Some(uid), Some(gid)) = (ids.0.filter(|id| *id < IDS), ids.1.filter(|id| *id < IDS)) else {
            return Err(refused("belongs to a user or group that a machine cannot have"));
        };
        if path.as_os_str().is_empty() {
            // The root's own mode is the image's affair.
            return if entry.kind == Kind::Directory { Ok(()) } else { Err(refused("is no path")) };
        }
        if entry.kind == Kind::Special {
            self.unpacked.left_out += 1;
            return Ok(());
        }
        self.parents(&path, &entry.path)?;
        let to = self.root.join(&path);
        let there = fs::symlink_metadata(&to).ok();
        if entry.kind == Kind::Directory {
            match there {
                Some(meta) if meta.is_dir() => {}
                Some(_) => return Err(refused("is a directory, and was something else before")),
                None => fs::create_dir(&to).map_err(write)?,
            }
            lchown(&to, Some(uid), Some(gid)).map_err(write)?;
            return fs::set_permissions(&to, Permissions::from_mode(entry.mode)).map_err(write);
        }
        match there {
            Some(meta) if meta.is_dir() => return Err(refused("was a directory before")),
            Some(_) => fs::remove_file(&to).map_err(write)?,
            None => {}
        }
        match entry.kind {
            Kind::File => {
                self.file(entry, reader, &to)?;
                // The owner first: giving a file away takes its set-user-id bit.
                lchown(&to, Some(uid), Some(gid)).map_err(write)?;
                fs::set_permissions(&to, Permissions::from_mode(entry.mode)).map_err(write)?;
            }
            Kind::Link => {
                if climbs_out(&path, &entry.link) || entry.link.is_empty() || entry.link.len() > PATH {
                    return Err(refused("is a link that leads out of the archive"));
                }
                symlink(std::ffi::OsString::from_vec(entry.link.clone()), &to).map_err(write)?;
                lchown(&to, Some(uid), Some(gid)).map_err(write)?;
            }
            Kind::HardLink => {
                let other = inside(&entry.link).map_err(refused)?;
                self.parents(&other, &entry.link)?;
                let from = self.root.join(other);
                match fs::symlink_metadata(&from) {
                    // A link to a link is the same link: the kernel does not follow it here.
                    Ok(meta) if meta.is_file() || meta.is_symlink() => fs::hard_link(&from, &to).map_err(write)?,
                    _ => return Err(refused("is a link to a file that is not in the archive before it")),
                }
            }
            Kind::Directory | Kind::Special => {}
        }
        self.unpacked.files += 1;
        Ok(())
    }

    /// Makes the directories that lead to a path, where they are missing; refuses to go through anything else.
    fn parents(&self, path: &Path, said: &[u8]) -> Result<(), Fault> {
        let mut so_far = self.root.to_owned();
        for part in path.parent().unwrap_or(Path::new("")).components() {
            so_far.push(part);
            match fs::symlink_metadata(&so_far) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => return Err(Fault::Refused { path: shown(said), why: "lies behind a link or a file" }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let made = fs::create_dir(&so_far)
                        .and_then(|()| fs::set_permissions(&so_far, Permissions::from_mode(0o755)));
                    made.map_err(|source| Fault::Write { path: shown(said), source })?;
                }
                Err(source) => return Err(Fault::Write { path: shown(said), source }),
            }
        }
        Ok(())
    }

    fn file<R: Read>(&mut self, entry: &Entry, reader: &mut Reader<R>, to: &Path) -> Result<(), Fault> {
        let write = |source| Fault::Write { path: shown(&entry.path), source };
        // Before anything of it is written: a header may say any size.
        if self.unpacked.bytes.saturating_add(entry.size) > self.limits.bytes {
            return Err(Fault::TooMuch { what: "bytes", most: self.limits.bytes });
        }
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(write)?;
        let mut buffer = [0; 64 << 10];
        loop {
            let piece = reader.data(&mut buffer)?;
            if piece.is_empty() {
                break;
            }
            file.write_all(piece).map_err(write)?;
            self.unpacked.bytes += piece.len() as u64;
            if self.unpacked.bytes - self.looked >= LOOK {
                self.look()?;
            }
        }
        let time =
            u64::try_from(entry.mtime).ok().and_then(|s| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(s)));
        // A time that the file system cannot keep is no reason to refuse the file.
        let _ = time.map(|time| file.set_modified(time));
        Ok(())
    }

    fn look(&mut self) -> Result<(), Fault> {
        self.looked = self.unpacked.bytes;
        let disk = rustix::fs::statvfs(self.root)
            .map_err(|errno| Fault::Write { path: self.root.display().to_string(), source: errno.into() })?;
        match disk.f_bavail.saturating_mul(disk.f_frsize) < self.limits.reserve {
            true => Err(Fault::DiskFull(self.limits.reserve >> 20)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tar::tests::{END, block};
    use super::super::unpack_file;
    use super::*;

    const SMALL: Limits = Limits { entries: 20, bytes: 10_000, reserve: 0 };

    fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
        [entries.concat(), END.to_vec()].concat()
    }

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    #[test]
    fn files_links_and_modes_come_out_as_they_went_in() {
        if !is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let bytes = archive(&[
            block("./", b'5', 0o700, "", b""),
            block("./usr/bin/", b'5', 0o755, "", b""),
            block("./usr/bin/sudo", b'0', 0o4755, "", b"program"),
            block("bin", b'2', 0o777, "usr/bin", b""),
            block("/etc/motd", b'0', 0o640, "", b"hello"),
            block("etc/localtime", b'2', 0o777, "/usr/share/zoneinfo/UTC", b""),
            block("a/b/c/up", b'2', 0o777, "../../x", b""),
            block("usr/bin/doas", b'1', 0, "./usr/bin/sudo", b""),
            block("dev/sda", b'4', 0o660, "", b""),
            block("pipe", b'6', 0o660, "", b""),
            block("etc/motd", b'0', 0o644, "", b"later"),
        ]);
        let done = unpack(&bytes[..], dir.path(), &SMALL).expect("unpacked");
        assert_eq!(done, Unpacked { files: 7, bytes: 17, left_out: 2 });
        let mode = |path: &str| fs::symlink_metadata(dir.path().join(path)).expect(path).permissions().mode() & 0o7777;
        assert_eq!((mode("usr/bin/sudo"), mode("etc/motd"), mode("etc")), (0o4755, 0o644, 0o755));
        assert_eq!(fs::read_to_string(dir.path().join("etc/motd")).expect("there"), "later");
        assert_eq!(fs::read_to_string(dir.path().join("usr/bin/doas")).expect("there"), "program");
        assert_eq!(fs::read_link(dir.path().join("bin")).expect("a link"), Path::new("usr/bin"));
        assert!(!dir.path().join("dev").exists());
    }

    #[test]
    fn nothing_leads_out_and_nothing_grows_without_end() {
        let outside = tempfile::tempdir().expect("a directory");
        let victim = outside.path().join("victim");
        fs::write(&victim, "untouched").expect("written");
        let to = |path: &Path| path.to_str().expect("text").to_owned();
        let (there, file) = (to(outside.path()), to(&victim));
        let long = "x".repeat(256);
        for (entries, expected) in [
            (vec![block("../victim", b'0', 0o644, "", b"x")], "\"../victim\" leads out of the archive"),
            (vec![block("a/../../victim", b'0', 0o644, "", b"x")], "\"a/../../victim\" leads out of the archive"),
            (
                vec![block("out", b'2', 0o777, &there, b""), block("out/victim", b'0', 0o644, "", b"x")],
                "\"out/victim\" lies behind a link or a file",
            ),
            (
                vec![block("out", b'2', 0o777, &there, b""), block("out/", b'5', 0o777, "", b"")],
                "\"out/\" is a directory, and was something else before",
            ),
            (
                vec![block("out", b'2', 0o777, &there, b""), block("h", b'1', 0, "out/victim", b"")],
                "\"out/victim\" lies behind a link or a file",
            ),
            (vec![block("h", b'1', 0, &file, b"")], "\"h\" is a link to a file that is not in the archive before it"),
            (vec![block("h", b'1', 0, "../victim", b"")], "\"h\" leads out of the archive"),
            (vec![block("l", b'2', 0o777, "../x", b"")], "\"l\" is a link that leads out of the archive"),
            (vec![block("a/l", b'2', 0o777, "b/../../../x", b"")], "\"a/l\" is a link that leads out of the archive"),
            (vec![block("l", b'2', 0o777, "", b"")], "\"l\" is a link that leads out of the archive"),
            (vec![block("d/f", b'0', 0, "", b""), block("d", b'0', 0, "", b"")], "\"d\" was a directory before"),
            (
                vec![block("f", b'0', 0, "", b""), block("f/g", b'0', 0, "", b"")],
                "\"f/g\" lies behind a link or a file",
            ),
            (vec![block("big", b'0', 0, "", &[0; 10_001])], "it holds more than 10000 bytes"),
            ((0..21).map(|n| block(&n.to_string(), b'5', 0o755, "", b"")).collect(), "it holds more than 20 files"),
            (vec![block("", b'0', 0, "", b"")], "\"\" is no path"),
        ] {
            let root = tempfile::tempdir().expect("a directory");
            let done = unpack(&archive(&entries)[..], root.path(), &SMALL);
            // Without root, giving files away fails before what is looked at here may come.
            if is_root() {
                assert_eq!(done.map_err(|fault| fault.to_string()), Err(expected.to_owned()));
            }
            assert_eq!(fs::read_to_string(&victim).expect("there"), "untouched");
            assert_eq!(fs::read_dir(outside.path()).expect("there").count(), 1);
        }
        assert!(inside(long.as_bytes()).is_err() && inside("a/".repeat(3000).as_bytes()).is_err());
        let full = Limits { reserve: u64::MAX, ..SMALL };
        assert!(matches!(unpack(&archive(&[])[..], outside.path(), &full), Err(Fault::DiskFull(_))));
    }

    #[test]
    fn packed_archives_are_unpacked_and_damaged_ones_noticed() {
        if !is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let plain = dir.path().join("plain.tar");
        fs::write(&plain, archive(&[block("f", b'0', 0o644, "", &[b'x'; 5000])])).expect("written");
        for program in ["gzip", "xz", "zstd", "bzip2"] {
            let packed = dir.path().join(program);
            let out = File::create(&packed).expect("made");
            let run = std::process::Command::new(program)
                .arg("-c")
                .stdin(File::open(&plain).expect("there"))
                .stdout(out)
                .status();
            if !run.is_ok_and(|status| status.success()) {
                continue;
            }
            let root = tempfile::tempdir().expect("a directory");
            assert_eq!(unpack_file(&packed, root.path(), &SMALL).expect(program).bytes, 5000, "{program}");
            let mut bytes = fs::read(&packed).expect("there");
            let last = bytes.len() - 6;
            bytes[last] ^= 0xff;
            fs::write(&packed, bytes).expect("written");
            let root = tempfile::tempdir().expect("a directory");
            assert!(unpack_file(&packed, root.path(), &SMALL).is_err(), "{program}: damage goes unnoticed");
        }
        assert!(matches!(unpack_file(dir.path(), dir.path(), &SMALL), Err(Fault::NoArchive)));
    }
}
