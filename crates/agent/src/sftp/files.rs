//! The requests of one sftp session (draft-ietf-secsh-filexfer-02 and OpenSSH's extensions), each a few system calls.
//! It must not know whose session it is. The surprise: calls block the process; it has nothing else to do.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use russh_sftp::protocol::{
    Attrs, Data, ExtendedReply, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::{Handler, StatusReply};

use super::attributes::{self, Change};

/// As sshd's server: bounded by descriptors, not by faith in clients.
const MAX_HANDLES: usize = 512;
const MAX_READ: usize = 256 << 10;
const NAMES_AT_ONCE: usize = 100;

#[derive(Default)]
pub struct Files {
    open: HashMap<String, Open>,
    next: u64,
}

enum Open {
    File { file: File, append: bool },
    Directory { path: PathBuf, entries: fs::ReadDir, dots: bool },
}

type Reply<T> = Result<T, StatusReply>;

fn refused(error: &io::Error) -> StatusReply {
    let code = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StatusCode::NoSuchFile,
        io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        io::ErrorKind::Unsupported => StatusCode::OpUnsupported,
        _ => StatusCode::Failure,
    };
    code.with_message(error.to_string())
}

fn done(id: u32, outcome: io::Result<()>) -> Reply<Status> {
    outcome.map_err(|e| refused(&e))?;
    Ok(Status { id, status_code: StatusCode::Ok, error_message: "Success".into(), language_tag: "en".into() })
}

impl Files {
    fn keep(&mut self, id: u32, open: Open) -> Reply<Handle> {
        if self.open.len() >= MAX_HANDLES {
            return Err(StatusCode::Failure.with_message("too many open files"));
        }
        self.next += 1;
        let handle = self.next.to_string();
        self.open.insert(handle.clone(), open);
        Ok(Handle { id, handle })
    }

    fn file(&self, handle: &str) -> Reply<(&File, bool)> {
        match self.open.get(handle) {
            Some(Open::File { file, append }) => Ok((file, *append)),
            _ => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }
}

impl Handler for Files {
    type Error = StatusReply;

