//! Running commands: each in its own session and process group, as a given account, with a deadline.
//! It must not know why a command runs. The surprise: a command is over when its process is, not when its last descendant is:
//! what it left in the background lives on, and only a short while is waited for its output.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Gid, Pid, Signal, Uid};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::time::Instant;

use crate::Account;

/// Between asking a group to end and ending it.
pub const GRACE: Duration = Duration::from_secs(3);
/// How long a process that was ended may take to be gone. One that sits in the kernel (a dead file server) cannot be ended by anybody.
const STUCK: Duration = Duration::from_secs(10);
/// How long output of what a command left behind is waited for.
const LINGER: Duration = Duration::from_millis(200);
const CHUNK: usize = 16 << 10;

#[derive(Debug)]
pub struct Command {
    pub program: PathBuf,
    /// What the program is told it is called; absent: `program`.
    pub arg0: Option<OsString>,
    pub args: Vec<OsString>,
    /// The whole environment: nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// `/` where this one is absent or cannot be entered.
    pub directory: Option<PathBuf>,
    /// Absent: as we are.
    pub account: Option<Account>,
    pub stdio: Io,
}

/// Where a command's three streams go.
#[derive(Debug)]
pub enum Io {
    /// Nothing to read; output piped to us.
    Output,
    /// All three piped.
    Pipes,
    /// The slave end of a terminal, which becomes the session's controlling one.
    Terminal(OwnedFd),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::Signal(signal.unwrap_or(0)),
        }
    }
}

/// Why we ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Cancelled,
    TimedOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub exit: Exit,
    /// Set when we asked it to end, whatever it made of that.
    pub stopped: Option<Stop>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Command {
    /// `program` as `account`, at home, with the environment of a login.
    pub fn login(program: impl Into<PathBuf>, account: Account) -> Self {
        Self {
            program: program.into(),
            arg0: None,
            args: Vec::new(),
            env: account.environment(),
            directory: Some(account.home.clone()),
            account: Some(account),
            stdio: Io::Output,
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let (key, value) = (key.into(), value.into());
        self.env.retain(|(k, _)| *k != key);
        self.env.push((key, value));
        self
    }

    /// Starts it as leader of a session, thereby of a process group whose number is its own.
    pub fn spawn(self) -> io::Result<Child> {
        let mut command = std::process::Command::new(&self.program);
        command.env_clear().envs(self.env).args(self.args);
        if let Some(arg0) = self.arg0 {
            command.arg0(arg0);
        }
        command.current_dir(self.directory.filter(|d| d.is_dir()).unwrap_or_else(|| "/".into()));
        let terminal = match self.stdio {
            Io::Output => {
                command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
                false
            }
            Io::Pipes => {
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                false
            }
            Io::Terminal(slave) => {
                command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
                true
            }
        };
        let identity = self.account.filter(|_| rustix::process::geteuid().is_root()).map(|a| {
            let groups: Vec<Gid> = a.groups.iter().map(|g| Gid::from_raw(*g)).collect();
            (Uid::from_raw(a.uid), Gid::from_raw(a.gid), groups)
        });
        #[allow(unsafe_code)]
        // Between fork and exec only async-signal-safe work is allowed: these are bare system calls, nothing allocates.
        unsafe {
            command.pre_exec(move || {
                rustix::process::setsid()?;
                if terminal {
                    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                }
                rustix::process::umask(rustix::fs::Mode::from_bits_retain(0o022));
                // Whoever started us may have had us deaf to these, as nohup does: commands are not to inherit that.
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                if let Some((uid, gid, groups)) = &identity {
                    rustix::thread::set_thread_groups(groups)?;
                    rustix::thread::set_thread_gid(*gid)?;
                    rustix::thread::set_thread_uid(*uid)?;
                }
                Ok(())
            });
        }
        tokio::process::Command::from(command).spawn()
    }
}

/// Signals a command's whole group. Nobody there is no error.
pub fn signal_group(leader: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

/// Runs `command` to its end, handing out its output as it comes. At `timeout`, or when `cancel` is ready, its group is
/// asked to end (TERM) and after [`GRACE`] ended (KILL); it counts as ended by that a while later, whether or not it is gone.
pub async fn run(
    command: Command,
    timeout: Option<Duration>,
    cancel: impl Future<Output = ()>,
    mut started: impl FnMut(u32),
    mut output: impl FnMut(Stream, &[u8]),
) -> io::Result<Ended> {
    let mut child = command.spawn()?;
    let leader = child.id().unwrap_or(0);
    started(leader);
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (vec![0; CHUNK], vec![0; CHUNK]);
    let far = Duration::from_secs(365 * 86400);
    let deadline = tokio::time::sleep(timeout.unwrap_or(far));
    let grace = tokio::time::sleep(far);
    tokio::pin!(deadline, grace, cancel);
    let (mut stopped, mut exit) = (None, None);
    let mut ended: Option<Instant> = None;
    loop {
        if let Some(exit) = exit
            && stdout.is_none()
            && stderr.is_none()
        {
            if stopped.is_some() {
                // Whoever ignored the request and kept quiet.
                signal_group(leader, Signal::KILL);
            }
            return Ok(Ended { exit, stopped });
        }
        tokio::select! {
            n = read(&mut stdout, &mut out), if stdout.is_some() => match n {
                0 => stdout = None,
                n => output(Stream::Stdout, &out[..n]),
            },
            n = read(&mut stderr, &mut err), if stderr.is_some() => match n {
                0 => stderr = None,
                n => output(Stream::Stderr, &err[..n]),
            },
            status = child.wait(), if exit.is_none() => {
                exit = Some(Exit::from(status?));
                if stopped.is_none() {
                    grace.as_mut().reset(Instant::now() + LINGER);
                }
            }
            () = &mut cancel, if stopped.is_none() && exit.is_none() => {
                stopped = Some(Stop::Cancelled);
                signal_group(leader, Signal::TERM);
                grace.as_mut().reset(Instant::now() + GRACE);
            }
            () = &mut deadline, if stopped.is_none() && exit.is_none() => {
                stopped = Some(Stop::TimedOut);
                signal_group(leader, Signal::TERM);
                grace.as_mut().reset(Instant::now() + GRACE);
            }
            () = &mut grace => {
                if stopped.is_some() {
                    signal_group(leader, Signal::KILL);
                    let since = *ended.get_or_insert_with(Instant::now);
                    if exit.is_none() && since.elapsed() > STUCK {
                        return Ok(Ended { exit: Exit::Signal(Signal::KILL.as_raw()), stopped });
                    }
                }
                if exit.is_some() {
                    (stdout, stderr) = (None, None);
                } else {
                    grace.as_mut().reset(Instant::now() + LINGER);
                }
            }
        }
    }
}

/// Errors end a stream as its end does: nothing more can be had from it.
async fn read(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
