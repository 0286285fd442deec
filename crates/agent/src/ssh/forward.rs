//! Where a client's forwarded connection goes: an address and port as seen from this machine.
//! It must not know who asks.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(15);

/// Connects to the first of the name's addresses that answers.
pub async fn connect(host: &str, port: u32) -> Option<TcpStream> {
    let port = u16::try_from(port).ok()?;
    for ip in host::resolve::addresses(host).await {
        if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, TcpStream::connect(SocketAddr::new(ip, port))).await {
            let _ = stream.set_nodelay(true);
            return Some(stream);
        }
    }
    None
}
