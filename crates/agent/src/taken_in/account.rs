//! The login user of a host that has none: lines in the files of accounts, a home, and the right to become root.
//! It runs no `useradd`: there are many, some hosts have none, and what they leave (backups, mail spools, ranges of ids) nobody takes away.
//! The surprise: a file is replaced whole, with its mode, owner and SELinux label, so a crash leaves the old one or the new one.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use host::Account;
use host::files::Owner;
use rustix::fs::{FlockOperation, fcntl_lock};

use super::made::{Made, Note};

const SUDOERS: &str = "etc/sudoers.d/90-juju-ubuntu";
/// Ids of people, as `login.defs` has them everywhere.
const PEOPLE: std::ops::Range<u32> = 1000..60_000;

/// What glibc's `lckpwdf` locks: useradd, passwd and the scripts of packages hold it while they edit accounts.
const LOCK: &str = "etc/.pwd.lock";
/// As long as `lckpwdf` waits.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes the account unless there is one of that name; a note of it comes first.
pub(super) fn make(note: &mut Note, name: &str) -> io::Result<()> {
    let root = Path::new("/");
    match Account::find_in(root, name) {
        Ok(_) => return Ok(()),
        Err(host::account::Error::Unknown(_)) => {}
        Err(error) => return Err(io::Error::other(error)),
    }
    let home = home(root, name);
    // Whosever it is (somebody's whom only a directory service knows, say): it is not to be given away, nor to go with the account.
    if home.symlink_metadata().is_ok() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is there already", home.display())));
    }
    let _locked = Locked::wait(root)?;
    let uid = free_id(root)?;
    note.add(Made::Account { name: name.to_owned(), uid })?;
    add(root, name, uid)?;
    std::fs::DirBuilder::new().mode(0o750).recursive(true).create(&home)?;
    std::os::unix::fs::chown(&home, Some(uid), Some(uid))?;
    if root.join(SUDOERS).parent().is_some_and(Path::is_dir) && !root.join(SUDOERS).exists() {
        note.add(Made::File { path: root.join(SUDOERS) })?;
        host::files::write(&root.join(SUDOERS), format!("{name} ALL=(ALL) NOPASSWD:ALL\n").as_bytes(), 0o440)?;
    }
    Ok(())
}

/// Takes an account away that `make` made: its processes, its home, its lines.
pub(super) fn remove(name: &str, uid: u32) -> io::Result<()> {
    let root = Path::new("/");
    // An account of that name with another number is not the one that was made.
    if !Account::find_in(root, name).is_ok_and(|account| account.uid == uid) {
        return Ok(());
    }
    end_processes(uid);
    let home = home(root, name);
    if home.symlink_metadata().is_ok() {
        let cannot =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot remove {}: {error}", home.display()));
        std::fs::remove_dir_all(&home).map_err(cannot)?;
    }
    let _locked = Locked::wait(root)?;
    // Its own line goes last: by it the account, and that its home is to go, is known.
    FILES.iter().try_for_each(|file| edit(&root.join(file), |text| without(text, name)))
}

/// Nobody else edits accounts while it is held.
struct Locked {
    _file: File,
    /// On a host that had no such file.
    made: Option<PathBuf>,
}

impl Locked {
    fn wait(root: &Path) -> io::Result<Locked> {
        let path = root.join(LOCK);
        let made = path.symlink_metadata().is_err().then(|| path.clone());
        let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let begun = Instant::now();
        while let Err(errno) = fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            if !matches!(errno, rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) {
                return Err(errno.into());
            }
            if begun.elapsed() > PATIENCE {
                let words = format!("{} is locked: something else edits the accounts", path.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, words));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Locked { _file: file, made })
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            let _ = std::fs::remove_file(path);
        }
    }
}

const FILES: [&str; 4] = ["etc/shadow", "etc/gshadow", "etc/group", "etc/passwd"];

fn home(root: &Path, name: &str) -> PathBuf {
    root.join("home").join(name)
}

/// One that neither a user nor a group has, nor a process: containers have people of their own, with numbers that this host does not name.
fn free_id(root: &Path) -> io::Result<u32> {
    let mut taken: std::collections::HashSet<u32> = processes().map(|(_, uid)| uid).collect();
    for file in ["etc/passwd", "etc/group"] {
        let text = std::fs::read_to_string(root.join(file))?;
        taken.extend(text.lines().filter_map(|line| line.split(':').nth(2)?.parse::<u32>().ok()));
    }
    let mut free = PEOPLE.filter(|id| !taken.contains(id));
    free.next().ok_or_else(|| io::Error::other("no user id is free"))
}

