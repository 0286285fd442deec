//! The control groups of machines, in every hierarchy that the host has: version 1, version 2, or both side by side.
//! Limits are libcontainer's work; this is finding, joining, emptying and removing. The surprise: under systemd's hybrid setup a service is tracked in
//! hierarchies without controllers, which libcontainer leaves alone, so a machine must be taken out of those too, lest it be stopped with the service.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::plan::{Limits, PERIOD};

/// Whether systemd runs this host.
pub fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// The group of all machines of this host. Where systemd runs it is that of a slice, the one that the controllers' services are in: what the operator
/// allows the slice holds for machines, and `systemd-cgls` shows them there.
pub fn top() -> &'static str {
    if has_systemd() { "/grigri.slice" } else { "/grigri" }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    pub root: PathBuf,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Its controllers.
    V1(Vec<String>),
    /// Version 1 without controllers: somebody's bookkeeping.
    Named,
    V2,
}

pub fn hierarchies() -> io::Result<Vec<Hierarchy>> {
    Ok(parse(&fs::read_to_string("/proc/self/mountinfo")?))
}

fn parse(mountinfo: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        // Only whole hierarchies: not a part of one, bound somewhere else.
        let (Some("/"), Some(root)) = (left.get(3).copied(), left.get(4)) else {
            continue;
        };
        let kind = match right.first().copied() {
            Some("cgroup2") => Kind::V2,
            Some("cgroup") => {
                let options = right.get(2).copied().unwrap_or_default();
                if options.contains("name=") {
                    Kind::Named
                } else {
                    let names = options.split(',').filter(|o| !matches!(*o, "rw" | "ro"));
                    Kind::V1(names.map(str::to_owned).collect())
                }
            }
            _ => continue,
        };
        if !found.iter().any(|h| h.kind == kind && kind != Kind::Named) {
            found.push(Hierarchy { root: PathBuf::from(root), kind });
        }
    }
    found
}

/// The controllers that limits can be set with.
pub fn controllers() -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for hierarchy in hierarchies()? {
        match hierarchy.kind {
            Kind::V1(controllers) => names.extend(controllers),
            Kind::V2 => {
                let listed = fs::read_to_string(hierarchy.root.join("cgroup.controllers"))?;
                names.extend(listed.split_whitespace().map(str::to_owned));
            }
            Kind::Named => {}
        }
    }
    Ok(names)
}

fn below(hierarchy: &Hierarchy, cgroup: &str) -> PathBuf {
    hierarchy.root.join(cgroup.trim_start_matches('/'))
}

/// Moves this process into the group where libcontainer will not: hierarchies without controllers.
pub fn join_uncontrolled(cgroup: &str) -> io::Result<()> {
    let all = hierarchies()?;
    let hybrid = all.iter().any(|h| matches!(h.kind, Kind::V1(_)));
    for hierarchy in &all {
        let uncontrolled = match hierarchy.kind {
            Kind::Named => true,
            Kind::V2 => hybrid,
            Kind::V1(_) => false,
        };
        if uncontrolled {
            let dir = below(hierarchy, cgroup);
            fs::create_dir_all(&dir)?;
            fs::write(dir.join("cgroup.procs"), "0")?;
        }
    }
    Ok(())
}

/// Moves this process into the group in every hierarchy that has it.
pub fn join(cgroup: &str) -> io::Result<()> {
    for hierarchy in hierarchies()? {
        let dir = below(&hierarchy, cgroup);
        if dir.exists() {
            fs::write(dir.join("cgroup.procs"), "0")?;
        }
    }
    Ok(())
}

