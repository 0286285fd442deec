//! One client's connection: who it is, and which channel does what.
//! It must not know how bytes are carried (`session`). The surprise: everything that is not granted here is refused by the
//! library's defaults: passwords, agent forwarding, X11, remote forwarding, sockets of the machine.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use host::Account;
use host::exec::{Command, Io};
use host::pty::{Pty as Terminal, Size};
use russh::keys::{Algorithm, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, Sig};
use tokio::sync::mpsc;

use super::keys::Authority;
use super::session::{self, Control};
use super::{Stranger, forward, modes};

/// As OpenSSH's MaxSessions, with room: a client may hold many forwards.
const MAX_CHANNELS: usize = 128;

pub struct Connection {
    authority: Arc<Authority>,
    peer: SocketAddr,
    local: SocketAddr,
    account: Option<Account>,
    known: Arc<AtomicBool>,
    stranger: Option<Stranger>,
    channels: HashMap<ChannelId, Slot>,
}

/// A session channel: asked things before it runs something, told things after.
#[derive(Default)]
struct Slot {
    channel: Option<Channel<Msg>>,
    terminal: Option<Terminal>,
    env: Vec<(OsString, OsString)>,
    control: Option<mpsc::Sender<Control>>,
}

enum Run {
    Shell,
    Command(OsString),
    Sftp,
}

impl Connection {
    /// `known` becomes true once the client has proven who it is.
    pub fn new(
        authority: Arc<Authority>,
        peer: SocketAddr,
        local: SocketAddr,
        known: Arc<AtomicBool>,
        stranger: Stranger,
    ) -> Self {
        Self { authority, peer, local, account: None, known, stranger: Some(stranger), channels: HashMap::new() }
    }

    fn admit(&self, user: &str, key: &PublicKey, algorithm: &Algorithm) -> Option<Account> {
        // Signatures over SHA-1 prove nothing today.
        if matches!(algorithm, Algorithm::Rsa { hash: None }) {
            return None;
        }
        self.authority.admit(user, key)
    }

    /// Starts what was asked for on its channel; false: refused.
    fn run(&mut self, id: ChannelId, run: Run, session: &Session) -> bool {
        let (Some(account), Some(slot)) = (&self.account, self.channels.get_mut(&id)) else { return false };
        let Some(channel) = slot.channel.take() else { return false };
        let terminal = slot.terminal.take();
        let name = |n: &Option<Terminal>| n.as_ref().map(|t| t.name.clone());
        let mut command = match run {
            Run::Sftp => sftp(account),
            Run::Shell | Run::Command(_) => shell(account, run),
        };
        command =
            command.env("SSH_CLIENT", format!("{} {} {}", self.peer.ip(), self.peer.port(), self.local.port())).env(
                "SSH_CONNECTION",
                format!("{} {} {} {}", self.peer.ip(), self.peer.port(), self.local.ip(), self.local.port()),
            );
        if let Some(name) = name(&terminal) {
            command = command.env("SSH_TTY", name);
        }
        for (key, value) in slot.env.drain(..) {
            command = command.env(key, value);
        }
        let master = match terminal {
            Some(Terminal { master, slave, .. }) => {
                command.stdio = Io::Terminal(slave);
                Some(master)
            }
            None => {
                command.stdio = Io::Pipes;
                None
            }
        };
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                tracing::warn!(%error, user = account.name, "command cannot be started");
                return false;
            }
        };
        let (tx, rx) = mpsc::channel(16);
        slot.control = Some(tx);
        let handle = session.handle();
        match master {
            Some(master) => tokio::spawn(session::carry_terminal(channel, child, master, handle, rx)),
            None => tokio::spawn(session::carry_pipes(channel, child, handle, rx)),
        };
        true
    }
}

