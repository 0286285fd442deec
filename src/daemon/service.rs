//! The controller as a service of systemd: its unit, its slice, and telling systemd when it serves.
//! It knows no pid file. The surprise: machines are in the slice, beside the service and not in it, so that no end of the service, not even a
//! `systemctl kill`, is theirs.
//!
//! ```text
//! grigri.slice
//! |- grigri-controller-UUID.service    the controller
//! `- KEY/NAME                          a machine, made by `container`
//! ```

use crate::layout::{Layout, ROOT_VARIABLE, UNIT_PREFIX, UNITS};
use container::cgroup::has_systemd;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Holds the controllers of this host and their machines: a limit set on it is a limit of them all.
const SLICE: &str = "grigri.slice";

/// Settings of the log that a service gets from whoever makes it, as a process does.
const PASSED: [&str; 2] = ["GRIGRI_LOG", "GRIGRI_LOG_FORMAT"];

/// Can stand in a unit without quotes.
fn plain(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "=,:_-".contains(c))
}

fn unit(layout: &Layout, name: &str) -> String {
    let passed: String = PASSED
        .iter()
        .filter_map(|name| Some(format!("Environment={name}={}\n", std::env::var(name).ok().filter(|v| plain(v))?)))
        .collect();
    // Delegate keeps systemd from taking away the slice's control group controllers, which machines' limits need. KillMode=process: a helper that
    // is starting a machine when the controller ends may finish its work. No limit of starts: a controller that is killed comes back each time.
    format!(
        "[Unit]\nDescription=Grigri controller {name}\nAfter=network-online.target\nWants=network-online.target\nStartLimitIntervalSec=0\n\n\
         [Service]\nType=notify\nExecStart={program} {mode} {uuid}\nEnvironment={variable}={root}\n{passed}Slice={SLICE}\nDelegate=yes\nKillMode=process\n\
         Restart=on-failure\nRestartSec=1\nTimeoutStartSec=300\nTasksMax=infinity\nLimitNOFILE=1048576\n\
         StandardOutput=append:{log}\nStandardError=append:{log}\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        program = layout.program().display(),
        mode = super::MODE,
        uuid = layout.uuid,
        variable = ROOT_VARIABLE,
        root = layout.root.display(),
        log = layout.log().display(),
    )
}

/// Makes and starts the service, now and at every boot; returns when the controller serves.
pub fn start(layout: &Layout, name: &str) -> io::Result<()> {
    host::files::write(&layout.unit(), unit(layout, name).as_bytes(), 0o644)?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--now", &layout.unit_name()])
}

/// Units of controllers that work in this root, whether their directories are there or not.
pub fn units(root: &Path) -> Vec<PathBuf> {
    let line = format!("Environment={ROOT_VARIABLE}={}", root.display());
    let ours = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.lines().any(|one| one == line));
    all().into_iter().filter(ours).collect()
}

/// Units of all controllers of this host.
fn all() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(UNITS).into_iter().flatten().flatten().map(|entry| entry.path());
    let named = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        name.starts_with(UNIT_PREFIX) && name.ends_with(".service")
    };
    entries.filter(named).collect()
}

/// Ends a service and removes it, and the slice with the last one. Right when there is none, and also while a controller that was destroyed does the
/// same with itself.
pub fn remove(unit: &Path) -> io::Result<()> {
    if unit.exists() {
        end(unit)?;
    }
    if has_systemd() && all().is_empty() {
        systemctl(&["stop", SLICE])?;
        // Systemd tries once to remove the slice's groups, and a process that has just ended can be in the way.
        container::cgroup::prune(container::cgroup::top())?;
    }
    Ok(())
}

fn end(unit: &Path) -> io::Result<()> {
    let name = unit.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if has_systemd() {
        match systemctl(&["disable", "--now", &name]) {
            Err(error) if unit.exists() => return Err(error),
            _ => {}
        }
    }
    match std::fs::remove_file(unit) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if !has_systemd() {
        return Ok(());
    }
    systemctl(&["daemon-reload"])?;
    // Only a unit that failed is remembered; there being nothing to forget is an error to systemctl, and to nobody else.
    let _ = systemctl(&["reset-failed", &name]);
    Ok(())
}

/// Forgets the service that this very process is: it is not started again. Called by a controller that ends for good.
pub fn forget(layout: &Layout) {
    if !has_systemd() || !layout.unit().exists() {
        return;
    }
    let disabled = systemctl(&["disable", &layout.unit_name()]);
    let removed = std::fs::remove_file(layout.unit()).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let reloaded = systemctl(&["daemon-reload"]);
    // This process is in the slice, so it cannot wait for the end of it. That it is told to end as well is what it does anyway.
    let emptied = if all().is_empty() { systemctl(&["stop", "--no-block", SLICE]) } else { Ok(()) };
    for error in [disabled, removed, reloaded, emptied].into_iter().filter_map(Result::err) {
        tracing::warn!("cannot forget the service: {error}");
    }
}

/// Tells systemd that the controller serves; nobody, where it was not systemd that started this process.
pub fn ready() {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let bytes = socket.as_encoded_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&socket),
    };
    let told = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(b"READY=1\n", &address));
    if let Err(error) = told {
        tracing::warn!("cannot tell systemd that the controller serves: {error}");
    }
}

fn systemctl(args: &[&str]) -> io::Result<()> {
    let done = Command::new("systemctl").args(args).stdin(Stdio::null()).output()?;
    match done.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "systemctl {} failed: {}",
            args.join(" "),
            String::from_utf8_lossy(&done.stderr).trim()
        ))),
    }
}