/// One bound of a group, as each version has it: files and what is written to them.
struct Bound {
    controller: &'static str,
    v1: Vec<(&'static str, String)>,
    v2: (&'static str, String),
}

fn bounds(limits: &Limits) -> Vec<Bound> {
    let memory = limits.mem_mib.map(|mib| Bound {
        controller: "memory",
        v1: vec![("memory.limit_in_bytes", (mib << 20).to_string())],
        v2: ("memory.max", (mib << 20).to_string()),
    });
    let cpu = limits.cores.map(|cores| Bound {
        controller: "cpu",
        v1: vec![("cpu.cfs_period_us", PERIOD.to_string()), ("cpu.cfs_quota_us", (cores * PERIOD).to_string())],
        v2: ("cpu.max", format!("{} {PERIOD}", cores * PERIOD)),
    });
    memory.into_iter().chain(cpu).collect()
}

/// Makes a group whose groups, all together, may use so much memory and processor time. Nothing is in it yet.
pub fn bound(cgroup: &str, limits: &Limits) -> io::Result<()> {
    for hierarchy in hierarchies()? {
        let available = match &hierarchy.kind {
            Kind::V1(controllers) => controllers.clone(),
            Kind::V2 => {
                let listed = fs::read_to_string(hierarchy.root.join("cgroup.controllers"))?;
                listed.split_whitespace().map(str::to_owned).collect()
            }
            Kind::Named => continue,
        };
        for Bound { controller, v1, v2 } in bounds(limits) {
            if !available.iter().any(|one| one == controller) {
                continue;
            }
            let dir = below(&hierarchy, cgroup);
            if hierarchy.kind == Kind::V2 {
                hand_down(&hierarchy, cgroup, controller)?;
                fs::write(dir.join(v2.0), v2.1)?;
                continue;
            }
            fs::create_dir_all(&dir)?;
            if controller == "memory" {
                // Old kernels ask for it; new ones have it so in any case.
                let _ = fs::write(dir.join("memory.use_hierarchy"), "1");
            }
            for (file, text) in v1 {
                fs::write(dir.join(file), text)?;
            }
        }
    }
    Ok(())
}

/// Makes the group, and gives the controller to all of those above it.
fn hand_down(hierarchy: &Hierarchy, cgroup: &str, controller: &str) -> io::Result<()> {
    let mut dir = hierarchy.root.clone();
    for part in cgroup.split('/').filter(|part| !part.is_empty()) {
        fs::write(dir.join("cgroup.subtree_control"), format!("+{controller}"))?;
        dir.push(part);
        fs::create_dir_all(&dir)?;
    }
    Ok(())
}

/// The processes of the group and of those below it.
pub fn pids(cgroup: &str) -> io::Result<BTreeSet<i32>> {
    let mut pids = BTreeSet::new();
    for hierarchy in hierarchies()? {
        collect(&below(&hierarchy, cgroup), &mut pids)?;
    }
    Ok(pids)
}

fn collect(dir: &Path, pids: &mut BTreeSet<i32>) -> io::Result<()> {
    let listed = match fs::read_to_string(dir.join("cgroup.procs")) {
        Ok(listed) => listed,
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    pids.extend(listed.lines().filter_map(|line| line.parse::<i32>().ok()));
    for child in children(dir)? {
        collect(&child, pids)?;
    }
    Ok(())
}

fn children(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The group vanished between two looks at it.
fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

/// Kills what is in the group until nothing is, and removes it. Blocks; an error after `patience`.
pub fn end(cgroup: &str, patience: Duration) -> io::Result<()> {
    let begun = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        let alive = pids(cgroup)?;
        for pid in &alive {
            if let Some(pid) = Pid::from_raw(*pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let failed = if alive.is_empty() {
            match remove(cgroup) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            }
        } else {
            io::Error::other(format!("processes of {cgroup} do not end: {alive:?}"))
        };
        if begun.elapsed() > patience {
            return Err(failed);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn remove(cgroup: &str) -> io::Result<()> {
    for hierarchy in hierarchies()? {
        remove_dir(&below(&hierarchy, cgroup))?;
    }
    Ok(())
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    for child in children(dir)? {
        remove_dir(&child)?;
    }
    match fs::remove_dir(dir) {
        Err(error) if !gone(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Removes the group if it is empty, and those above it that are then empty.
pub fn prune(cgroup: &str) -> io::Result<()> {
    for hierarchy in hierarchies()? {
        let mut dir = below(&hierarchy, cgroup);
        while dir != hierarchy.root {
            match fs::remove_dir(&dir) {
                Err(error) if !gone(&error) => break,
                _ => {}
            }
            if !dir.pop() {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_all_kinds_are_found() {
        let check = |mountinfo: &str, expected: &[(&str, Kind)]| {
            let expected: Vec<Hierarchy> =
                expected.iter().map(|(root, kind)| Hierarchy { root: root.into(), kind: kind.clone() }).collect();
            assert_eq!(parse(mountinfo), expected, "{mountinfo}");
        };
        check(
            "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
            &[("/sys/fs/cgroup", Kind::V2)],
        );
        check(
            "31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
             32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             33 30 0:28 /docker/x /elsewhere rw - cgroup cgroup rw,cpu,cpuacct\n\
             34 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            &[
                ("/sys/fs/cgroup/systemd", Kind::Named),
                ("/sys/fs/cgroup/cpu,cpuacct", Kind::V1(vec!["cpu".into(), "cpuacct".into()])),
                ("/sys/fs/cgroup/unified", Kind::V2),
            ],
        );
        check("1 2 8:1 / / rw - ext4 /dev/sda rw\nnonsense\n", &[]);
    }
}
