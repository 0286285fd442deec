//! The API port: accepts, makes TLS, hands each connection to HTTP. It knows no facade.
//! The surprise: nothing of a stranger is waited for without a limit: the handshake, the request's head, the login, and the number of those
//! not logged in are all bounded.

use crate::auth::Passwords;
use crate::doors::{AgentDoors, CloudAdvice};
use crate::http;
use model::State;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::append::Append;
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
    /// The version to tell: `3.6.100`.
    pub version: String,
    pub limits: Limits,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one message from a client.
    pub message: usize,
    pub handshake: Duration,
    /// From the upgrade to a good login.
    pub login: Duration,
    /// Connections not yet through TLS.
    pub handshakes: usize,
    /// Calls of one connection at once.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message: 16 << 20,
            handshake: Duration::from_secs(20),
            login: Duration::from_secs(120),
            handshakes: 1024,
            in_flight: 256,
        }
    }
}

/// What all connections share.
pub struct Shared {
    pub state: State,
    pub append: Append,
    pub passwords: Passwords,
    pub doors: Arc<dyn AgentDoors>,
    pub advice: Arc<dyn CloudAdvice>,
    pub version: String,
    pub limits: Limits,
    /// True when the server is to close its connections.
    pub closing: watch::Receiver<bool>,
}

pub struct Server {
    shared: Arc<Shared>,
    acceptor: TlsAcceptor,
    handle: Handle,
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
        let ServerParts { state, append, tls, passwords, doors, advice, version, limits } = parts;
        let shared = Shared { state, append, passwords, doors, advice, version, limits, closing };
        let handle = Handle { closing: Arc::new(sender) };
        tokio::spawn(model::watch::history::record(shared.state.clone(), shared.append.history()));
        Server { shared: Arc::new(shared), acceptor: TlsAcceptor::from(tls), handle }
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until the handle says close; several listeners may be served at once.
    pub async fn serve(&self, listener: TcpListener) {
        let mut closing = self.shared.closing.clone();
        let handshakes = Arc::new(Semaphore::new(self.shared.limits.handshakes));
        loop {
            let slot = tokio::select! {
                slot = handshakes.clone().acquire_owned() => slot,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            let Ok(slot) = slot else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            match accepted {
                Ok((stream, from)) => {
                    let (shared, acceptor) = (self.shared.clone(), self.acceptor.clone());
                    tokio::spawn(connection(shared, acceptor, stream, from, slot));
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
) {
    // Answers are whole frames: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let limit = shared.limits.handshake;
    let tls = match tokio::time::timeout(limit, acceptor.accept(stream)).await {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => {
            tracing::debug!(%from, error = &error as &dyn std::error::Error, "TLS handshake failed");
            return;
        }
        Err(_) => return,
    };
    drop(slot);
    let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|first| first.to_vec());
    http::serve(shared, tls, from, certificate).await;
}
