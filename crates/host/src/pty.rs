//! Pseudo-terminals. It must not know who types.
//! The surprise: the slave is opened through its master (TIOCGPTPEER), so no path under `/dev/pts` needs to be right.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Gid, Mode, Uid};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::Account;

#[derive(Debug)]
pub struct Pty {
    pub master: OwnedFd,
    pub slave: OwnedFd,
    /// `/dev/pts/3`, for people.
    pub name: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

/// A new terminal that belongs to `account`; its master does not block.
pub fn open(account: &Account, size: Size) -> io::Result<Pty> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags)?;
    rustix::pty::unlockpt(&master)?;
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?.to_string_lossy().into_owned();
    if rustix::process::geteuid().is_root() {
        // Group `tty`, as everywhere: `write` and `wall` reach it.
        rustix::fs::fchown(&slave, Some(Uid::from_raw(account.uid)), Some(Gid::from_raw(5)))?;
        rustix::fs::fchmod(&slave, Mode::from_bits_retain(0o620))?;
    }
    resize(&master, size)?;
    rustix::io::ioctl_fionbio(&master, true)?;
    Ok(Pty { master, slave, name })
}

/// Tells the terminal its size; the foreground group gets SIGWINCH.
pub fn resize(master: impl AsFd, size: Size) -> io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(rustix::termios::tcsetwinsize(master, size)?)
}
