//! A command or shell on a channel: its streams carried both ways, its end told.
//! It must not know who logged in or what runs. The surprise: as OpenSSH does, a command without a terminal is over when its
//! last writer has closed the output, one with a terminal when its process ends.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::Bytes;
use host::exec::{Exit, signal_group};
use host::pty::{Master, Size};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::mpsc;

use super::spool::Spool;

/// What may be said to a running command.
#[derive(Debug)]
pub enum Control {
    Resize(Size),
    Signal(Sig),
}

const PIECE: usize = 32 << 10;
/// How long a dead shell's terminal is still listened to.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Carries a child with piped streams until it is over or the client is gone.
pub async fn carry_pipes(
    channel: Channel<Msg>,
    mut child: Child,
    handle: Handle,
    mut control: mpsc::Receiver<Control>,
) {
    let id = channel.id();
    let leader = child.id().unwrap_or(0);
    let (read, write) = channel.split();
    let spool = Spool::default();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let work = async {
        let out = outward(stdout, &write, None);
        let err = outward(stderr, &write, Some(1));
        let (status, (), ()) = tokio::join!(child.wait(), out, err);
        status
    };
    let ended = tokio::select! {
        status = work => Some(status),
        () = inward(read, &spool) => None,
        () = async { drain(&spool, stdin).await; std::future::pending().await } => None,
        () = obey(&mut control, leader, None) => None,
    };
    match ended {
        Some(status) => finish(id, &write, &handle, status.map(Exit::from)).await,
        None => outlive(child),
    }
}

/// Carries a child on a terminal; the terminal hangs up when this returns.
pub async fn carry_terminal(
    channel: Channel<Msg>,
    mut child: Child,
    master: OwnedFd,
    handle: Handle,
    mut control: mpsc::Receiver<Control>,
) {
    let id = channel.id();
    let leader = child.id().unwrap_or(0);
    let (read, write) = channel.split();
    let spool = Spool::default();
    let (size, master) = match master.try_clone().and_then(|second| Ok((second, Master::new(master)?))) {
        Ok(both) => both,
        Err(error) => return finish(id, &write, &handle, Err(error)).await,
    };
    let (mut screen, keyboard) = tokio::io::split(master);
    let work = async {
        let mut buffer = vec![0; PIECE];
        let mut status = None;
        loop {
            tokio::select! {
                biased;
                n = screen.read(&mut buffer) => match n {
                    Ok(n) if n > 0 => {
                        if write.data_bytes(Bytes::copy_from_slice(&buffer[..n])).await.is_err() {
                            break;
                        }
                    }
                    _ => break,
                },
                ended = child.wait(), if status.is_none() => status = Some(ended),
                () = tokio::time::sleep(LAST_WORDS), if status.is_some() => break,
            }
        }
        match status {
            Some(status) => status,
            None => child.wait().await,
        }
    };
    let ended = tokio::select! {
        status = work => Some(status),
        () = inward(read, &spool) => None,
        () = async { drain(&spool, Some(keyboard)).await; std::future::pending().await } => None,
        () = obey(&mut control, leader, Some(&size)) => None,
    };
    match ended {
        Some(status) => finish(id, &write, &handle, status.map(Exit::from)).await,
        None => outlive(child),
    }
}

/// Carries a stream that is no process: a forwarded connection. Each direction ends by itself.
pub async fn carry_stream(channel: Channel<Msg>, stream: impl AsyncRead + AsyncWrite + Send) {
    let (read, write) = channel.split();
    let spool = Spool::default();
    let (from, to) = tokio::io::split(stream);
    let out = async {
        outward(Some(from), &write, None).await;
        let _ = write.eof().await;
    };
    let into = drain(&spool, Some(to));
    tokio::select! {
        ((), ()) = async { tokio::join!(out, into) } => {}
        () = inward(read, &spool) => {}
    }
    let _ = write.close().await;
}

/// The client is gone and its command may go on; at its end somebody must take note, or it stays a zombie.
fn outlive(mut child: Child) {
    tokio::spawn(async move {
        let _ = child.wait().await;
    });
}

/// From the client into the spool, until the client is gone.
async fn inward(mut read: ChannelReadHalf, spool: &Spool) {
    while let Some(message) = read.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                if let Err(error) = spool.put(data).await {
                    tracing::warn!(%error, "input cannot be kept");
                    return;
                }
            }
            ChannelMsg::Eof => spool.end(),
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// From the spool into `to`, until either end closes.
async fn drain(spool: &Spool, to: Option<impl AsyncWrite + Unpin>) {
    if let Some(mut to) = to {
        while let Ok(Some(piece)) = spool.take().await {
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    }
    spool.refuse();
}

async fn outward(from: Option<impl AsyncRead + Unpin>, write: &ChannelWriteHalf<Msg>, kind: Option<u32>) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; PIECE];
    loop {
        let Ok(n) = from.read(&mut buffer).await else { return };
        if n == 0 {
            return;
        }
        let data = Bytes::copy_from_slice(&buffer[..n]);
        let sent = match kind {
            None => write.data_bytes(data).await,
            Some(kind) => write.extended_data_bytes(kind, data).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Never ends: a closed control channel only means that nothing more is said.
async fn obey(control: &mut mpsc::Receiver<Control>, leader: u32, terminal: Option<&OwnedFd>) {
    while let Some(word) = control.recv().await {
        match word {
            Control::Resize(size) => {
                if let Some(terminal) = terminal {
                    let _ = host::pty::resize(terminal, size);
                }
            }
            Control::Signal(name) => {
                if let Some(signal) = number(&name) {
                    signal_group(leader, signal);
                }
            }
        }
    }
    std::future::pending().await
}

async fn finish(id: ChannelId, write: &ChannelWriteHalf<Msg>, handle: &Handle, status: io::Result<Exit>) {
    let _ = write.eof().await;
    match status {
        Ok(Exit::Code(code)) => {
            let _ = write.exit_status(code.cast_unsigned()).await;
        }
        Ok(Exit::Signal(signal)) => {
            let _ = handle.exit_signal_request(id, name(signal), false, String::new(), String::new()).await;
        }
        Err(error) => {
            tracing::warn!(%error, "command's end is unknown");
            let _ = write.exit_status(255).await;
        }
    }
    let _ = write.close().await;
}

/// RFC 4254 section 6.10's names, with their numbers.
const SIGNALS: [(Sig, Signal); 12] = [
    (Sig::ABRT, Signal::ABORT),
    (Sig::ALRM, Signal::ALARM),
    (Sig::FPE, Signal::FPE),
    (Sig::HUP, Signal::HUP),
    (Sig::ILL, Signal::ILL),
    (Sig::INT, Signal::INT),
    (Sig::KILL, Signal::KILL),
    (Sig::PIPE, Signal::PIPE),
    (Sig::QUIT, Signal::QUIT),
    (Sig::SEGV, Signal::SEGV),
    (Sig::TERM, Signal::TERM),
    (Sig::USR1, Signal::USR1),
];

fn number(name: &Sig) -> Option<Signal> {
    match name {
        Sig::Custom(name) if name == "USR2" => Some(Signal::USR2),
        name => SIGNALS
            .iter()
            .find(|(sig, _)| std::mem::discriminant(sig) == std::mem::discriminant(name))
            .map(|(_, signal)| *signal),
    }
}

fn name(number: i32) -> Sig {
    let known = SIGNALS.iter().find(|(_, signal)| signal.as_raw() == number);
    known.map_or_else(|| Sig::Custom(format!("SIG{number}@grigri")), |(sig, _)| sig.clone())
}
