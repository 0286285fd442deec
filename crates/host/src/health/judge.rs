//! What is to be said of a host's values: pure, each with its cure.
//! It must not read anything. The surprise: the figures to compare with are for some hundred machines, not for the first one.

use super::Finding;
use super::probe::{Seen, Space, Values};

const HOST: &str = "host";
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// A clock that may be wrong by more is as good as none.
const OFF_BY: u64 = 60_000;

/// A figure that should not be lower.
struct Least {
    what: &'static str,
    /// Below it some hundred machines do not fit.
    wanted: u64,
    /// Below it not even a few do.
    needed: u64,
    cure: &'static str,
}

const OPEN_FILES: Least = Least {
    what: "open files",
    wanted: 65_536,
    needed: 1_024,
    cure: "each agent is an open file of the controller: raise the hard limit, `ulimit -Hn 1048576` where it is started, \
           or LimitNOFILE= in its unit",
};
const INOTIFY_INSTANCES: Least = Least {
    what: "inotify instances",
    wanted: 1_024,
    needed: 16,
    cure: "machines share root's: sysctl -w fs.inotify.max_user_instances=8192, and keep it in /etc/sysctl.d",
};
const INOTIFY_WATCHES: Least = Least {
    what: "inotify watches",
    wanted: 65_536,
    needed: 1_024,
    cure: "machines share root's: sysctl -w fs.inotify.max_user_watches=1048576, and keep it in /etc/sysctl.d",
};
const NEIGHBOURS: Least = Least {
    what: "neighbour table",
    wanted: 1_024,
    needed: 128,
    cure: "sysctl -w net.ipv4.neigh.default.gc_thresh3=8192 (gc_thresh2=4096, gc_thresh1=1024), and keep it in /etc/sysctl.d",
};
const PIDS: Least = Least {
    what: "process numbers",
    wanted: 65_536,
    needed: 4_096,
    cure: "sysctl -w kernel.pid_max=4194304, and keep it in /etc/sysctl.d",
};
const THREADS: Least = Least {
    what: "threads",
    wanted: 32_768,
    needed: 2_048,
    cure: "sysctl -w kernel.threads-max=262144, and keep it in /etc/sysctl.d",
};

/// Everything that is to be said of a host, good things too.
pub fn judge(values: &Values) -> Vec<Finding> {
    vec![
        least(&OPEN_FILES, &values.open_files),
        least(&INOTIFY_INSTANCES, &values.inotify_instances),
        least(&INOTIFY_WATCHES, &values.inotify_watches),
        least(&NEIGHBOURS, &values.neighbours),
        least(&PIDS, &values.pids),
        least(&THREADS, &values.threads),
        cgroups(values),
        overlay(values),
        forwarding(values),
        disk(values),
        files(values),
        clock(values),
    ]
}

fn least(of: &Least, seen: &Seen<u64>) -> Finding {
    match seen {
        Err(why) => Finding::unseen(HOST, of.what, why, ""),
        Ok(found) if *found < of.needed => Finding::error(HOST, of.what, found.to_string(), of.cure),
        Ok(found) if *found < of.wanted => Finding::warning(HOST, of.what, found.to_string(), of.cure),
        Ok(u64::MAX) => Finding::ok(HOST, of.what, "unlimited"),
        Ok(found) => Finding::ok(HOST, of.what, found.to_string()),
    }
}

fn cgroups(values: &Values) -> Finding {
    let what = "control groups";
    let found = match &values.cgroups {
        Err(why) => return Finding::error(HOST, what, why, "mount /sys/fs/cgroup: machines cannot be made without"),
        Ok(found) => found,
    };
    let missing: Vec<&str> =
        ["cpu", "memory", "pids"].into_iter().filter(|c| !found.controllers.contains(*c)).collect();
    let value = format!("version {}", found.version);
    match missing.as_slice() {
        [] => Finding::ok(HOST, what, value),
        missing => Finding::error(
            HOST,
            what,
            format!("{value}, without {}", missing.join(", ")),
            format!("start the kernel with cgroup_enable={}", missing.join(",")),
        ),
    }
}

