//! Reaching a controller: all its addresses are tried, 50 ms apart, and the first that finishes the handshake wins
//! (`wire/protocol.md` 1.2). Trust is the controller's own CA and nothing else.
//! The surprise: names are resolved here, not by the C library, which a static binary must not ask.

use base::ModelUuid;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::agent::SERVER_NAME;

/// Answers larger than this end the connection: python-libjuju's own bound.
pub const MAX_MESSAGE: usize = 64 << 20;
const STAGGER: Duration = Duration::from_millis(50);
/// Of one address to take a connection. The kernel's own patience is two minutes, in which a host that is gone says nothing.
const CONNECT: Duration = Duration::from_secs(10);

/// Which of a controller's RPC paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Controller,
    Model(ModelUuid),
}

impl Place {
    /// The path of its websocket.
    pub fn api_path(self) -> String {
        match self {
            Place::Controller => "/api".to_owned(),
            Place::Model(uuid) => wire::path::model_api(uuid),
        }
    }

    /// The path of its log stream.
    pub fn log_path(self) -> String {
        match self {
            Place::Controller => "/log".to_owned(),
            Place::Model(uuid) => format!("/model/{uuid}/log"),
        }
    }
}

/// Where a controller is and how to know it.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port`, the preferred one first.
    pub addresses: Vec<String>,
    /// PEM.
    pub ca_pem: String,
}

/// Why no address could be reached. The texts are those that users of the stock command know.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("no addresses of the controller are known")]
    NoAddress,
    #[error("no CA certificate of the controller is known")]
    NoCa,
    #[error("cannot parse the controller's CA certificate")]
    BadCa(#[source] rpc::tls::TlsError),
    #[error("dial tcp {address}: {why}")]
    Tcp {
        address: String,
        why: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot resolve {host}")]
    Resolve { host: String },
    #[error("certificate of {address} is not trusted")]
    Untrusted {
        address: String,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot open a websocket to {address}: {why}")]
    Websocket { address: String, why: String },
}

impl DialError {
    /// Whether another try may bring another result.
    pub fn is_transient(&self) -> bool {
        match self {
            DialError::Tcp { .. } | DialError::Resolve { .. } | DialError::Websocket { .. } => true,
            DialError::NoAddress | DialError::NoCa | DialError::BadCa(_) | DialError::Untrusted { .. } => false,
        }
    }
}

/// An open connection and the address that answered.
pub struct Dialled {
    pub socket: rpc::websocket::Socket<TlsStream<TcpStream>>,
    pub address: String,
}

/// Opens a websocket on `path` at the first address that answers.
pub async fn dial(target: &Target, path: &str, headers: &[(&str, &str)]) -> Result<Dialled, DialError> {
    if target.addresses.is_empty() {
        return Err(DialError::NoAddress);
    }
    if target.ca_pem.trim().is_empty() {
        return Err(DialError::NoCa);
    }
    let config = rpc::tls::client_config(&target.ca_pem, None).map_err(DialError::BadCa)?;
    dial_with(&target.addresses, config, path, headers).await
}

/// The same with a TLS configuration of the caller's: agents show a certificate.
pub async fn dial_with(
    addresses: &[String],
    config: Arc<ClientConfig>,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Dialled, DialError> {
    let mut tries: FuturesUnordered<_> = addresses
        .iter()
        .enumerate()
        .map(|(n, address)| {
            let config = config.clone();
            async move {
                tokio::time::sleep(STAGGER * u32::try_from(n).unwrap_or(u32::MAX)).await;
                one(address, config, path, headers).await
            }
        })
        .collect();
    let mut last = DialError::NoAddress;
    while let Some(tried) = tries.next().await {
        match tried {
            Ok(dialled) => return Ok(dialled),
            // That a certificate is wrong says more than that another address is dead.
            Err(error) if !matches!(last, DialError::Untrusted { .. }) => last = error,
            Err(_) => {}
        }
    }
    Err(last)
}

async fn one(
    address: &str,
    config: Arc<ClientConfig>,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Dialled, DialError> {
    let tls = secure(address, config).await?;
    let socket = rpc::websocket::connect(tls, address, path, headers, MAX_MESSAGE)
        .await
        .map_err(|error| DialError::Websocket { address: address.to_owned(), why: error.to_string() })?;
    Ok(Dialled { socket, address: address.to_owned() })
}

/// A TLS connection to `host:port`, over which anything may be said. Whoever the other end is, it has shown the
/// controller's certificate. The kernel finds out when it is gone.
pub async fn secure(address: &str, config: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, DialError> {
    let tcp_error =
        |source: std::io::Error| DialError::Tcp { address: address.to_owned(), why: tcp_words(&source), source };
    let mut tcp = Err(DialError::Resolve { host: address.to_owned() });
    for socket in resolve(address).await? {
        tcp = connect(socket).await.map_err(tcp_error);
        if tcp.is_ok() {
            break;
        }
    }
    let tcp = tcp?;
    // Small frames go at once; the kernel's own default would hold them back.
    let _ = tcp.set_nodelay(true);
    crate::keepalive::set(&tcp);
    let name = SERVER_NAME.try_into().map_err(|_| DialError::Resolve { host: SERVER_NAME.to_owned() })?;
    TlsConnector::from(config).connect(name, tcp).await.map_err(|source| {
        match source.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(_)) => DialError::Untrusted { address: address.to_owned(), source },
            _ => tcp_error(source),
        }
    })
}

async fn connect(to: SocketAddr) -> std::io::Result<TcpStream> {
    match tokio::time::timeout(CONNECT, TcpStream::connect(to)).await {
        Ok(connected) => connected,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

fn tcp_words(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        ErrorKind::HostUnreachable => "connect: no route to host".to_owned(),
        ErrorKind::NetworkUnreachable => "connect: network is unreachable".to_owned(),
        // Ours, and not the kernel's.
        ErrorKind::TimedOut if error.raw_os_error().is_none() => "i/o timeout".to_owned(),
        ErrorKind::TimedOut => "connect: connection timed out".to_owned(),
        _ => error.to_string(),
    }
}

/// The socket addresses of `host:port`, at least one.
pub async fn resolve(address: &str) -> Result<Vec<SocketAddr>, DialError> {
    let unresolved = || DialError::Resolve { host: address.to_owned() };
    let (host, port) = address.rsplit_once(':').ok_or_else(unresolved)?;
    let port: u16 = port.parse().map_err(|_| unresolved())?;
    let found = host::resolve::addresses(host).await;
    if found.is_empty() { Err(unresolved()) } else { Ok(found.into_iter().map(|ip| (ip, port).into()).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_says_nothing_is_given_up() {
        let listens = tokio::net::TcpSocket::new_v4().expect("a socket");
        listens.bind(([127, 0, 0, 1], 0).into()).expect("bound");
        let listener = listens.listen(0).expect("listens");
        let to = listener.local_addr().expect("bound");
        // Once as many wait as may, the kernel lets nobody in, and says nothing.
        let _waits = std::net::TcpStream::connect(to).expect("the one that may wait");
        let begun = tokio::time::Instant::now();
        let error = connect(to).await.expect_err("nobody answers");
        assert_eq!((tcp_words(&error).as_str(), begun.elapsed()), ("i/o timeout", CONNECT));
    }
}
