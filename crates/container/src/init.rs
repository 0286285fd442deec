//! Process 1 of a machine: it reaps, keeps the services running, stops and restarts the machine, and keeps the console short.
//! It knows no controller; its services come as an argument. The surprise: a reboot from inside does not end it. It ends everything else, empties
//! `/run`, and begins again, so that nobody outside has to notice but the machines inside it, which do the same.
//!
//! ```text
//!            services started          TERM, PWR
//!   (start) ----------------> running -----------> stopping ---> exit
//!                 ^             | INT
//!                 +-- clear ----+   a service that ends: again, after a pause that doubles; with its last status: its heir
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::console::Console;
use crate::life::Life;
use crate::plan::{Part, Service};
use crate::privileges;
use crate::spec::PATH;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A service that ran this long was well: the next pause is short again.
const WELL: Duration = Duration::from_secs(10);
/// How long processes have to end by themselves.
const GRACE: Duration = Duration::from_secs(5);

const SIGNALS: [i32; 5] = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGPWR, libc::SIGHUP];

/// The first process of a machine; `args`: the services as JSON, and which [`Part`] it has.
pub fn init_main(args: &[String]) -> ExitCode {
    let console = io::stdout().as_fd().try_clone_to_owned();
    let said = match run(args) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => format!("init: {error}\n"),
    };
    if let Ok(fd) = console {
        let _ = fs::File::from(fd).write_all(said.as_bytes());
    }
    ExitCode::FAILURE
}

fn run(args: &[String]) -> io::Result<()> {
    let services: Vec<Service> = match args.first() {
        Some(text) => serde_json::from_str(text).map_err(io::Error::other)?,
        None => Vec::new(),
    };
    let signals = block(&SIGNALS)?;
    let life = Life::given(args.get(1).and_then(|word| Part::of(word)))?;
    privileges::confine().map_err(io::Error::other)?;
    let output = relay()?;
    let mut machine =
        Machine { services: services.into_iter().map(Watched::new).collect(), pids: BTreeMap::new(), output };
    machine.boot()?;
    loop {
        let wait_for = machine.next_start();
        match next_signal(&signals, wait_for)? {
            Some(libc::SIGTERM | libc::SIGPWR) => {
                machine.stop();
                return Ok(());
            }
            Some(libc::SIGINT) => {
                life.begins_again();
                machine.stop();
                clear_run();
                machine.boot()?;
            }
            _ => {}
        }
        machine.reap();
        machine.start_due();
    }
}

struct Watched {
    service: Service,
    /// When it may start; `None` while it runs.
    due: Option<Instant>,
    begun: Instant,
    pause: Duration,
}

impl Watched {
    fn new(service: Service) -> Self {
        let now = now();
        Watched { service, due: Some(now), begun: now, pause: FIRST_PAUSE }
    }

    /// Who follows, when it ended with the status that says that it left for good.
    fn heir_after(&self, status: Option<i32>) -> Option<Service> {
        let after = self.service.heir.as_ref()?.after;
        self.service.succeeded().filter(|_| status == Some(after))
    }
}

#[allow(clippy::disallowed_methods, reason = "process 1 waits for real processes in real time")]
fn now() -> Instant {
    Instant::now()
}

struct Machine {
    services: Vec<Watched>,
    /// Which service a process is.
    pids: BTreeMap<i32, usize>,
    output: OwnedFd,
}

impl Machine {
    fn boot(&mut self) -> io::Result<()> {
        prepare_run();
        let now = now();
        for watched in &mut self.services {
            watched.due = Some(now);
            watched.pause = FIRST_PAUSE;
        }
        self.start_due();
        Ok(())
    }

    fn next_start(&self) -> Option<Duration> {
        let due = self.services.iter().filter_map(|w| w.due).min()?;
        Some(due.saturating_duration_since(now()))
    }

    fn start_due(&mut self) {
        let now = now();
        for number in 0..self.services.len() {
            if self.services[number].due.is_none_or(|due| due > now) {
                continue;
            }
            match spawn(&self.services[number].service, &self.output) {
                Ok(pid) => {
                    self.pids.insert(pid, number);
                    self.services[number].due = None;
                    self.services[number].begun = now;
                }
                Err(error) => {
                    self.say(number, &format!("cannot start: {error}"));
                    // Its program is gone, so it has left, however it ended.
                    let left = error.kind() == io::ErrorKind::NotFound;
                    match self.services[number].service.succeeded().filter(|_| left) {
                        Some(heir) => self.services[number] = Watched::new(heir),
                        None => self.later(number),
                    }
                }
            }
        }
    }

    fn later(&mut self, number: usize) {
        let now = now();
        let watched = &mut self.services[number];
        if now.duration_since(watched.begun) > WELL {
            watched.pause = FIRST_PAUSE;
        }
        watched.due = Some(now + watched.pause);
        watched.pause = (watched.pause * 2).min(LONGEST_PAUSE);
    }

    fn say(&self, number: usize, text: &str) {
        let line = format!("init: {}: {text}\n", self.services[number].service.name);
        let _ = rustix::io::write(&self.output, line.as_bytes());
    }