fn overlay(values: &Values) -> Finding {
    match &values.overlay {
        Ok(true) => Finding::ok(HOST, "overlayfs", "there"),
        Ok(false) => Finding::error(
            HOST,
            "overlayfs",
            "missing",
            "modprobe overlay, and keep it in /etc/modules-load.d; machines' disks are made with it",
        ),
        Err(why) => Finding::unseen(HOST, "overlayfs", why, ""),
    }
}

fn forwarding(values: &Values) -> Finding {
    let what = "forwarding";
    match (&values.forwarding, values.has_machines) {
        (Ok(true), _) => Finding::ok(HOST, what, "on"),
        (Ok(false), false) => Finding::ok(HOST, what, "off; the first controller switches it on"),
        (Ok(false), true) => Finding::error(
            HOST,
            what,
            "off",
            "machines reach nothing outside: sysctl -w net.ipv4.ip_forward=1, and find out who switched it off",
        ),
        (Err(why), _) => Finding::unseen(HOST, what, why, ""),
    }
}

fn disk(values: &Values) -> Finding {
    let what = "free disk";
    let cure = || {
        format!(
            "make room on the file system of {}: `status` and the log warn before the database stops",
            values.data.display()
        )
    };
    match &values.disk {
        Err(why) => Finding::unseen(HOST, what, why, ""),
        Ok(space) => {
            let value = format!("{} of {}", size(space.free), size(space.total));
            match space {
                Space { free, .. } if *free < 256 * MIB => Finding::error(HOST, what, value, cure()),
                Space { free, total, .. } if *free < 2 * GIB || *free < total / 20 => {
                    Finding::warning(HOST, what, value, cure())
                }
                _ => Finding::ok(HOST, what, value),
            }
        }
    }
}

fn files(values: &Values) -> Finding {
    let what = "free inodes";
    let cure =
        || format!("the file system of {} has room for few files more: an image takes 100,000", values.data.display());
    match &values.disk {
        Err(why) => Finding::unseen(HOST, what, why, ""),
        Ok(Space { files_total: 0, .. }) => Finding::ok(HOST, what, "as many as fit"),
        Ok(Space { files_free, .. }) if *files_free < 10_000 => {
            Finding::error(HOST, what, files_free.to_string(), cure())
        }
        Ok(Space { files_free, .. }) if *files_free < 200_000 => {
            Finding::warning(HOST, what, files_free.to_string(), cure())
        }
        Ok(Space { files_free, .. }) => Finding::ok(HOST, what, files_free.to_string()),
    }
}

fn clock(values: &Values) -> Finding {
    let what = "clock";
    let cure = "install chrony or systemd-timesyncd: certificates and the order of logs need a clock that is right";
    match &values.clock {
        Err(why) => Finding::unseen(HOST, what, why, "run as root"),
        Ok(clock) if !clock.kept => Finding::warning(HOST, what, "nobody keeps it", cure),
        Ok(clock) if clock.off_by > OFF_BY => {
            Finding::warning(HOST, what, format!("may be wrong by {} s", clock.off_by / 1000), cure)
        }
        Ok(clock) => Finding::ok(HOST, what, format!("kept, within {} ms", clock.off_by)),
    }
}