    fn unimplemented(&self) -> Self::Error {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Reply<Version> {
        let one = [
            "posix-rename@openssh.com",
            "hardlink@openssh.com",
            "fsync@openssh.com",
            "lsetstat@openssh.com",
            "limits@openssh.com",
        ];
        let one = one.into_iter().chain(["expand-path@openssh.com"]).map(|name| (name.to_owned(), "1".to_owned()));
        let two = ["statvfs@openssh.com", "fstatvfs@openssh.com"].map(|name| (name.to_owned(), "2".to_owned()));
        Ok(Version { version: 3, extensions: one.chain(two).collect() })
    }

    async fn open(&mut self, id: u32, name: String, flags: OpenFlags, attrs: FileAttributes) -> Reply<Handle> {
        let mut options = OpenOptions::new();
        let append = flags.contains(OpenFlags::APPEND);
        options.read(flags.contains(OpenFlags::READ)).write(flags.contains(OpenFlags::WRITE) && !append).append(append);
        options.mode(attrs.permissions.unwrap_or(0o666) & 0o7777);
        let mut extra = rustix::fs::OFlags::NOCTTY;
        if flags.contains(OpenFlags::CREATE) {
            // Asked of the kernel itself: the standard library wants write access for these.
            extra |= rustix::fs::OFlags::CREATE;
            extra.set(rustix::fs::OFlags::EXCL, flags.contains(OpenFlags::EXCLUDE));
        }
        extra.set(rustix::fs::OFlags::TRUNC, flags.contains(OpenFlags::TRUNCATE));
        options.custom_flags(extra.bits().cast_signed());
        let file = options.open(name).map_err(|e| refused(&e))?;
        self.keep(id, Open::File { file, append })
    }

    async fn close(&mut self, id: u32, handle: String) -> Reply<Status> {
        match self.open.remove(&handle) {
            Some(_) => done(id, Ok(())),
            None => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Reply<Data> {
        let (file, _) = self.file(&handle)?;
        let mut data = vec![0; usize::try_from(len).unwrap_or(MAX_READ).min(MAX_READ)];
        let n = file.read_at(&mut data, offset).map_err(|e| refused(&e))?;
        if n == 0 && len > 0 {
            return Err(StatusCode::Eof.into());
        }
        data.truncate(n);
        Ok(Data { id, data })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Reply<Status> {
        let (mut file, append) = self.file(&handle)?;
        done(id, if append { io::Write::write_all(&mut file, &data) } else { file.write_all_at(&data, offset) })
    }

    async fn lstat(&mut self, id: u32, path: String) -> Reply<Attrs> {
        let metadata = fs::symlink_metadata(path).map_err(|e| refused(&e))?;
        Ok(Attrs { id, attrs: attributes::of(&metadata) })
    }

    async fn stat(&mut self, id: u32, path: String) -> Reply<Attrs> {
        let metadata = fs::metadata(path).map_err(|e| refused(&e))?;
        Ok(Attrs { id, attrs: attributes::of(&metadata) })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Reply<Attrs> {
        let metadata = match self.open.get(&handle) {
            Some(Open::File { file, .. }) => file.metadata(),
            Some(Open::Directory { path, .. }) => fs::metadata(path),
            None => return Err(StatusCode::Failure.with_message("no such handle")),
        };
        Ok(Attrs { id, attrs: attributes::of(&metadata.map_err(|e| refused(&e))?) })
    }

    async fn setstat(&mut self, id: u32, path: String, attrs: FileAttributes) -> Reply<Status> {
        done(id, Change(&attrs).apply(Path::new(&path), true))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attrs: FileAttributes) -> Reply<Status> {
        match self.open.get(&handle) {
            Some(Open::File { file, .. }) => done(id, Change(&attrs).apply_to(file)),
            Some(Open::Directory { path, .. }) => done(id, Change(&attrs).apply(path, true)),
            None => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }

    async fn opendir(&mut self, id: u32, path: String) -> Reply<Handle> {
        let entries = fs::read_dir(&path).map_err(|e| refused(&e))?;
        self.keep(id, Open::Directory { path: path.into(), entries, dots: false })
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Reply<Name> {
        let Some(Open::Directory { path, entries, dots }) = self.open.get_mut(&handle) else {
            return Err(StatusCode::Failure.with_message("no such handle"));
        };
        let mut files = Vec::new();
        if !std::mem::replace(dots, true) {
            for name in [".", ".."] {
                files.extend(fs::symlink_metadata(path.join(name)).map(|m| attributes::entry(name.to_owned(), &m)));
            }
        }
        for entry in entries.by_ref().flatten() {
            // Names that are not UTF-8 cannot be said in the library's words: better left out than garbled.
            if let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) {
                files.push(attributes::entry(name, &metadata));
            }
            if files.len() >= NAMES_AT_ONCE {
                break;
            }
        }
        if files.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Name { id, files }) }
    }

    async fn remove(&mut self, id: u32, name: String) -> Reply<Status> {
        done(id, fs::remove_file(name))
    }

    async fn mkdir(&mut self, id: u32, path: String, attrs: FileAttributes) -> Reply<Status> {
        done(id, fs::DirBuilder::new().mode(attrs.permissions.unwrap_or(0o777) & 0o7777).create(path))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Reply<Status> {
        done(id, fs::remove_dir(path))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Reply<Name> {
        Ok(name(id, &absolute(Path::new(&path)).map_err(|e| refused(&e))?))
    }

    /// The draft's rename replaces nothing; the extension does.
    async fn rename(&mut self, id: u32, old: String, new: String) -> Reply<Status> {
        if fs::symlink_metadata(&new).is_ok() {
            return Err(StatusCode::Failure.with_message("the new name exists"));
        }
        done(id, fs::rename(old, new))
    }

    async fn readlink(&mut self, id: u32, path: String) -> Reply<Name> {
        Ok(name(id, &fs::read_link(path).map_err(|e| refused(&e))?))
    }

    /// OpenSSH's order: what it points to first.
    async fn symlink(&mut self, id: u32, target: String, link: String) -> Reply<Status> {
        done(id, std::os::unix::fs::symlink(target, link))
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Reply<Packet> {
        let mut words = Words(&data);
        match request.as_str() {
            "posix-rename@openssh.com" => done(id, fs::rename(words.text()?, words.text()?)).map(Packet::Status),
            "hardlink@openssh.com" => done(id, fs::hard_link(words.text()?, words.text()?)).map(Packet::Status),
            "fsync@openssh.com" => done(id, self.file(&words.text()?)?.0.sync_all()).map(Packet::Status),
            "lsetstat@openssh.com" => {
                let path = words.text()?;
                let attrs = russh_sftp::de::from_bytes::<FileAttributes>(&mut words.0.to_vec().into());
                let attrs = attrs.map_err(|e| StatusCode::BadMessage.with_message(e.to_string()))?;
                done(id, Change(&attrs).apply(Path::new(&path), false)).map(Packet::Status)
            }
            "limits@openssh.com" => {
                Ok(reply(id, &[256 << 10, MAX_READ as u64 - 1024, MAX_READ as u64 - 1024, MAX_HANDLES as u64]))
            }
            "statvfs@openssh.com" => space(id, rustix::fs::statvfs(words.text()?)),
            "fstatvfs@openssh.com" => space(id, rustix::fs::fstatvfs(self.file(&words.text()?)?.0)),
            "expand-path@openssh.com" => {
                let path = words.text()?;
                let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
                let expanded = match path.strip_prefix('~') {
                    Some(rest) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
                    Some(rest) => {
                        let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
                        let account = host::Account::find(user)
                            .map_err(|e| StatusCode::NoSuchFile.with_message(e.to_string()))?;
                        account.home.join(rest)
                    }
                    None => PathBuf::from(path),
                };
                Ok(Packet::Name(name(id, &absolute(&expanded).map_err(|e| refused(&e))?)))
            }
            _ => Err(StatusCode::OpUnsupported.into()),
        }
    }
}

/// What is there of a path is resolved, the rest is taken as said: clients ask for names of files that are yet to be.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    if let Ok(real) = path.canonicalize() {
        return Ok(real);
    }
    let mut clean = if path.is_absolute() { PathBuf::from("/") } else { std::env::current_dir()? };
    for part in path.components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::Normal(name) => clean.push(name),
            _ => {}
        }
    }
    Ok(clean)
}

fn name(id: u32, path: &Path) -> Name {
    Name { id, files: vec![russh_sftp::protocol::File::dummy(path.to_string_lossy())] }
}

fn reply(id: u32, numbers: &[u64]) -> Packet {
    Packet::ExtendedReply(ExtendedReply { id, data: numbers.iter().flat_map(|n| n.to_be_bytes()).collect() })
}

fn space(id: u32, found: rustix::io::Result<rustix::fs::StatVfs>) -> Reply<Packet> {
    let s = found.map_err(|e| refused(&e.into()))?;
    let flags = s.f_flag.bits() & 3;
    Ok(reply(
        id,
        &[
            s.f_bsize,
            s.f_frsize,
            s.f_blocks,
            s.f_bfree,
            s.f_bavail,
            s.f_files,
            s.f_ffree,
            s.f_favail,
            s.f_fsid,
            flags,
            s.f_namemax,
        ],
    ))
}

/// The fields of an extended request.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn text(&mut self) -> Reply<String> {
        let bad = || StatusCode::BadMessage.into();
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or_else(bad)?;
        let (text, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(bad)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| bad())
    }
}
