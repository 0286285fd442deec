//! Whether this host can be a cloud: each thing that is missing, by name and with its cure.
//! It changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cloud::Error;
use container::cgroup;

/// The first cause that machines could not run here.
pub fn check(data: &Path) -> Result<(), Error> {
    if !rustix::process::geteuid().is_root() {
        return no("the builtin cloud makes containers, which needs root: run it as root, with sudo for instance");
    }
    if !container::root::has_overlay() {
        return no(
            "the kernel has no overlayfs: load it with `modprobe overlay`, or use a kernel built with CONFIG_OVERLAY_FS",
        );
    }
    if let Some(kind) = file_system(data).filter(|kind| matches!(kind.as_str(), "overlay" | "nfs" | "nfs4" | "vfat")) {
        return no(&format!(
            "{} is on {kind}, which overlayfs cannot write machines' disks to: choose a directory on ext4, xfs or btrfs",
            data.display()
        ));
    }
    if let Some(closed) = closed_above(data) {
        return no(&format!(
            "users of machines cannot pass through {} to their disks: chmod o+x it, or choose another directory",
            closed.display()
        ));
    }
    let controllers =
        cgroup::controllers().map_err(|error| Error::permanent(format!("look at control groups: {error}")))?;
    for name in ["cpu", "memory", "pids"] {
        if !controllers.contains(name) {
            return no(&format!(
                "the control group controller {name} is missing: start the kernel with cgroup_enable={name}, or mount /sys/fs/cgroup"
            ));
        }
    }
    for (kind, least) in [("mnt", 16), ("net", 16), ("pid", 16)] {
        let path = format!("/proc/sys/user/max_{kind}_namespaces");
        let most: u64 = fs::read_to_string(&path).ok().and_then(|t| t.trim().parse().ok()).unwrap_or(u64::MAX);
        if most < least {
            return no(&format!(
                "only {most} namespaces of kind {kind} are allowed: sysctl -w user.max_{kind}_namespaces=15000"
            ));
        }
    }
    container::network::probe().map_err(|error| {
        Error::permanent(format!(
            "the kernel's nf_tables cannot be used ({error}): load it with `modprobe nf_tables`, or use a kernel built with CONFIG_NF_TABLES, CONFIG_NFT_NAT, CONFIG_NFT_MASQ and CONFIG_NFT_FIB_IPV4"
        ))
    })
}

fn no(detail: &str) -> Result<(), Error> {
    Err(Error::permanent(detail))
}

/// The first directory on the way that not everybody may pass through.
fn closed_above(path: &Path) -> Option<&Path> {
    let closed = |dir: &Path| fs::metadata(dir).is_ok_and(|meta| meta.permissions().mode() & 0o001 == 0);
    path.ancestors().find(|dir| closed(dir))
}

/// The type of the file system that a path, or the nearest one above it that exists, is on.
fn file_system(path: &Path) -> Option<String> {
    let there = path.ancestors().find(|p| p.exists())?.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let point = Path::new(left.split(' ').nth(4)?);
            let kind = right.split(' ').next()?;
            there.starts_with(point).then(|| (point.components().count(), kind.to_owned()))
        })
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, kind)| kind)
}