/// A login shell, or `$SHELL -c command`, as sshd does.
fn shell(account: &Account, run: Run) -> Command {
    let program = if account.shell.exists() { account.shell.clone() } else { "/bin/sh".into() };
    let name = program.file_name().unwrap_or_default().to_owned();
    let mut command = Command::login(program, account.clone());
    match run {
        Run::Command(text) => {
            command.arg0 = Some(name);
            command = command.arg("-c").arg(text);
        }
        Run::Shell | Run::Sftp => {
            let mut login = OsString::from("-");
            login.push(name);
            command.arg0 = Some(login);
        }
    }
    command
}

/// Our own binary again, which becomes the account by itself: so it need not be readable for that account.
fn sftp(account: &Account) -> Command {
    let mut command =
        Command::login("/proc/self/exe", account.clone()).arg(crate::SFTP_MODE).arg(account.uid.to_string());
    command = command
        .arg(account.gid.to_string())
        .arg(account.groups.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
    command.account = None;
    command
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(if self.admit(user, offer.public_key, offer.algorithm).is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.account = self.admit(user, key.public_key, key.algorithm);
        match &self.account {
            Some(account) => {
                self.known.store(true, Ordering::Relaxed);
                self.stranger = None;
                tracing::info!(user = account.name, peer = %self.peer, "login");
                Ok(Auth::Accept)
            }
            None => Ok(Auth::reject()),
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.channels.len() >= MAX_CHANNELS {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.channels.insert(channel.id(), Slot { channel: Some(channel), ..Slot::default() });
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let host = host.to_owned();
        // Connecting may take long, and this connection has other channels to serve.
        tokio::spawn(async move {
            match forward::connect(&host, port).await {
                Some(stream) => {
                    reply.accept().await;
                    session::carry_stream(channel, stream).await;
                }
                None => reply.reject(ChannelOpenFailure::ConnectFailed).await,
            }
        });
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&id);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let (Some(account), Some(slot)) = (&self.account, self.channels.get_mut(&id)) else {
            return session.channel_failure(id);
        };
        match host::pty::open(account, size(columns, rows)) {
            Ok(terminal) => {
                modes::apply(&terminal.slave, modes);
                slot.terminal = Some(terminal);
                if !term.is_empty() && !term.contains('\0') {
                    slot.env.push(("TERM".into(), term.into()));
                }
                session.channel_success(id)
            }
            Err(error) => {
                tracing::warn!(%error, "no terminal");
                session.channel_failure(id)
            }
        }
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // What Debian's and Ubuntu's sshd accept.
        let accepted =
            (name == "LANG" || name.starts_with("LC_")) && !name.contains(['=', '\0']) && !value.contains('\0');
        match self.channels.get_mut(&id) {
            Some(slot) if accepted && slot.env.len() < 32 => {
                slot.env.push((name.into(), value.into()));
                session.channel_success(id)
            }
            _ => session.channel_failure(id),
        }
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        if self.run(id, Run::Shell, session) { session.channel_success(id) } else { session.channel_failure(id) }
    }

    async fn exec_request(&mut self, id: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        let text = OsString::from_vec(data.to_vec());
        if self.run(id, Run::Command(text), session) {
            session.channel_success(id)
        } else {
            session.channel_failure(id)
        }
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Session) -> Result<(), Self::Error> {
        if name == "sftp" && self.run(id, Run::Sftp, session) {
            session.channel_success(id)
        } else {
            session.channel_failure(id)
        }
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let size = size(columns, rows);
        match self.channels.get(&id) {
            Some(Slot { control: Some(control), .. }) => {
                let _ = control.try_send(Control::Resize(size));
            }
            Some(Slot { terminal: Some(terminal), .. }) => {
                let _ = host::pty::resize(&terminal.master, size);
            }
            _ => {}
        }
        session.channel_success(id)
    }

    async fn signal(&mut self, id: ChannelId, signal: Sig, _: &mut Session) -> Result<(), Self::Error> {
        if let Some(Slot { control: Some(control), .. }) = self.channels.get(&id) {
            let _ = control.try_send(Control::Signal(signal));
        }
        Ok(())
    }
}

fn size(columns: u32, rows: u32) -> Size {
    let fit = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    Size { columns: fit(columns), rows: fit(rows) }
}