fn add(root: &Path, name: &str, uid: u32) -> io::Result<()> {
    let shell = if root.join("bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    // No password fits a star; an exclamation mark would have sshd take the account for locked.
    let shadow = root.join("etc/shadow").exists();
    let mark = if shadow { "x" } else { "*" };
    // The line by which it is known comes first, so that half an account is found and removed.
    let lines = [
        ("etc/passwd", format!("{name}:{mark}:{uid}:{uid}:Ubuntu:/home/{name}:{shell}")),
        ("etc/group", format!("{name}:x:{uid}:")),
        ("etc/gshadow", format!("{name}:!::")),
        ("etc/shadow", format!("{name}:*:19000:0:99999:7:::")),
    ];
    for (file, line) in lines {
        edit(&root.join(file), |text| with(text, name, &line))?;
    }
    Ok(())
}

fn with(text: &str, name: &str, line: &str) -> String {
    let mut text = without(text, name);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text + line + "\n"
}

fn without(text: &str, name: &str) -> String {
    let theirs = |line: &&str| line.strip_prefix(name).is_none_or(|rest| !rest.starts_with(':'));
    text.split_inclusive('\n').filter(theirs).collect()
}

/// A file that is not there stays so.
fn edit(file: &Path, how: impl FnOnce(&str) -> String) -> io::Result<()> {
    let before = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let after = how(&before);
    if after == before {
        return Ok(());
    }
    // A link stays one: what it leads to is replaced.
    let file = std::fs::canonicalize(file)?;
    let known = std::fs::metadata(&file)?;
    let label = label(&file);
    let owner = Owner { uid: known.uid(), gid: known.gid() };
    host::files::write_owned(&file, after.as_bytes(), known.mode() & 0o7777, Some(owner))?;
    if let Some(label) = label {
        // Where it cannot be set, the host's own `restorecon` can.
        let _ = rustix::fs::setxattr(&file, LABEL, &label, rustix::fs::XattrFlags::empty());
    }
    Ok(())
}

const LABEL: &str = "security.selinux";

fn label(file: &Path) -> Option<Vec<u8>> {
    let mut label = vec![0; 512];
    let len = rustix::fs::getxattr(file, LABEL, label.as_mut_slice()).ok()?;
    label.truncate(len);
    Some(label)
}

/// Processes and whose they are.
fn processes() -> impl Iterator<Item = (rustix::process::Pid, u32)> {
    std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let pid = rustix::process::Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        Some((pid, entry.metadata().ok()?.uid()))
    })
}

/// Those of a user that is about to be none: sessions, what they left running. In a container that came later the number may be another's.
fn end_processes(uid: u32) {
    let space = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let ours = space("self");
    for _ in 0..50 {
        let mut any = false;
        for (pid, _) in processes().filter(|(_, owner)| *owner == uid) {
            if ours.is_some() && space(&pid.as_raw_nonzero().to_string()) != ours {
                continue;
            }
            any = true;
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        if !any {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(root.path().join("etc")).expect("made");
        for (file, text) in [
            ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nubuntux:x:1002:7:::\n"),
            ("etc/group", "root:x:0:\nann:x:1000:\nteam:x:1001:ann,ubuntu\n"),
            ("etc/shadow", "root:*:1:::::\n"),
        ] {
            std::fs::write(root.path().join(file), text).expect("written");
        }
        root
    }

    fn all(root: &Path) -> Vec<String> {
        FILES.iter().map(|file| std::fs::read_to_string(root.join(file)).unwrap_or_else(|_| "none".into())).collect()
    }

    #[test]
    fn an_account_is_found_and_gone_without_a_trace() {
        let root = root();
        let before = all(root.path());
        let uid = free_id(root.path()).expect("free");
        assert_eq!(uid, 1003, "neither user nor group has it");
        add(root.path(), "ubuntu", uid).expect("added");
        add(root.path(), "ubuntu", uid).expect("added again");
        let account = Account::find_in(root.path(), "ubuntu").expect("there");
        assert_eq!((account.uid, account.gid, account.home.as_path()), (1003, 1003, Path::new("/home/ubuntu")));
        assert_eq!(all(root.path())[1], "none", "a file that the host has not is not made");
        for file in FILES {
            edit(&root.path().join(file), |text| without(text, "ubuntu")).expect("edited");
        }
        assert_eq!(all(root.path()), before);
    }

    #[test]
    fn a_file_without_a_last_line_end_is_not_broken() {
        assert_eq!(with("a:x", "b", "b:y"), "a:x\nb:y\n");
        assert_eq!(without("a:x\nb:y\nbc:z", "b"), "a:x\nbc:z");
    }
}
