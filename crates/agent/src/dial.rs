//! A TLS connection to the controller, at whichever of its addresses answers.
//! It must not know what is said over it. The surprise: the name in the certificate is always the same, the address never matters.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// One address may take this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first connection that succeeds, with the address it leads to. They are tried from `first` on.
pub async fn dial(
    addresses: &[String],
    first: usize,
    tls: &Arc<ClientConfig>,
) -> io::Result<(TlsStream<TcpStream>, usize)> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no controller address");
    for n in 0..addresses.len() {
        let index = (first + n) % addresses.len();
        match tokio::time::timeout(PATIENCE, one(&addresses[index], tls)).await {
            Ok(Ok(stream)) => return Ok((stream, index)),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn one(address: &str, tls: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let tcp = connect(address).await?;
    let _ = tcp.set_nodelay(true);
    crate::keepalive::set(&tcp);
    let name = ServerName::try_from(wire::agent::SERVER_NAME).map_err(io::Error::other)?;
    TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await
}

async fn connect(address: &str) -> io::Result<TcpStream> {
    if let Ok(address) = address.parse::<SocketAddr>() {
        return TcpStream::connect(address).await;
    }
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("{address:?} is no host and port"));
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    let port: u16 = port.parse().map_err(|_| bad())?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("no address for {host:?}"));
    for ip in crate::resolve::addresses(host).await {
        match TcpStream::connect((ip, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
