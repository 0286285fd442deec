//! Reading the values that are judged. Nothing is changed.
//! It must not say what is good. The surprise: each value is there or says why not, one by one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A value, or why it could not be read.
pub type Seen<T> = Result<T, String>;

/// What was found on a host.
#[derive(Debug, Clone)]
pub struct Values {
    /// The hard limit of open files of this process, which is what a controller raises itself to.
    pub open_files: Seen<u64>,
    /// `fs.inotify`: of one user.
    pub inotify_instances: Seen<u64>,
    pub inotify_watches: Seen<u64>,
    /// `gc_thresh3` of IPv4: more neighbours than that are not remembered.
    pub neighbours: Seen<u64>,
    pub pids: Seen<u64>,
    pub threads: Seen<u64>,
    pub cgroups: Seen<Cgroups>,
    pub overlay: Seen<bool>,
    pub forwarding: Seen<bool>,
    /// Machines of controllers are expected to run here.
    pub has_machines: bool,
    pub data: PathBuf,
    pub disk: Seen<Space>,
    pub clock: Seen<ClockState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroups {
    /// `1`, `2`, `1 and 2`.
    pub version: &'static str,
    pub controllers: BTreeSet<String>,
}

/// Of a file system; bytes and numbers of files. File systems without a fixed number of files say 0 of 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    pub free: u64,
    pub total: u64,
    pub files_free: u64,
    pub files_total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// Something keeps it right.
    pub kept: bool,
    /// The most that it may be wrong by, in milliseconds, as whoever keeps it says.
    pub off_by: u64,
}

/// Looks at this host. `root` is `/` but in tests; `data` is where machines' disks are or will be.
pub fn read(root: &Path, data: &Path, has_machines: bool) -> Values {
    let sys = |name: &str| number(&root.join("proc/sys").join(name));
    Values {
        open_files: Ok(rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum.unwrap_or(u64::MAX)),
        inotify_instances: sys("fs/inotify/max_user_instances"),
        inotify_watches: sys("fs/inotify/max_user_watches"),
        neighbours: sys("net/ipv4/neigh/default/gc_thresh3"),
        pids: sys("kernel/pid_max"),
        threads: sys("kernel/threads-max"),
        cgroups: text(&root.join("proc/self/mountinfo")).and_then(|mounts| cgroups(root, &mounts)),
        overlay: overlay(root),
        forwarding: sys("net/ipv4/ip_forward").map(|switch| switch == 1),
        has_machines,
        data: data.to_owned(),
        disk: space(data),
        clock: clock(),
    }
}

/// The kernel lists what was used since boot; a module that waits to be loaded is as good.
fn overlay(root: &Path) -> Seen<bool> {
    let listed = text(&root.join("proc/filesystems"))?;
    if listed.lines().any(|line| line.split_whitespace().last() == Some("overlay")) {
        return Ok(true);
    }
    let Ok(release) = text(&root.join("proc/sys/kernel/osrelease")) else { return Ok(false) };
    let modules = text(&root.join("lib/modules").join(release.trim()).join("modules.dep")).unwrap_or_default();
    Ok(modules.lines().any(|line| line.split(':').next().is_some_and(|module| module.contains("/overlay.ko"))))
}

fn text(path: &Path) -> Seen<String> {
    fs::read_to_string(path).map_err(|error| reason(&error))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "this kernel does not tell".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn number(path: &Path) -> Seen<u64> {
    let text = text(path)?;
    text.trim().parse().map_err(|_| format!("{:?} is no number", text.trim()))
}

fn cgroups(root: &Path, mounts: &str) -> Seen<Cgroups> {
    let (mut one, mut two, mut controllers) = (false, false, BTreeSet::new());
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let right: Vec<&str> = right.split(' ').collect();
        match right.first().copied() {
            Some("cgroup") => {
                one = true;
                let options = right.get(2).copied().unwrap_or_default().split(',');
                controllers
                    .extend(options.filter(|o| !matches!(*o, "rw" | "ro") && !o.contains('=')).map(str::to_owned));
            }
            Some("cgroup2") => {
                two = true;
                let point = left.split(' ').nth(4).unwrap_or_default().trim_start_matches('/');
                let listed = text(&root.join(point).join("cgroup.controllers"))?;
                controllers.extend(listed.split_whitespace().map(str::to_owned));
            }
            _ => {}
        }
    }
    let version = match (one, two) {
        (true, true) => "1 and 2",
        (true, false) => "1",
        (false, true) => "2",
        (false, false) => return Err("none is mounted".to_owned()),
    };
    Ok(Cgroups { version, controllers })
}

