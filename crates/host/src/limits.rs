//! What control groups leave of the machine: cores and memory, for version 1, 2 and both at once.
//! It must not know who set the limits. The surprise: a limit of any ancestor counts, and how many ancestors are seen
//! depends on namespaces and mounts, so every directory on the way that exists is asked.

use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Cores, by quota; may be a part of one.
    pub cores: Option<f64>,
    /// Bytes.
    pub memory: Option<u64>,
}

/// The limits that this process lives under. `root` is `/` but in tests.
pub fn read(root: &Path) -> Limits {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mounts = fs::read_to_string(root.join("proc/self/mounts")).unwrap_or_default();
    let mut limits = Limits::default();
    for line in mounts.lines() {
        let f: Vec<&str> = line.split(' ').collect();
        if f.len() < 4 || !f[2].starts_with("cgroup") {
            continue;
        }
        let at = root.join(f[1].trim_start_matches('/'));
        if f[2] == "cgroup2" {
            for dir in directories(&at, own_path(&groups, "")) {
                limits.less_cores(cpu_max(&text(&dir, "cpu.max")));
                limits.less_memory(text(&dir, "memory.max").trim().parse().ok());
            }
            continue;
        }
        let has = |controller: &str| f[3].split(',').any(|option| option == controller);
        if has("cpu") {
            for dir in directories(&at, own_path(&groups, "cpu")) {
                let (quota, period) = (text(&dir, "cpu.cfs_quota_us"), text(&dir, "cpu.cfs_period_us"));
                limits.less_cores(cpu_max(&format!("{} {}", quota.trim(), period.trim())));
            }
        }
        if has("memory") {
            for dir in directories(&at, own_path(&groups, "memory")) {
                // "No limit" is the largest page-aligned number, not a word.
                limits.less_memory(text(&dir, "memory.limit_in_bytes").trim().parse().ok().filter(|n| *n < 1 << 60));
            }
        }
    }
    limits
}

impl Limits {
    fn less_cores(&mut self, found: Option<f64>) {
        if let Some(found) = found {
            self.cores = Some(self.cores.map_or(found, |had| had.min(found)));
        }
    }

    fn less_memory(&mut self, found: Option<u64>) {
        if let Some(found) = found {
            self.memory = Some(self.memory.map_or(found, |had| had.min(found)));
        }
    }
}

/// `max 100000`, `-1 100000`: none; `50000 100000`: half a core.
fn cpu_max(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let quota: f64 = words.next()?.parse().ok()?;
    let period: f64 = words.next()?.parse().ok()?;
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

/// Our path in the hierarchy of `controller`; `""` is version 2's.
fn own_path<'a>(groups: &'a str, controller: &str) -> &'a str {
    let path = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let ours = if controller.is_empty() {
            controllers.is_empty()
        } else {
            controllers.split(',').any(|c| c == controller)
        };
        ours.then_some(path)
    });
    path.unwrap_or("/")
}

fn directories(mount: &Path, path: &str) -> Vec<PathBuf> {
    let mut found = vec![mount.to_path_buf()];
    let mut dir = mount.to_path_buf();
    for part in path.split('/').filter(|p| !p.is_empty() && *p != "..") {
        dir.push(part);
        if dir.is_dir() {
            found.push(dir.clone());
        }
    }
    found
}

fn text(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: Limits) {
        let root = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("below root")).expect("made");
            fs::write(path, text).expect("written");
        }
        assert_eq!(read(root.path()), expected, "{files:?}");
    }

    #[test]
    fn the_tightest_limit_on_the_way_counts() {
        let v2 = ("proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
        check(&[v2], Limits::default());
        check(
            &[
                v2,
                ("proc/self/cgroup", "0::/a/b\n"),
                ("sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
                ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
                ("sys/fs/cgroup/a/b/memory.max", "1073741824\n"),
                ("sys/fs/cgroup/a/memory.max", "max\n"),
            ],
            Limits { cores: Some(1.5), memory: Some(1 << 30) },
        );
        // The path is outside of what is mounted: the mount's own root tells.
        check(
            &[v2, ("proc/self/cgroup", "0::/../elsewhere\n"), ("sys/fs/cgroup/memory.max", "4096\n")],
            Limits { cores: None, memory: Some(4096) },
        );
        check(
            &[
                (
                    "proc/self/mounts",
                    "c /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\nm /sys/fs/cgroup/memory cgroup rw,memory 0 0\nu /sys/fs/cgroup/unified cgroup2 rw 0 0\n",
                ),
                ("proc/self/cgroup", "3:cpu,cpuacct:/x\n2:memory:/y\n0::/\n"),
                ("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n"),
                ("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n"),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n"),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
                ("sys/fs/cgroup/memory/y/memory.limit_in_bytes", "8192\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ],
            Limits { cores: Some(0.5), memory: Some(8192) },
        );
    }
}
