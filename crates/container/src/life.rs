//! How machines inside a machine share its life: they end when its first process has ended, and begin again whenever it does.
//! It knows directories and descriptors. The surprise: nobody is asked, since neither sees the other. The helper, which sees both, hands descriptors to
//! the first processes: a host's is a file that it writes to when it begins again; a guest's are its host's process, and a watch on that file.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::inotify;
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open};

use crate::engine;
use crate::plan::{Dir, Part, Plan};

/// Where they are handed over: right behind standard input, output and error.
const FIRST: RawFd = 3;

/// Opens what the machine's first process is to have, from [`FIRST`] on; gives how many. To be called before anything else is open.
pub fn hand_over(dir: &Dir, plan: &Plan) -> io::Result<i32> {
    let handed: Vec<OwnedFd> = match &plan.host {
        None => {
            let mut open = OpenOptions::new();
            vec![open.write(true).create(true).truncate(false).mode(0o600).open(dir.boots())?.into()]
        }
        Some(host) => guests(&Dir(host.clone()))?,
    };
    // Out of each other's way first.
    let high: Vec<OwnedFd> =
        handed.iter().map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, 16)).collect::<Result<_, _>>()?;
    drop(handed);
    for (number, fd) in (FIRST..).zip(&high) {
        put(fd.as_fd(), number)?;
    }
    Ok(i32::try_from(high.len()).unwrap_or(i32::MAX))
}

fn guests(host: &Dir) -> io::Result<Vec<OwnedFd>> {
    let gone = || io::Error::new(io::ErrorKind::NotFound, "it does not run");
    let running = engine::running(host).ok_or_else(gone)?;
    let process = pidfd_open(Pid::from_raw(running.pid).ok_or_else(gone)?, PidfdFlags::empty())?;
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watch, host.boots(), inotify::WatchFlags::MODIFY)?;
    // It may have ended, and its number be another's by now.
    if !running.alive() {
        return Err(gone());
    }
    Ok(vec![process, watch])
}

#[allow(unsafe_code, reason = "the number matters, and nothing in this process has it")]
fn put(fd: BorrowedFd<'_>, at: RawFd) -> io::Result<()> {
    // SAFETY: both numbers are valid for the call; the new one is for the process that this one becomes.
    match unsafe { libc::dup2(fd.as_raw_fd(), at) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// The first process's side.
pub enum Life {
    /// Where a host says that it begins again.
    Host(OwnedFd),
    /// A guest is told by signals; or nobody has handed anything over.
    Quiet,
}

impl Life {
    /// Takes what was handed over; a guest's is watched from now on, by a thread that asks this process to stop or to begin again. To be called when
    /// signals wait until they are taken, and before there are other processes.
    pub fn given(part: Option<Part>) -> io::Result<Life> {
        match part {
            Some(Part::Host) => Ok(taken(FIRST).map_or(Life::Quiet, Life::Host)),
            Some(Part::Guest) => {
                if let (Some(host), Some(boots)) = (taken(FIRST), taken(FIRST + 1)) {
                    let name = "life".to_owned();
                    std::thread::Builder::new()
                        .name(name)
                        .stack_size(64 * 1024)
                        .spawn(move || follow(&host, &boots))?;
                }
                Ok(Life::Quiet)
            }
            None => Ok(Life::Quiet),
        }
    }

    pub fn begins_again(&self) {
        if let Life::Host(boots) = self {
            // Always the same byte: the file does not grow.
            let _ = rustix::io::pwrite(boots, b".", 0);
        }
    }
}

#[allow(unsafe_code, reason = "a descriptor that was handed over is known by its number alone")]
fn taken(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: whether it is open is asked before it is owned, and nobody else in this process knows of it.
    let fd = unsafe {
        if libc::fcntl(number, libc::F_GETFD) < 0 {
            return None;
        }
        <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(number)
    };
    // No service of the machine is to have it.
    rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC).ok()?;
    Some(fd)
}

fn follow(host: &OwnedFd, boots: &OwnedFd) {
    let mut read = [0u8; 1024];
    loop {
        let Ok([ended, began]) = wait([host.as_fd(), boots.as_fd()]) else { return };
        if ended {
            let _ = kill_process(getpid(), Signal::POWER);
            return;
        }
        if began {
            let _ = rustix::io::read(boots, &mut read);
            let _ = kill_process(getpid(), Signal::INT);
        }
    }
}

/// Waits until there is something to read from one of them.
#[allow(unsafe_code, reason = "poll(2), without a further part of a crate that all others would be built with")]
fn wait(fds: [BorrowedFd<'_>; 2]) -> io::Result<[bool; 2]> {
    let mut polled = fds.map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    loop {
        // SAFETY: the array outlives the call, and its length is given.
        if unsafe { libc::poll(polled.as_mut_ptr(), 2, -1) } >= 0 {
            return Ok(polled.map(|one| one.revents != 0));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
