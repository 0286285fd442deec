//! The API port: accepts, makes TLS, hands each connection to HTTP. It knows no facade.
//! The surprise: handshakes are waited for, so that ten thousand agents who come back at once do not trip over each other, but each for
//! a moment only: whoever never ends its handshake holds up nobody.

use crate::audit::Audit;
use crate::auth::Passwords;
use crate::auth::bakery::Bakery;
use crate::doors::{AgentDoors, CloudAdvice, KeySource, Seals, TakesIn};
use crate::http::{self, Downloads, LogStreams};
use crate::limits::{HANDSHAKE_PACE, Limits};
use crate::metrics::Metrics;
use crate::places::Places;
use crate::strangers::{Seat, Source, Strangers};
use model::State;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::append::Append;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// What a server is made of.
pub struct ServerParts {
    pub state: State,
    /// Logs, outputs of tasks, histories.
    pub append: Append,
    pub tls: Arc<ServerConfig>,
    pub passwords: Passwords,
    pub doors: Arc<dyn AgentDoors>,
    pub advice: Arc<dyn CloudAdvice>,
    pub seals: Arc<dyn Seals>,
    pub key_source: Arc<dyn KeySource>,
    pub takes_in: Arc<dyn TakesIn>,
    /// The version to tell: `3.6.100`.
    pub version: String,
    pub limits: Limits,
}

/// What all connections share.
pub struct Shared {
    pub state: State,
    pub append: Append,
    pub passwords: Passwords,
    pub bakery: Bakery,
    pub audit: Audit,
    pub doors: Arc<dyn AgentDoors>,
    pub advice: Arc<dyn CloudAdvice>,
    pub seals: Arc<dyn Seals>,
    pub key_source: Arc<dyn KeySource>,
    pub takes_in: Arc<dyn TakesIn>,
    pub version: String,
    pub limits: Limits,
    /// The log streams that are open.
    pub log_streams: LogStreams,
    /// The ways into machines that are open.
    pub tunnels: Places,
    /// The connections that users have logged in on.
    pub connections: Places,
    /// Turns of hosts that fetch the agent's program.
    pub downloads: Downloads,
    pub metrics: Metrics,
    /// True when the server is to close its connections.
    pub closing: watch::Receiver<bool>,
}

pub struct Server {
    shared: Arc<Shared>,
    acceptor: TlsAcceptor,
    handle: Handle,
    strangers: Strangers,
    handshakes: Arc<Semaphore>,
}

/// Ends the server from elsewhere; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    closing: Arc<watch::Sender<bool>>,
}

impl Handle {
    /// No new connections; those there are closed in order.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl Server {
    /// Also begins to write the histories of statuses. To be called within the async runtime.
    pub fn new(parts: ServerParts) -> Server {
        let (sender, closing) = watch::channel(false);
        let ServerParts { state, append, tls, passwords, doors, advice, seals, key_source, takes_in, version, limits } =
            parts;
        let shared = Shared {
            connections: Places::new("connections", limits.connections, limits.connections_of_user),
            log_streams: LogStreams::new(limits),
            tunnels: Places::new("tunnels", limits.tunnels, limits.tunnels_of_user),
            metrics: Metrics::default(),
            bakery: Bakery::default(),
            audit: Audit::start(append.logs()),
            state,
            append,
            passwords,
            doors,
            advice,
            seals,
            key_source,
            takes_in,
            version,
            limits,
            downloads: Downloads::default(),
            closing,
        };
        let handle = Handle { closing: Arc::new(sender) };
        tokio::spawn(model::watch::history::record(shared.state.clone(), shared.append.history()));
        Server {
            shared: Arc::new(shared),
            acceptor: TlsAcceptor::from(tls),
            handle,
            strangers: Strangers::new(limits),
            handshakes: Arc::new(Semaphore::new(limits.handshakes)),
        }
    }

    /// Where others add figures of theirs to `/metrics`.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Serves one connection that came otherwise than over TCP and TLS: a test's pair of pipes. `certificate`: what the client proved to have, DER.
    pub fn converse<S>(
        &self,
        stream: S,
        from: SocketAddr,
        certificate: Option<Vec<u8>>,
    ) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (seat, shared) = (self.strangers.seat(Source::of(from.ip())), self.shared.clone());
        async move {
            let Some(seat) = seat else { return };
            tokio::select! {
                () = http::serve(shared, stream, from, certificate, seat.clone()) => {}
                () = seat.to_leave() => {}
            }
        }
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until the handle says close; several listeners may be served at once.
    pub async fn serve(&self, listener: TcpListener) {
        let mut closing = self.shared.closing.clone();
        loop {
            let slot = tokio::select! {
                slot = self.handshakes.clone().acquire_owned() => slot,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            let Ok(slot) = slot else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            match accepted {
                Ok((stream, from)) => {
                    // Turned away: closed without a word, since a word would cost a handshake.
                    let Some(seat) = self.strangers.seat(Source::of(from.ip())) else { continue };
                    let (shared, acceptor) = (self.shared.clone(), self.acceptor.clone());
                    tokio::spawn(async move {
                        tokio::select! {
                            () = connection(shared, acceptor, stream, from, slot, seat.clone()) => {}
                            () = seat.to_leave() => {}
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, mostly: a pause lets some close.
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept connections");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

async fn connection(
    shared: Arc<Shared>,
    acceptor: TlsAcceptor,
    stream: TcpStream,
    from: SocketAddr,
    slot: tokio::sync::OwnedSemaphorePermit,
    seat: Seat,
) {
    // Answers are whole frames: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    keep_alive(&stream);
    let handshake = tokio::time::timeout(shared.limits.handshake, acceptor.accept(stream));
    tokio::pin!(handshake);
    let at_once = tokio::time::timeout(HANDSHAKE_PACE, handshake.as_mut()).await;
    drop(slot);
    let done = match at_once {
        Ok(done) => done,
        Err(_) => handshake.await,
    };
    let tls = match done {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => {
            tracing::debug!(%from, error = &error as &dyn std::error::Error, "TLS handshake failed");
            return;
        }
        Err(_) => return,
    };
    let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|first| first.to_vec());
    http::serve(shared, tls, from, certificate, seat).await;
}

/// Users may be silent for as long as they like, so the kernel asks whether they are there at all.
fn keep_alive(stream: &TcpStream) {
    use rustix::net::sockopt;
    let set = sockopt::set_socket_keepalive(stream, true)
        .and_then(|()| sockopt::set_tcp_keepidle(stream, Duration::from_secs(60)))
        .and_then(|()| sockopt::set_tcp_keepintvl(stream, Duration::from_secs(15)))
        .and_then(|()| sockopt::set_tcp_keepcnt(stream, 4));
    if let Err(error) = set {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection is not kept alive");
    }
}
