//! Linking the files of the host's packages into an image: fast, and never what not everyone on the host may read.
//! It knows no accounts and no settings. The surprise: a path is taken only by its real directory, found once on the host, because following a link
//! inside the image with an absolute target would end on the host itself.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use super::{Error, at, dpkg};

/// Places whose content is the host's own affair, or of no use in a container.
const LEFT_OUT: &[&str] = &[
    "/boot",
    "/dev",
    "/home",
    "/lib/modules",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/tmp",
    "/usr/lib/firmware",
    "/usr/lib/modules",
    "/var/tmp",
];

/// Settings that hold what is the host's alone, or that are made new.
const ETC_LEFT_OUT: &[&str] = &[
    "/etc/crypttab",
    "/etc/environment",
    "/etc/fstab",
    "/etc/group",
    "/etc/gshadow",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/machine-id",
    "/etc/network",
    "/etc/netplan",
    "/etc/passwd",
    "/etc/resolv.conf",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/subgid",
    "/etc/subuid",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/apt/auth.conf",
    "/etc/apt/auth.conf.d",
];

pub fn left_out(path: &Path) -> bool {
    // Bytes, not parts of paths: it is asked of a hundred thousand.
    let path = path.as_os_str().as_bytes();
    let within = |place: &&str| {
        path.strip_prefix(place.as_bytes()).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    };
    LEFT_OUT.iter().any(&within) || path.starts_with(b"/etc/") && ETC_LEFT_OUT.iter().any(within)
}

struct Found {
    path: PathBuf,
    meta: Metadata,
}

/// Real directories on the host, by the path that a package calls them.
#[derive(Default)]
struct Parents {
    real: HashMap<PathBuf, Option<PathBuf>>,
}

impl Parents {
    /// The path with its directory made real; its last part may be a link still.
    fn locate(&mut self, path: &Path) -> Option<PathBuf> {
        let (dir, name) = (path.parent()?, path.file_name()?);
        let real = match self.real.get(dir) {
            Some(real) => real.clone(),
            None => {
                let real = fs::canonicalize(dir).ok();
                self.real.insert(dir.to_owned(), real.clone());
                real
            }
        }?;
        Some(real.join(name))
    }
}

/// Puts what the host's packages own under `image`; answers how many files.
pub fn link_packages(image: &Path) -> Result<usize, Error> {
    let owned = dpkg::owned()?;
    let found: Vec<Found> = in_parallel(&owned, |part| {
        let mut parents = Parents::default();
        let located = part.iter().filter_map(|path| {
            let path = parents.locate(Path::new(path))?;
            let meta = fs::symlink_metadata(&path).ok()?;
            Some(Found { path, meta })
        });
        Ok(located.filter(|f| !left_out(&f.path)).collect())
    })?;

    // Directories first, from the top: those that are owned, and those on the way to what is.
    let mut dirs: BTreeMap<PathBuf, Metadata> = BTreeMap::new();
    for one in &found {
        let own = one.meta.is_dir().then_some(one.path.as_path());
        for dir in own.into_iter().chain(one.path.ancestors().skip(1)) {
            if dirs.contains_key(dir) {
                break;
            }
            if let Ok(meta) = fs::symlink_metadata(dir) {
                dirs.insert(dir.to_owned(), meta);
            }
        }
    }
    // Directories that others than their owner can walk through.
    let mut open: HashMap<PathBuf, bool> = HashMap::new();
    for (dir, meta) in &dirs {
        let above = dir.parent().is_none_or(|up| open.get(up).copied().unwrap_or(false));
        open.insert(dir.clone(), above && meta.mode() & 0o001 != 0);
        make_dir(image, dir, meta)?;
    }

    let counts = in_parallel(&found, |part| {
        let mut count = 0usize;
        for one in part {
            let within = one.path.parent().and_then(|dir| open.get(dir));
            if within.copied().unwrap_or(false) && bring(image, &one.path, &one.meta)? {
                count += 1;
            }
        }
        Ok(vec![count])
    })?;
    for link in dpkg::alternatives() {
        let mut parents = Parents::default();
        let Some(path) = parents.locate(&link) else {
            continue;
        };
        if let Ok(meta) = fs::symlink_metadata(&path)
            && meta.is_symlink()
            && path.parent().is_some_and(|dir| inside(image, dir).is_dir())
        {
            bring(image, &path, &meta)?;
        }
    }
    Ok(counts.into_iter().sum())
}

