//! Pseudo-terminals. It must not know who types.
//! The surprise: the slave is opened through its master (TIOCGPTPEER), so no path under `/dev/pts` needs to be right.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{Gid, Mode, Uid};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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

/// A new terminal that belongs to `account`; its master does not block (see [`Master`]).
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

/// The master's end as a stream. Dropping it hangs the terminal up.
#[derive(Debug)]
pub struct Master {
    fd: AsyncFd<OwnedFd>,
}

impl Master {
    /// Needs a tokio runtime.
    pub fn new(master: OwnedFd) -> io::Result<Self> {
        #[allow(unsafe_code)]
        // The descriptor is owned, never given out, and closed only with its registration.
        let fd = unsafe { AsyncFd::register(master)? };
        Ok(Self { fd })
    }
}

impl AsyncRead for Master {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.fd.poll_read_ready(cx))?;
            match rustix::io::read(guard.get_inner(), buf.initialize_unfilled()) {
                Ok(n) => {
                    buf.advance(n);
                    return Poll::Ready(Ok(()));
                }
                Err(rustix::io::Errno::AGAIN) => guard.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                // Nobody holds the slave any more: a terminal's way to say end of file.
                Err(rustix::io::Errno::IO) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsyncWrite for Master {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.fd.poll_write_ready(cx))?;
            match rustix::io::write(guard.get_inner(), data) {
                Ok(n) => return Poll::Ready(Ok(n)),
                Err(rustix::io::Errno::AGAIN) => guard.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::exec::{Command, Io};

    #[tokio::test]
    async fn a_shell_on_a_terminal_knows_its_name_and_size() {
        let account = Account::find("root").expect("everywhere");
        let Pty { master, slave, name } = open(&account, Size { columns: 91, rows: 17 }).expect("a terminal");
        let resizer = master.try_clone().expect("a second handle");
        let mut command =
            Command::login("/bin/sh", account).arg("-c").arg("tty; stty size; read x; stty size; echo got $x");
        command.stdio = Io::Terminal(slave);
        let mut child = command.spawn().expect("started");
        let mut master = Master::new(master).expect("registered");
        let (mut text, mut buffer) = (String::new(), [0; 1024]);
        while !text.contains("17 91") {
            let n = master.read(&mut buffer).await.expect("readable");
            assert!(n > 0, "ended early: {text:?}");
            text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        assert!(text.starts_with(&name), "{text:?} {name}");
        resize(&resizer, Size { columns: 40, rows: 20 }).expect("resized");
        drop(resizer);
        master.write_all(b"hello\n").await.expect("written");
        let mut rest = Vec::new();
        master.read_to_end(&mut rest).await.expect("ends with the shell");
        let rest = String::from_utf8_lossy(&rest);
        assert!(rest.contains("20 40") && rest.contains("got hello"), "{rest:?}");
        assert!(child.wait().await.expect("waited").success());
    }
}