/// Of the file system that a path, or the nearest one above it that exists, is on.
pub fn space(path: &Path) -> Seen<Space> {
    let there = path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    let found = rustix::fs::statvfs(there).map_err(|errno| reason(&errno.into()))?;
    Ok(Space {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        total: found.f_blocks.saturating_mul(found.f_frsize),
        files_free: found.f_favail,
        files_total: found.f_files,
    })
}

/// The kernel's word for a clock that nobody keeps.
const TIME_ERROR: i32 = 5;

#[allow(unsafe_code, reason = "adjtimex(2) has no safe wrapper; asked with no modes it only fills what it is given")]
fn clock() -> Seen<ClockState> {
    // All zero is a valid value of the structure, and asks for nothing.
    let mut answer: libc::timex = unsafe { std::mem::zeroed() };
    let state = unsafe { libc::adjtimex(&mut answer) };
    if state < 0 {
        return Err(reason(&io::Error::last_os_error()));
    }
    let off_by = u64::try_from(answer.maxerror).unwrap_or(0) / 1000;
    Ok(ClockState { kept: state != TIME_ERROR, off_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_what_is_missing_says_so() {
        let root = tempfile::tempdir().expect("a directory");
        for (path, text) in [
            ("proc/sys/fs/inotify/max_user_instances", "128\n"),
            ("proc/sys/kernel/pid_max", "many\n"),
            ("proc/sys/net/ipv4/ip_forward", "1\n"),
            ("proc/filesystems", "nodev\tproc\n\text4\nnodev\toverlay\n"),
            (
                "proc/self/mountinfo",
                "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n31 1 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                 32 1 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n",
            ),
            ("sys/fs/cgroup/cgroup.controllers", "memory pids\n"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("below root")).expect("made");
            fs::write(path, text).expect("written");
        }
        let values = read(root.path(), &root.path().join("not/there"), false);
        assert_eq!(values.inotify_instances, Ok(128));
        assert_eq!(values.pids, Err("\"many\" is no number".to_owned()));
        assert_eq!(values.neighbours, Err("this kernel does not tell".to_owned()));
        assert_eq!((values.overlay, values.forwarding), (Ok(true), Ok(true)));
        let cgroups = values.cgroups.expect("there");
        assert_eq!(cgroups.version, "1 and 2");
        assert_eq!(
            cgroups.controllers.iter().map(String::as_str).collect::<Vec<_>>(),
            ["cpu", "cpuacct", "memory", "pids"]
        );
        assert!(values.disk.expect("the directory above is there").total > 0);
    }

    #[test]
    fn an_overlay_that_is_not_loaded_yet_is_there() {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("below root")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("proc/filesystems", "\text4\n");
        assert_eq!(overlay(root.path()), Ok(false));
        write("proc/sys/kernel/osrelease", "6.1.0-42-amd64\n");
        write("lib/modules/6.1.0-42-amd64/modules.dep", "kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/overlay.ko\n");
        assert_eq!(overlay(root.path()), Ok(false), "only what another needs");
        write("lib/modules/6.1.0-42-amd64/modules.dep", "kernel/fs/overlayfs/overlay.ko.xz:\n");
        assert_eq!(overlay(root.path()), Ok(true));
    }

    #[test]
    fn this_host_has_a_clock() {
        // Where the call is forbidden the answer says so; it never panics.
        if let Ok(clock) = clock() {
            assert!(clock.off_by < 1 << 40, "{clock:?}");
        }
    }
}