/// As many threads as there are processors; results in no order.
fn in_parallel<T: Sync, R: Send>(
    all: &[T],
    work: impl Fn(&[T]) -> Result<Vec<R>, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let size = all.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = all.chunks(size).map(|part| scope.spawn(|| work(part))).collect();
        let mut results = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(part) => results.extend(part?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(results)
    })
}

/// Where a path of the host lies in the image.
pub fn inside(image: &Path, path: &Path) -> PathBuf {
    image.join(path.strip_prefix("/").unwrap_or(path))
}

pub fn set(path: &Path, mode: u32, uid: u32, gid: u32) -> Result<(), Error> {
    lchown(path, Some(uid), Some(gid)).map_err(at("give away", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777)).map_err(at("set the mode of", path))
}

fn make_dir(image: &Path, dir: &Path, meta: &Metadata) -> Result<(), Error> {
    let to = inside(image, dir);
    match fs::create_dir(&to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(at("make", &to)(error));
        }
        _ => {}
    }
    if dir == Path::new("/") {
        return Ok(());
    }
    set(&to, meta.mode(), meta.uid(), meta.gid())
}

/// Makes the directories of the host that lead to `path`, where they are missing.
pub fn make_parents(image: &Path, path: &Path) -> Result<(), Error> {
    let mut missing: Vec<&Path> = path.ancestors().skip(1).take_while(|dir| !inside(image, dir).is_dir()).collect();
    missing.reverse();
    for dir in missing {
        let meta = fs::symlink_metadata(dir).map_err(at("look at", dir))?;
        make_dir(image, dir, &meta)?;
    }
    Ok(())
}

/// Brings one file or link, if everyone may read it; `false`: it was not brought.
pub fn bring(image: &Path, path: &Path, meta: &Metadata) -> Result<bool, Error> {
    let to = inside(image, path);
    if meta.is_symlink() {
        // One more name of the same link costs no inode, and nobody can change what a link holds.
        match fs::hard_link(path, &to) {
            Ok(()) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(_) => {}
        }
        let target = fs::read_link(path).map_err(at("read the link", path))?;
        return match symlink(&target, &to) {
            Ok(()) => {
                lchown(&to, Some(meta.uid()), Some(meta.gid())).map_err(at("give away", &to))?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(at("make the link", &to)(error)),
        };
    }
    if !meta.is_file() || meta.mode() & 0o004 == 0 {
        return Ok(false);
    }
    if path.starts_with("/etc") {
        return copy(path, &to, meta, true);
    }
    match fs::hard_link(path, &to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // It vanished: the host's packages are being changed just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // Another file system, or too many links: a copy is as good, only slower.
        Err(_) => copy(path, &to, meta, false),
    }
}

/// Copies with mode and owner. `screened`: not if it holds a password in a URL.
pub fn copy(from: &Path, to: &Path, meta: &Metadata, screened: bool) -> Result<bool, Error> {
    if screened {
        let bytes = fs::read(from).map_err(at("read", from))?;
        if has_credentials(&bytes) {
            return Ok(false);
        }
        fs::write(to, bytes).map_err(at("write", to))?;
    } else {
        fs::copy(from, to).map_err(at("copy", from))?;
    }
    set(to, meta.mode(), meta.uid(), meta.gid())?;
    Ok(true)
}

/// `scheme://user:password@host`: readable or not, that is nobody's but the host's.
fn has_credentials(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.match_indices("://").any(|(at, _)| {
        let rest = &text[at + 3..];
        let end = rest.find(|c: char| c == '/' || c.is_whitespace() || c == '"').unwrap_or(rest.len());
        rest[..end].split_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_seen() {
        let check = |text: &str, expected| assert_eq!(has_credentials(text.as_bytes()), expected, "{text}");
        check("deb https://bob:secret@example.com/debian stable main", true);
        check("Acquire::http::Proxy \"http://u:p@proxy:3128\";", true);
        check("deb https://example.com/debian stable main # a:b@c", false);
        check("http://user@host/path:x", false);
        check("", false);
    }

    #[test]
    fn places_of_the_host_are_left_out() {
        let check = |path: &str, expected| assert_eq!(left_out(Path::new(path)), expected, "{path}");
        check("/etc/shadow", true);
        check("/etc/ssh/ssh_host_ed25519_key", true);
        check("/etc/ssl/private/key.pem", true);
        check("/etc/ssl/certs/ca.pem", false);
        check("/root/.ssh/id_ed25519", true);
        check("/home/a/b", true);
        check("/usr/bin/ls", false);
    }
}
