//! The OCI description of a machine, from its plan.
//! It touches nothing. The surprise: it is written as JSON here, the language of the OCI documents, rather than through builders.

use serde_json::{Value, json};

use crate::plan::{Dir, IDS, PERIOD, Plan};
use crate::privileges;

/// Of the host's kernel that which must not be seen, as Docker has it.
const MASKED: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// That which must not be changed.
const READ_ONLY: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `dir`: where its disks are mounted; `root`: where the root file system is; `ids`: the first of the host's user ids that the machine's are mapped to.
pub fn oci(plan: &Plan, dir: &Dir, root: &std::path::Path, ids: Option<u32>) -> Value {
    let capabilities = privileges::at_first();
    let mut namespaces: Vec<Value> =
        ["pid", "mount", "network", "uts", "ipc", "cgroup"].iter().map(|kind| json!({ "type": kind })).collect();
    let mut linux = json!({
        "cgroupsPath": plan.cgroup,
        "resources": resources(plan),
        "maskedPaths": MASKED,
        "readonlyPaths": READ_ONLY,
    });
    if let Some(first) = ids {
        namespaces.push(json!({ "type": "user" }));
        let mapping = json!([{ "containerID": 0, "hostID": first, "size": IDS }]);
        linux["uidMappings"] = mapping.clone();
        linux["gidMappings"] = mapping;
    }
    linux["namespaces"] = Value::Array(namespaces);
    json!({
        "ociVersion": "1.0.2",
        "hostname": plan.hostname,
        "root": { "path": root, "readonly": false },
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": plan.init_args(),
            "env": [format!("PATH={PATH}"), "container=grigri", "LANG=C.UTF-8"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities,
                "effective": capabilities,
                "permitted": capabilities,
            },
            "noNewPrivileges": false,
        },
        "mounts": mounts(plan, dir),
        "linux": linux,
    })
}

fn mounts(plan: &Plan, dir: &Dir) -> Value {
    let quiet = ["nosuid", "noexec", "nodev"];
    let always = json!([
        { "destination": "/proc", "type": "proc", "source": "proc", "options": quiet },
        { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
          "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
        { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
          "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
        { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
          "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
        { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": quiet },
        { "destination": "/sys", "type": "sysfs", "source": "sysfs",
          "options": ["nosuid", "noexec", "nodev", "ro"] },
        { "destination": "/run", "type": "tmpfs", "source": "tmpfs",
          "options": ["nosuid", "nodev", "mode=755", "size=262144k"] },
    ]);
    let disks = plan.disks.iter().enumerate().map(|(number, disk)| match disk.is_file() {
        true => json!({ "destination": disk.at, "type": "bind", "source": dir.mounted(number),
                        "options": ["bind", "nodev"] }),
        false => json!({ "destination": disk.at, "type": "tmpfs", "source": "tmpfs",
                         "options": ["nosuid", "nodev", "mode=755", format!("size={}k", disk.mib << 10)] }),
    });
    always.as_array().cloned().unwrap_or_default().into_iter().chain(disks).collect()
}

fn resources(plan: &Plan) -> Value {
    let mut resources = json!({
        "devices": [{ "allow": false, "access": "rwm" }],
        "pids": { "limit": plan.limits.pids },
    });
    if let Some(mib) = plan.limits.mem_mib {
        resources["memory"] = json!({ "limit": mib << 20 });
    }
    if let Some(cores) = plan.limits.cores {
        resources["cpu"] = json!({ "quota": cores * PERIOD, "period": PERIOD });
    }
    resources
}
