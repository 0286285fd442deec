//! The controller as a process of this host: started apart from whoever starts it, found again by pid file, ended.
//! It does not know what the controller does. The surprise: a pid counts only with its start time, since numbers come back.

use crate::layout::Layout;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// First word of the command line that runs a controller.
pub const MODE: &str = "controller-daemon";

/// Whether systemd runs this host.
pub fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// A daemon on its way up.
pub struct Started {
    /// The process, where it is a child of this one.
    child: Option<Child>,
    seen: bool,
}

impl Started {
    /// Whether it has ended already.
    pub fn has_died(&mut self, layout: &Layout) -> bool {
        if let Some(child) = &mut self.child {
            return matches!(child.try_wait(), Ok(Some(_)));
        }
        let runs = running(layout).is_some();
        let died = self.seen && !runs;
        self.seen |= runs;
        died
    }
}

/// Starts the daemon: a service where systemd runs, else a process in a session of its own.
pub fn start(layout: &Layout, name: &str) -> io::Result<Started> {
    let child = match has_systemd() {
        true => start_service(layout, name).map(|()| None)?,
        false => Some(start_process(layout)?),
    };
    Ok(Started { child, seen: false })
}

fn start_process(layout: &Layout) -> io::Result<Child> {
    let log: File = OpenOptions::new().create(true).append(true).mode(0o600).open(layout.log())?;
    let mut command = Command::new(layout.program());
    command
        .arg0("grigri-controller")
        .arg(MODE)
        .arg(&layout.uuid)
        .env(crate::layout::ROOT_VARIABLE, &layout.root)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // The daemon makes a session of its own as its first act (`detach`), so a Ctrl-C meant for us spares it.
    command.process_group(0);
    command.spawn()
}

/// Leaves the session of whoever started this process.
pub fn detach() {
    // Fails only for a leader of a group, and then the group is our own already.
    let _ = rustix::process::setsid();
}

/// Settings of the log that a service gets from whoever makes it, as a process does.
const PASSED: [&str; 2] = ["GRIGRI_LOG", "GRIGRI_LOG_FORMAT"];

/// Can stand in a unit without quotes.
fn plain(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "=,:_-".contains(c))
}

fn start_service(layout: &Layout, name: &str) -> io::Result<()> {
    // KillMode=process and Delegate: the machines of the builtin cloud outlive the controller.
    let passed: String = PASSED
        .iter()
        .filter_map(|name| Some(format!("Environment={name}={}\n", std::env::var(name).ok().filter(|v| plain(v))?)))
        .collect();
    let unit = format!(
        "[Unit]\nDescription=Grigri controller {name}\nAfter=network-online.target\nWants=network-online.target\n\n\
         [Service]\nType=exec\nExecStart={program} {MODE} {uuid}\nEnvironment={variable}={root}\n{passed}Restart=on-failure\nRestartSec=1\n\
         KillMode=process\nDelegate=yes\nTasksMax=infinity\nLimitNOFILE=1048576\nStandardOutput=append:{log}\nStandardError=append:{log}\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        program = layout.program().display(),
        uuid = layout.uuid,
        variable = crate::layout::ROOT_VARIABLE,
        root = layout.root.display(),
        log = layout.log().display(),
    );
    host::files::write(&layout.unit(), unit.as_bytes(), 0o644)?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--now", &layout.unit_name()])
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

/// Writes the pid file of this process.
pub fn write_pid(layout: &Layout) -> io::Result<()> {
    let pid = std::process::id();
    let begun = host::facts::start_time(pid).unwrap_or(0);
    host::files::write(&layout.pid(), format!("{pid} {begun}\n").as_bytes(), 0o600)
}

/// The daemon's process, when it runs.
pub fn running(layout: &Layout) -> Option<Pid> {
    let text = std::fs::read_to_string(layout.pid()).ok()?;
    let (pid, begun) = text.trim().split_once(' ')?;
    let (number, begun): (u32, u64) = (pid.parse().ok()?, begun.parse().ok()?);
    let pid = Pid::from_raw(i32::try_from(number).ok()?)?;
    (host::facts::start_time(number) == Some(begun) && test_kill_process(pid).is_ok()).then_some(pid)
}

/// The same, but not one that is dead and not buried yet.
pub fn living(layout: &Layout) -> Option<Pid> {
    running(layout).filter(|pid| !is_zombie(*pid))
}

/// Ends the daemon: TERM, and KILL after `grace`. Right when it does not run.
pub fn stop(layout: &Layout, grace: Duration) -> io::Result<()> {
    if has_systemd() && layout.unit().exists() {
        systemctl(&["disable", "--now", &layout.unit_name()])?;
        std::fs::remove_file(layout.unit())?;
        systemctl(&["daemon-reload"])?;
    }
    let Some(pid) = running(layout) else { return Ok(()) };
    let _ = kill_process(pid, Signal::TERM);
    let begun = Instant::now();
    let mut killed = false;
    while living(layout).is_some() {
        if !killed && begun.elapsed() > grace {
            let _ = kill_process(pid, Signal::KILL);
            killed = true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Units of controllers that work in this root, whether their directories are there or not.
pub fn units(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(crate::layout::UNITS).into_iter().flatten().flatten().map(|entry| entry.path());
    let named = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        name.starts_with(crate::layout::UNIT_PREFIX) && name.ends_with(".service")
    };
    let line = format!("Environment={}={}", crate::layout::ROOT_VARIABLE, root.display());
    let ours = |path: &Path| std::fs::read_to_string(path).is_ok_and(|text| text.lines().any(|one| one == line));
    entries.filter(|path| named(path) && ours(path)).collect()
}

/// Stops a unit and removes its file; right also where systemd does not run.
pub fn remove_unit(unit: &Path) -> io::Result<()> {
    if has_systemd() {
        let name = unit.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        systemctl(&["disable", "--now", &name])?;
    }
    std::fs::remove_file(unit)?;
    if has_systemd() { systemctl(&["daemon-reload"]) } else { Ok(()) }
}

/// Forgets the service that this very process is: it is not started again. Called by a controller that ends for good.
pub fn forget(layout: &Layout) {
    if has_systemd() && layout.unit().exists() {
        let disabled = systemctl(&["disable", &layout.unit_name()]);
        let removed = std::fs::remove_file(layout.unit());
        let reloaded = systemctl(&["daemon-reload"]);
        for error in [disabled, removed, reloaded].into_iter().filter_map(Result::err) {
            tracing::warn!("cannot forget the service: {error}");
        }
    }
}

/// A dead process that its parent has not buried: on a host without a real init it may stay for long.
fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z') || rest.starts_with('X'))
}
