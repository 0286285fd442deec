//! A TLS connection to the controller, at whichever of its addresses answers.
//! It must not know what is said over it. The surprise: one address after the other, not all at once as a client does:
//! thousands of agents that come back together must not double the controller's handshakes.

use std::sync::Arc;
use std::time::Duration;

use client::dial::{DialError, secure};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// One address may take this long.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("{0} does not answer")]
    Silent(String),
}

/// The first connection that succeeds, with the place of its address in the list. They are tried from `first` on.
pub async fn dial(
    addresses: &[String],
    first: usize,
    tls: &Arc<ClientConfig>,
) -> Result<(TlsStream<TcpStream>, usize), Error> {
    let mut last = DialError::NoAddress.into();
    for n in 0..addresses.len() {
        let index = (first + n) % addresses.len();
        match tokio::time::timeout(PATIENCE, secure(&addresses[index], Arc::clone(tls))).await {
            Ok(Ok(stream)) => return Ok((stream, index)),
            Ok(Err(error)) => last = error.into(),
            Err(_) => last = Error::Silent(addresses[index].clone()),
        }
    }
    Err(last)
}