/// `3.2 GiB`, `17 MiB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..GIB => format!("{} MiB", bytes / MIB),
        _ => format!("{}.{} GiB", bytes / GIB, bytes % GIB * 10 / GIB),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::super::probe::{Cgroups, ClockState};
    use super::*;

    fn good() -> Values {
        let controllers = ["cpu", "memory", "pids", "io"].map(str::to_owned).into();
        Values {
            open_files: Ok(1 << 20),
            inotify_instances: Ok(8192),
            inotify_watches: Ok(1 << 20),
            neighbours: Ok(8192),
            pids: Ok(4_194_304),
            threads: Ok(200_000),
            cgroups: Ok(Cgroups { version: "2", controllers }),
            overlay: Ok(true),
            forwarding: Ok(true),
            has_machines: true,
            data: "/var/lib/grigri".into(),
            disk: Ok(Space { free: 50 * GIB, total: 100 * GIB, files_free: 5_000_000, files_total: 6_000_000 }),
            clock: Ok(ClockState { kept: true, off_by: 12 }),
        }
    }

    /// Breaks one thing of a good host; the finding of that thing is the only one that is not fine.
    fn check(spoil: impl FnOnce(&mut Values), expected: (Level, &str, &str), in_cure: &str) {
        let mut values = good();
        spoil(&mut values);
        let bad: Vec<Finding> = judge(&values).into_iter().filter(|f| f.level != Level::Ok).collect();
        let [finding] = bad.as_slice() else { panic!("wanted {expected:?} alone, got {bad:?}") };
        assert_eq!((finding.level, finding.what.as_str(), finding.value.as_str()), expected);
        assert!(finding.cure.contains(in_cure), "{finding:?}");
    }

    #[test]
    fn a_good_host_has_nothing_to_cure() {
        for finding in judge(&good()) {
            assert_eq!((finding.level, finding.cure.as_str()), (Level::Ok, ""), "{finding:?}");
        }
        let quiet = Values { forwarding: Ok(false), has_machines: false, ..good() };
        assert!(judge(&quiet).iter().all(|f| f.level == Level::Ok));
    }

    #[test]
    fn each_thing_that_is_wrong_is_named_with_its_cure() {
        use Level::{Error, Warning};
        check(|v| v.open_files = Ok(4096), (Warning, "open files", "4096"), "ulimit -Hn");
        check(|v| v.open_files = Ok(256), (Error, "open files", "256"), "LimitNOFILE");
        check(|v| v.inotify_instances = Ok(128), (Warning, "inotify instances", "128"), "max_user_instances=");
        check(|v| v.inotify_watches = Ok(8192), (Warning, "inotify watches", "8192"), "max_user_watches=");
        check(|v| v.neighbours = Ok(512), (Warning, "neighbour table", "512"), "gc_thresh3=");
        check(|v| v.pids = Ok(32_768), (Warning, "process numbers", "32768"), "kernel.pid_max=");
        check(|v| v.threads = Ok(1_000), (Error, "threads", "1000"), "threads-max=");
        let without = |v: &mut Values| {
            if let Ok(found) = &mut v.cgroups {
                found.controllers.remove("memory");
            }
        };
        check(without, (Error, "control groups", "version 2, without memory"), "cgroup_enable=memory");
        check(|v| v.cgroups = Err("none is mounted".into()), (Error, "control groups", "none is mounted"), "mount");
        check(|v| v.overlay = Ok(false), (Error, "overlayfs", "missing"), "modprobe overlay");
        check(|v| v.forwarding = Ok(false), (Error, "forwarding", "off"), "ip_forward=1");
        let space = |free, files_free| {
            move |v: &mut Values| v.disk = Ok(Space { free, total: 100 * GIB, files_free, files_total: 6_000_000 })
        };
        check(space(100 * MIB, 5_000_000), (Error, "free disk", "100 MiB of 100.0 GiB"), "/var/lib/grigri");
        check(space(4 * GIB + GIB / 2, 5_000_000), (Warning, "free disk", "4.5 GiB of 100.0 GiB"), "make room");
        check(space(50 * GIB, 150_000), (Warning, "free inodes", "150000"), "few files");
        check(space(50 * GIB, 3), (Error, "free inodes", "3"), "few files");
        check(|v| v.clock = Ok(ClockState { kept: false, off_by: 0 }), (Warning, "clock", "nobody keeps it"), "chrony");
        check(
            |v| v.clock = Ok(ClockState { kept: true, off_by: 90_000 }),
            (Warning, "clock", "may be wrong by 90 s"),
            "chrony",
        );
    }

    #[test]
    fn what_could_not_be_seen_is_said() {
        check(
            |v| v.clock = Err("permission denied".into()),
            (Level::Warning, "clock", "not seen: permission denied"),
            "root",
        );
        check(|v| v.pids = Err("gone".into()), (Level::Warning, "process numbers", "not seen: gone"), "");
    }
}
