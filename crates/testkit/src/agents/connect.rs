//! The played agent's way to the controller: TLS with the controller's CA alone, one HTTP request, one websocket.

use base::Secret;
use rpc::tls::Leaf;
use rpc::websocket::Socket;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::agent::{ENROL_PATH, EnrolReply, EnrolRequest, MAX_MESSAGE, SERVER_NAME, STREAM_PATH};

use super::Config;

/// Why a controller was not reached, or what it said.
#[derive(Debug)]
pub enum Refused {
    Unreachable(String),
    Answered(u16, String),
}

/// A new private key, PEM.
pub fn key_pair() -> String {
    rcgen::KeyPair::generate().expect("ring makes keys").serialize_pem()
}

/// Asks for a certificate for a key.
pub fn request(config: &Config, key_pem: &str) -> EnrolRequest {
    let key = rcgen::KeyPair::from_pem(key_pem).expect("a key that we made");
    let params = rcgen::CertificateParams::new(Vec::new()).expect("no names, no error");
    let csr = params.serialize_request(&key).expect("ring signs");
    EnrolRequest {
        model_uuid: config.model.clone(),
        machine: config.machine.clone(),
        token: config.token.reveal().to_owned(),
        csr_pem: csr.pem().expect("PEM of what was just made"),
        agent_version: "3.6.100".into(),
    }
}

/// Enrols at the first address that answers.
pub async fn enrol(addresses: &[String], ca_cert: &str, request: &EnrolRequest) -> Result<EnrolReply, Refused> {
    let mut stream = dial(addresses, ca_cert, None).await?;
    let broken = |error: std::io::Error| Refused::Unreachable(error.to_string());
    let body = serde_json::to_string(request).expect("plain data");
    let head = format!(
        "POST {ENROL_PATH} HTTP/1.1\r\nHost: {SERVER_NAME}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.map_err(broken)?;
    stream.write_all(body.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::new();
    // A server that closes without TLS's farewell has said all it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| Refused::Unreachable("no answer".into()))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    match status {
        200 => serde_json::from_str(body).map_err(|error| Refused::Unreachable(error.to_string())),
        _ => Err(Refused::Answered(status, body.to_owned())),
    }
}

/// Opens the stream with a client certificate.
pub async fn stream(
    addresses: &[String],
    ca_cert: &str,
    identity: &Leaf,
) -> Result<Socket<TlsStream<TcpStream>>, Refused> {
    let stream = dial(addresses, ca_cert, Some(identity)).await?;
    let socket = rpc::websocket::connect(stream, SERVER_NAME, STREAM_PATH, &[], MAX_MESSAGE).await;
    socket.map_err(|error| Refused::Unreachable(error.to_string()))
}

async fn dial(addresses: &[String], ca_cert: &str, identity: Option<&Leaf>) -> Result<TlsStream<TcpStream>, Refused> {
    let words = |error: &dyn std::fmt::Display| Refused::Unreachable(error.to_string());
    let config = rpc::tls::client_config(ca_cert, identity).map_err(|error| words(&error))?;
    let mut last = Refused::Unreachable("no address".into());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                let name = ServerName::try_from(SERVER_NAME).expect("a valid name");
                return TlsConnector::from(config).connect(name, stream).await.map_err(|error| words(&error));
            }
            Err(error) => last = words(&error),
        }
    }
    Err(last)
}

/// For tests that want to connect with a certificate of their own.
pub fn identity(certificate_pem: &str, key_pem: &str) -> Leaf {
    Leaf { chain_pem: certificate_pem.to_owned(), key_pem: Secret::new(key_pem) }
}
