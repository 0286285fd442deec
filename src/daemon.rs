//! The controller as a process of this host: started apart from whoever starts it, found again by pid file, ended.
//! It does not know what the controller does, nor how systemd is told (`service`). The surprise: a pid counts only with its start time, since
//! numbers come back.

mod service;

pub use container::cgroup::has_systemd;
pub use service::{forget, ready, remove as remove_unit, units};

use crate::layout::Layout;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// First word of the command line that runs a controller.
pub const MODE: &str = "controller-daemon";

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
        true => service::start(layout, name).map(|()| None)?,
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
    let mut child = command.spawn()?;
    // Its own pid file says that it is up. Whoever changes his mind before that must find it already.
    if let Err(error) = write_pid(&layout.starting(), child.id()) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(error);
    }
    Ok(child)
}

/// Writes the pid file of this process: from now on it runs, for all who ask.
pub fn is_up(layout: &Layout) -> io::Result<()> {
    write_pid(&layout.pid(), std::process::id())
}

fn write_pid(file: &Path, pid: u32) -> io::Result<()> {
    let begun = host::facts::start_time(pid).unwrap_or(0);
    host::files::write(file, format!("{pid} {begun}\n").as_bytes(), 0o600)
}

/// The daemon's process, when it is up and runs. One that is dead and not buried yet does not.
pub fn running(layout: &Layout) -> Option<Pid> {
    process_of(&layout.pid())
}

/// The same, also when it is on its way up.
fn there(layout: &Layout) -> Option<Pid> {
    running(layout).or_else(|| process_of(&layout.starting()))
}

fn process_of(file: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(file).ok()?;
    let (pid, begun) = text.trim().split_once(' ')?;
    let (number, begun): (u32, u64) = (pid.parse().ok()?, begun.parse().ok()?);
    let pid = Pid::from_raw(i32::try_from(number).ok()?)?;
    let is_it = host::facts::start_time(number) == Some(begun) && test_kill_process(pid).is_ok();
    (is_it && !is_zombie(pid)).then_some(pid)
}

/// Ends the daemon: TERM, and KILL after `grace`. Right when it does not run.
pub fn stop(layout: &Layout, grace: Duration) -> io::Result<()> {
    service::remove(&layout.unit())?;
    let Some(pid) = there(layout) else { return Ok(()) };
    let _ = kill_process(pid, Signal::TERM);
    let begun = Instant::now();
    let mut killed = false;
    while there(layout).is_some() {
        if !killed && begun.elapsed() > grace {
            let _ = kill_process(pid, Signal::KILL);
            killed = true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A dead process that its parent has not buried: on a host without a real init it may stay for long.
fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z') || rest.starts_with('X'))
}
