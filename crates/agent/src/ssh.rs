//! The ssh server of machines that have no sshd: a process of its own, so that its sessions outlive an agent that dies.
//! It must not know of the controller: host keys and authorised keys are files that others keep.
//! The surprise: where port 22 is taken, an sshd serves it; then this waits, and serves once the port is free.

mod connection;
mod forward;
mod keep;
pub mod keys;
mod modes;
mod session;
mod spool;

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::Config;
use russh::{MethodKind, MethodSet};
use tokio::net::{TcpListener, TcpStream};

use connection::Connection;
pub use keep::keep;
use keys::Authority;

/// What it takes, all with defaults that fit a machine: `--listen ADDRESS:PORT`, `--host-keys DIRECTORY` (repeatable),
/// `--authorized-keys FILE`, `--user NAME` (repeatable; whom that file lets in), `--lock FILE` (of several servers with the same one,
/// one serves and the others wait), `--if-alone yes` (they do not wait, they end).
#[derive(Debug, Clone)]
pub struct Options {
    /// None: port 22 of every address.
    pub listen: Option<SocketAddr>,
    pub host_keys: Vec<PathBuf>,
    pub authority: Authority,
    pub lock: Option<PathBuf>,
    pub if_alone: bool,
}

/// Where the server's keys may be, best first.
pub fn host_key_directories() -> Vec<PathBuf> {
    vec!["/var/lib/juju/ssh".into(), "/etc/ssh".into()]
}

/// The file that the agent keeps and this server reads.
pub const AUTHORIZED_KEYS: &str = "/var/lib/juju/ssh/authorized_keys";

/// Logins that are not through after this long are cut off.
const LOGIN_GRACE: Duration = Duration::from_secs(60);
/// So many may be about to log in at once; more are cut off at once.
const MAX_STRANGERS: usize = 200;
/// Between two looks whether the port is free.
const PORT_TAKEN: Duration = Duration::from_secs(60);

/// The process's life. Returns only when it cannot go on.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    crate::logging::start();
    let outcome = options(args).and_then(|options| {
        let _lock = match keep::lock(&options)? {
            keep::Turn::Ours(lock) => lock,
            keep::Turn::Another => return Ok(()),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(serve(options)).map_err(|e| e.to_string())
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "ssh server stopped");
            ExitCode::FAILURE
        }
    }
}

fn options(args: impl IntoIterator<Item = OsString>) -> Result<Options, String> {
    let mut options = Options {
        listen: None,
        host_keys: Vec::new(),
        authority: Authority { file: AUTHORIZED_KEYS.into(), users: Vec::new() },
        lock: None,
        if_alone: false,
    };
    let mut args = args.into_iter();
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("{} needs a value", flag.display()))?;
        match flag.to_str() {
            Some("--listen") => {
                let text = value.to_string_lossy();
                options.listen = Some(text.parse().map_err(|_| format!("{text:?} is no address and port"))?);
            }
            Some("--host-keys") => options.host_keys.push(value.into()),
            Some("--authorized-keys") => options.authority.file = value.into(),
            Some("--user") => options.authority.users.push(value.to_string_lossy().into_owned()),
            Some("--lock") => options.lock = Some(value.into()),
            Some("--if-alone") => options.if_alone = value == "yes",
            _ => return Err(format!("unknown option {}", flag.display())),
        }
    }
    if options.host_keys.is_empty() {
        options.host_keys = host_key_directories();
    }
    if options.lock.is_none() && options.listen.is_none() {
        options.lock = Some(keep::LOCK.into());
    }
    if options.authority.users.is_empty() {
        options.authority.users.push("ubuntu".into());
    }
    Ok(options)
}

async fn serve(options: Options) -> io::Result<()> {
    let keys = keys::host_keys(&options.host_keys);
    if keys.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no host key in {:?}", options.host_keys)));
    }
    let config = Arc::new(config(keys));
    let authority = Arc::new(options.authority);
    let listener = listen(options.listen).await?;
    tracing::info!(address = ?listener.local_addr().ok(), "ssh server listens");
    let strangers = Arc::new(AtomicUsize::new(0));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // A connection that died in the queue, or no descriptors left: neither is the listener's end.
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if strangers.load(Ordering::Relaxed) >= MAX_STRANGERS {
            tracing::warn!(%peer, "too many connections that did not log in");
            continue;
        }
        tokio::spawn(attend(stream, peer, Arc::clone(&config), Arc::clone(&authority), Stranger::new(&strangers)));
    }
}

fn config(keys: Vec<PrivateKey>) -> Config {
    Config {
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        // Keys cannot be guessed, so making a client wait that offers several only costs its user.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: 20,
        keys,
        // A session may be silent for days; the kernel's keepalive finds dead peers.
        inactivity_timeout: None,
        ..Config::default()
    }
}

async fn listen(address: Option<SocketAddr>) -> io::Result<TcpListener> {
    loop {
        let outcome = match address {
            Some(address) => TcpListener::bind(address).await,
            None => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 22)).await {
                Err(e) if e.kind() != io::ErrorKind::AddrInUse => TcpListener::bind((Ipv4Addr::UNSPECIFIED, 22)).await,
                other => other,
            },
        };
        match outcome {
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
                tracing::info!("another server has the ssh port");
                tokio::time::sleep(PORT_TAKEN).await;
            }
            other => return other,
        }
    }
}

/// Counts a connection that has not logged in, as long as it lives.
pub struct Stranger(Arc<AtomicUsize>);

impl Stranger {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    config: Arc<Config>,
    authority: Arc<Authority>,
    stranger: Stranger,
) {
    let _ = stream.set_nodelay(true);
    client::keepalive::set(&stream);
    let Ok(local) = stream.local_addr() else { return };
    let known = Arc::new(AtomicBool::new(false));
    let handler = Connection::new(authority, peer, local, Arc::clone(&known), stranger);
    let greeting = tokio::time::timeout(LOGIN_GRACE, russh::server::run_stream(config, stream, handler));
    let Ok(Ok(mut running)) = greeting.await else { return };
    let handle = running.handle();
    tokio::select! {
        outcome = &mut running => return debug(peer, &outcome),
        () = tokio::time::sleep(LOGIN_GRACE) => {}
    }
    if !known.load(Ordering::Relaxed) {
        let _ = handle.disconnect(russh::Disconnect::ByApplication, "login took too long".into(), String::new()).await;
    }
    debug(peer, &running.await);
}

fn debug(peer: SocketAddr, outcome: &Result<(), russh::Error>) {
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection ended");
    }
}