    /// Takes leave of every process that ended: our services, and orphans.
    fn reap(&mut self) -> usize {
        let mut count = 0;
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            count += 1;
            if let Some(number) = self.pids.remove(&pid.as_raw_nonzero().get()) {
                let how = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => format!("ended with {code}"),
                    (None, Some(signal)) => format!("ended by signal {signal}"),
                    (None, None) => "ended".to_owned(),
                };
                self.say(number, &how);
                match self.services[number].heir_after(status.exit_status()) {
                    Some(heir) => self.services[number] = Watched::new(heir),
                    None => self.later(number),
                }
            }
        }
        count
    }

    /// Ends every process but this one.
    fn stop(&mut self) {
        for signal in [libc::SIGTERM, libc::SIGKILL] {
            signal_all(signal);
            let until = now() + GRACE;
            while now() < until {
                self.reap();
                if alone() {
                    self.pids.clear();
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.pids.clear();
    }
}

/// Whether no other process is left in this namespace of processes.
fn alone() -> bool {
    let Ok(entries) = fs::read_dir("/proc") else {
        return true;
    };
    !entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok()).any(|pid| pid > 1)
}

fn spawn(service: &Service, output: &OwnedFd) -> io::Result<i32> {
    let (program, args) = service.command.split_first().ok_or_else(|| io::Error::other("no command"))?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8")
        .env("container", "grigri")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?);
    in_own_session(&mut command);
    Ok(command.spawn()?.id() as i32)
}

#[allow(unsafe_code, reason = "a child must undo the signal mask of process 1 before it becomes the service")]
fn in_own_session(command: &mut Command) {
    // SAFETY: both calls are async-signal-safe and allocate nothing.
    unsafe {
        command.pre_exec(|| {
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
            libc::setsid();
            Ok(())
        });
    }
}

#[allow(unsafe_code, reason = "no safe wrapper for signal masks")]
fn block(signals: &[i32]) -> io::Result<libc::sigset_t> {
    // SAFETY: the set is made by the calls that fill it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in signals {
            libc::sigaddset(&mut set, *signal);
        }
        match libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) {
            0 => Ok(set),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[allow(unsafe_code, reason = "no safe wrapper for waiting for signals")]
fn next_signal(set: &libc::sigset_t, wait: Option<Duration>) -> io::Result<Option<i32>> {
    let timeout =
        wait.map(|wait| libc::timespec { tv_sec: wait.as_secs() as libc::time_t, tv_nsec: wait.subsec_nanos().into() });
    let pointer = timeout.as_ref().map_or(std::ptr::null(), |timeout| timeout as *const _);
    // SAFETY: the set and the time outlive the call; no information is asked for.
    let result = unsafe { libc::sigtimedwait(set, std::ptr::null_mut(), pointer) };
    if result > 0 {
        return Ok(Some(result));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EINTR) => Ok(None),
        _ => Err(error),
    }
}

#[allow(unsafe_code, reason = "no safe wrapper for a signal to all processes")]
fn signal_all(signal: i32) {
    // SAFETY: in a namespace of its own this reaches the machine's processes, without the caller.
    unsafe {
        libc::kill(-1, signal);
    }
}

fn prepare_run() {
    use std::os::unix::fs::PermissionsExt;
    for (path, mode) in [("/run/lock", 0o1777), ("/run/user", 0o755), ("/run/sshd", 0o755)] {
        if fs::create_dir_all(path).is_ok() {
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        }
    }
}

fn clear_run() {
    let Ok(entries) = fs::read_dir("/run") else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let _ = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
            _ => fs::remove_file(&path),
        };
    }
}

/// A pipe for the services' output; a thread brings what comes out of it to the console.
fn relay() -> io::Result<OwnedFd> {
    let console = fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let (mut reader, writer) = io::pipe()?;
    std::thread::Builder::new().name("console".into()).stack_size(64 * 1024).spawn(move || {
        let mut console = Console::open(console);
        let mut buffer = [0u8; 4096];
        loop {
            let length = match reader.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            console.print(&buffer[..length]);
        }
    })?;
    Ok(writer.into())
}

/// Asks process 1 of a machine to stop it.
pub(crate) fn ask_to_stop(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Heir;

    #[test]
    fn only_the_last_status_of_a_service_brings_its_heir() {
        let heir = Heir { after: 78, name: "ssh".into(), command: vec!["b".into()] };
        let with = |heir| Watched::new(Service { name: "agent".into(), command: vec!["a".into()], heir });
        for (heir, status, expected) in [
            (Some(heir.clone()), Some(78), Some("ssh")),
            (Some(heir.clone()), Some(0), None),
            (Some(heir), None, None),
            (None, Some(78), None),
        ] {
            let follows = with(heir).heir_after(status);
            assert_eq!(follows.as_ref().map(|service| service.name.as_str()), expected, "{status:?}");
            assert!(follows.is_none_or(|service| service.heir.is_none()));
        }
        // A machine that an earlier release started says nothing of heirs.
        let old: Service = serde_json::from_str(r#"{"name":"agent","command":["a"]}"#).expect("reads");
        assert_eq!(old, Service { name: "agent".into(), command: vec!["a".into()], heir: None });
    }
}
