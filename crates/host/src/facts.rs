//! What this machine is: name, architecture, base, cores, memory, disk, network.
//! It must not know who asks. The surprise: cores and memory are what may be used, control groups' limits honoured, not what is there.

use std::fs;
use std::path::Path;

use crate::interfaces::{self, Interface};
use crate::limits;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub hostname: String,
    /// Juju's word: `amd64`.
    pub arch: String,
    pub cores: u64,
    /// MiB.
    pub mem: u64,
    /// MiB.
    pub root_disk: u64,
    /// `ubuntu@22.04`; empty when the system does not say.
    pub base: String,
    /// Another one after every boot.
    pub boot_id: String,
    pub interfaces: Vec<Interface>,
}

const MIB: u64 = 1 << 20;

/// Everything that can be found out; what cannot is left empty.
pub fn read() -> Facts {
    let limits = limits::read(Path::new("/"));
    let uname = rustix::system::uname();
    let there = rustix::thread::sched_getaffinity(None).map_or(1, |set| u64::from(set.count()));
    // A part of a core is one to whoever counts in whole ones.
    let cores = limits.cores.map_or(there, |quota| there.min(quota.ceil().max(1.0) as u64));
    let total = memory_total(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
    let disk = rustix::fs::statvfs("/").map_or(0, |s| s.f_blocks.saturating_mul(s.f_frsize));
    Facts {
        hostname: uname.nodename().to_string_lossy().into_owned(),
        arch: arch(&uname.machine().to_string_lossy()).to_owned(),
        cores,
        mem: limits.memory.map_or(total, |limit| total.min(limit)) / MIB,
        root_disk: disk / MIB,
        base: base(
            &fs::read_to_string("/etc/os-release")
                .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
                .unwrap_or_default(),
        ),
        boot_id: boot_id(),
        interfaces: interfaces::read().unwrap_or_default(),
    }
}

/// This boot's id. A container keeps its host's, so the start of its first process is added.
pub fn boot_id() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let init = start_time(1).unwrap_or(0);
    format!("{}/{init}", kernel.trim())
}

/// When a process started, in ticks since boot: with its number it names one process only.
pub fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// What this program is built for, in Juju's words: `amd64`.
pub fn built_for() -> &'static str {
    arch(std::env::consts::ARCH)
}

fn arch(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "ppc64le" => "ppc64el",
        other => other,
    }
}

fn memory_total(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn base(os_release: &str) -> String {
    let get = |key: &str| {
        let value = os_release.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned()
    };
    match (get("ID"), get("VERSION_ID")) {
        (id, _) if id.is_empty() => id,
        (id, version) if version.is_empty() => id,
        (id, version) => format!("{id}@{version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_read_from_os_release() {
        for (text, expected) in [
            ("NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nID=ubuntu\nID_LIKE=debian\n", "ubuntu@22.04"),
            ("ID=arch\n", "arch"),
            ("ID=\"centos\"\nVERSION_ID='9'\n", "centos@9"),
            ("", ""),
        ] {
            assert_eq!(base(text), expected);
        }
    }

    #[test]
    fn this_machine_has_facts() {
        let facts = read();
        assert!(facts.cores >= 1 && facts.mem > 0 && facts.root_disk > 0, "{facts:?}");
        assert!(!facts.hostname.is_empty() && facts.boot_id.len() > 36, "{facts:?}");
        assert_eq!(memory_total("MemFree: 3 kB\nMemTotal:       2048 kB\n"), 2 << 20);
    }

    #[test]
    fn a_process_has_one_start() {
        let ours = start_time(std::process::id()).expect("we live");
        assert_eq!(start_time(std::process::id()), Some(ours));
        assert_eq!(start_time(u32::MAX), None);
    }
}
