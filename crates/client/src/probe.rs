//! What a host shows that this client knows nothing of yet: the address that answers, and the authority of its certificate.
//! It trusts nobody: whether that authority is the controller's is for the user to say. The surprise: nothing is said over the connection.

use crate::dial::{self, DialError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const STAGGER: Duration = Duration::from_millis(50);
/// Of a line in PEM.
const COLUMNS: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The address that answered, `host:port`.
    pub address: String,
    /// PEM; empty when the host shows no authority of its own.
    pub ca_pem: String,
}

/// Why nothing was shown.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("cannot set up TLS")]
    Tls(#[source] rpc::tls::TlsError),
    #[error("{0:?} cannot be resolved: no such host")]
    NoSuchHost(String),
    /// What came of each address.
    #[error("{}", .0.join("; "))]
    Unreachable(Vec<String>),
}

/// The first of a host's addresses, `host:port`, that speaks TLS; the earlier ones have a head start.
pub async fn probe(host: &str, addresses: &[String]) -> Result<Shown, ProbeError> {
    let config = rpc::tls::unverified_config().map_err(ProbeError::Tls)?;
    let mut tries = JoinSet::new();
    for (number, address) in addresses.iter().cloned().enumerate() {
        let config = config.clone();
        tries.spawn(async move {
            tokio::time::sleep(STAGGER * u32::try_from(number).unwrap_or(u32::MAX)).await;
            one(address, config).await
        });
    }
    let mut failed = Vec::new();
    while let Some(tried) = tries.join_next().await {
        match tried {
            Ok(Ok(shown)) => return Ok(shown),
            Ok(Err(DialError::Resolve { .. })) => return Err(ProbeError::NoSuchHost(host.to_owned())),
            Ok(Err(DialError::Tcp { address, source, .. })) if is_no_tls(&source) => {
                failed.push(format!("{address} answers, but not as a controller does: it speaks no TLS"));
            }
            Ok(Err(error)) => failed.push(error.to_string()),
            Err(_) => {}
        }
    }
    Err(ProbeError::Unreachable(failed))
}

async fn one(address: String, config: Arc<ClientConfig>) -> Result<Shown, DialError> {
    let stream = dial::secure(&address, config).await?;
    let (_, session) = stream.get_ref();
    let authority = session.peer_certificates().and_then(rpc::tls::authority_of);
    Ok(Shown { address, ca_pem: authority.as_deref().map(pem).unwrap_or_default() })
}

fn pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines = body.as_bytes().chunks(COLUMNS).map(|line| String::from_utf8_lossy(line).into_owned());
    let lines: Vec<String> = lines.collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn is_no_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
        || error.kind() == std::io::ErrorKind::UnexpectedEof
}
