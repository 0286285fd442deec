//! The sftp server: a process for each session, which has become the account before it reads a byte, so the kernel alone
//! decides what may be touched. It speaks on its standard input and output.
//! It must not know of ssh. The surprise: OpenSSH sends a link's two paths in the other order than the draft says, and so it is read here.

mod attributes;
mod files;

pub use files::Files;

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll};

use rustix::process::{Gid, Uid};
use tokio::io::{AsyncRead, AsyncWrite, Join, ReadBuf};
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

/// `UID GID GROUP,GROUP..`: whom to become.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    crate::logging::start();
    match identity(args).and_then(|identity| become_account(&identity)).and_then(|()| serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "sftp server stopped");
            ExitCode::FAILURE
        }
    }
}

struct Identity {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

fn identity(args: impl IntoIterator<Item = OsString>) -> io::Result<Identity> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "wanted: UID GID GROUP,GROUP..");
    let args: Vec<String> = args.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
    let [uid, gid, groups] = args.as_slice() else { return Err(bad()) };
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n != u32::MAX).ok_or_else(bad);
    Ok(Identity {
        uid: Uid::from_raw(number(uid)?),
        gid: Gid::from_raw(number(gid)?),
        groups: groups.split(',').map(|g| number(g).map(Gid::from_raw)).collect::<io::Result<_>>()?,
    })
}

/// There is one thread yet, so its identity is the process's.
fn become_account(identity: &Identity) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    rustix::thread::set_thread_groups(&identity.groups)?;
    rustix::thread::set_thread_gid(identity.gid)?;
    rustix::thread::set_thread_uid(identity.uid)?;
    Ok(())
}

fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let input: OwnedFd = rustix::io::dup(rustix::stdio::stdin())?;
        let output: OwnedFd = rustix::io::dup(rustix::stdio::stdout())?;
        let stream = tokio::io::join(pipe::Receiver::from_owned_fd(input)?, pipe::Sender::from_owned_fd(output)?);
        let (ended, end) = oneshot::channel();
        russh_sftp::server::run(Told { stream, _ended: ended }, files::Files::default()).await;
        // The library serves in a task of its own and says nothing at its end but by dropping the stream.
        let _ = end.await;
        Ok(())
    })
}

struct Told {
    stream: Join<pipe::Receiver, pipe::Sender>,
    _ended: oneshot::Sender<()>,
}

impl AsyncRead for Told {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Told {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, data) {
            // Nobody reads our answers: the library would log this and go on for ever.
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "client gone");
                std::process::exit(0)
            }
            other => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
