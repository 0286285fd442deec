//! What a host looks like in all that machines could leave behind: taken before and after, the difference must be nothing.
//! It changes nothing and knows no controller. The surprise: it looks at the whole host, so whoever compares should hold [`alone`].

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::netlink::Socket;
use crate::network::{link, nft};
use crate::{cgroup, files};

/// One line for each thing, beginning with its kind: `link gg-0a1b2-0002`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostState {
    lines: BTreeSet<String>,
}

impl HostState {
    /// Mounts, loop devices that disks of machines are behind, links, addresses, routes, firewall rules, settings of forwarding, control groups, namespaces and processes of machines, and
    /// every file in `dirs` and in `/run/grigri`.
    pub fn capture(dirs: &[&Path]) -> io::Result<HostState> {
        let mut lines = BTreeSet::new();
        mounts(&mut lines)?;
        loops(&mut lines)?;
        network(&mut lines).map_err(io::Error::other)?;
        settings(&mut lines)?;
        groups(&mut lines)?;
        processes(&mut lines)?;
        for dir in dirs.iter().copied().chain([Path::new(crate::network::RUN)]) {
            tree(dir, &mut lines)?;
        }
        Ok(HostState { lines })
    }

    /// Whether any controller has a network here: comparing the whole host makes sense only without.
    pub fn has_other_controllers(&self) -> bool {
        let note = format!("file {}/network-", crate::network::RUN);
        self.lines.iter().any(|line| line.starts_with(&note))
    }

    /// What is there now and was not (`+ link gg-...`), and what is not there any more (`- route ...`).
    pub fn diff(&self, now: &HostState) -> Vec<String> {
        let gone = self.lines.difference(&now.lines).map(|l| format!("- {l}"));
        let new = now.lines.difference(&self.lines).map(|l| format!("+ {l}"));
        gone.chain(new).collect()
    }
}

/// Only one test of this host at a time makes machines.
pub fn alone() -> io::Result<files::Lock> {
    files::Lock::take(&PathBuf::from("/tmp/grigri-tests.lock"))
}

fn mounts(lines: &mut BTreeSet<String>) -> io::Result<()> {
    for line in fs::read_to_string("/proc/self/mountinfo")?.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if let Some(point) = fields.get(4) {
            lines.insert(format!("mount {point}"));
        }
    }
    Ok(())
}

fn loops(lines: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir("/sys/block")? {
        let Ok(file) = fs::read_to_string(entry?.path().join("loop/backing_file")) else { continue };
        if file.contains("/disks/") {
            lines.insert(format!("loop {}", file.trim()));
        }
    }
    Ok(())
}

fn network(lines: &mut BTreeSet<String>) -> Result<(), crate::netlink::Error> {
    let mut route = Socket::route()?;
    for link in link::links(&mut route)? {
        lines.insert(format!("link {}", link.name));
    }
    for (address, _) in link::addresses(&mut route)? {
        lines.insert(format!("address {address}"));
    }
    for (subnet, link) in link::routes(&mut route)? {
        lines.insert(format!("route {subnet} over {link:?}"));
    }
    let mut netfilter = Socket::netfilter()?;
    lines.extend(nft::everything(&mut netfilter)?);
    Ok(())
}

fn settings(lines: &mut BTreeSet<String>) -> io::Result<()> {
    let mut read = |path: PathBuf| {
        if let Ok(value) = fs::read_to_string(&path) {
            lines.insert(format!("setting {} = {}", path.display(), value.trim()));
        }
    };
    read("/proc/sys/net/ipv4/ip_forward".into());
    for entry in fs::read_dir("/proc/sys/net/ipv4/conf")? {
        let dir = entry?.path();
        for name in ["forwarding", "accept_redirects", "rp_filter"] {
            read(dir.join(name));
        }
    }
    Ok(())
}

fn groups(lines: &mut BTreeSet<String>) -> io::Result<()> {
    for hierarchy in cgroup::hierarchies()? {
        directories(&hierarchy.root.join(cgroup::top().trim_start_matches('/')), lines)?;
    }
    Ok(())
}

fn directories(dir: &Path, lines: &mut BTreeSet<String>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Ok(());
    };
    lines.insert(format!("cgroup {}", dir.display()));
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            directories(&entry.path(), lines)?;
        }
    }
    Ok(())
}

/// Processes of the engine, and processes that live in other namespaces than this one's. A dead one that the host's
/// first process has not buried yet is nobody's any more.
fn processes(lines: &mut BTreeSet<String>) -> io::Result<()> {
    let ours = fs::read_link("/proc/self/ns/pid")?;
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X'])) {
            continue;
        }
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        let inside = fs::read_link(entry.path().join("ns/pid")).is_ok_and(|ns| ns != ours);
        let engine = words.split(' ').any(|w| w == crate::HELPER_WORD || w == crate::INIT_WORD);
        if inside || engine || name.starts_with("youki:") {
            lines.insert(format!("process {pid} {}", words.trim()));
        }
    }
    Ok(())
}

fn tree(dir: &Path, lines: &mut BTreeSet<String>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Ok(());
    };
    lines.insert(format!("directory {}", dir.display()));
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            tree(&entry.path(), lines)?;
        } else {
            lines.insert(format!("file {}", entry.path().display()));
        }
    }
    Ok(())
}
