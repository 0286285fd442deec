//! The played agent's way to the controller: TLS with the controller's CA alone, one HTTP request, one websocket.

use std::net::Ipv4Addr;
use std::sync::Arc;

use base::Secret;
use rpc::tls::Leaf;
use rpc::websocket::Socket;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
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

/// How an agent reaches its controller.
#[derive(Clone)]
pub struct Way {
    pub addresses: Vec<String>,
    pub tls: Arc<rustls::ClientConfig>,
    /// The address that it comes from; 0.0.0.0: any.
    pub from: Ipv4Addr,
}

impl Way {
    /// With the controller's CA alone, as somebody or as nobody.
    pub fn new(addresses: &[String], ca_cert: &str, identity: Option<&Leaf>) -> Result<Way, Refused> {
        let tls = rpc::tls::client_config(ca_cert, identity).map_err(|e| Refused::Unreachable(e.to_string()))?;
        Ok(Way { addresses: addresses.to_vec(), tls, from: Ipv4Addr::UNSPECIFIED })
    }
}

/// Enrols at the first address that answers.
pub async fn enrol(way: &Way, request: &EnrolRequest) -> Result<EnrolReply, Refused> {
    let mut stream = dial(way).await?;
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

/// Opens the stream, as whoever the way says.
pub async fn stream(way: &Way) -> Result<Socket<TlsStream<TcpStream>>, Refused> {
    let stream = dial(way).await?;
    let socket = rpc::websocket::connect(stream, SERVER_NAME, STREAM_PATH, &[], MAX_MESSAGE).await;
    socket.map_err(|error| Refused::Unreachable(error.to_string()))
}

async fn dial(way: &Way) -> Result<TlsStream<TcpStream>, Refused> {
    let words = |error: &dyn std::fmt::Display| Refused::Unreachable(error.to_string());
    let mut last = Refused::Unreachable("no address".into());
    for address in &way.addresses {
        match reach(address, way.from).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                let name = ServerName::try_from(SERVER_NAME).expect("a valid name");
                let connector = TlsConnector::from(Arc::clone(&way.tls));
                return connector.connect(name, stream).await.map_err(|error| words(&error));
            }
            Err(error) => last = words(&error),
        }
    }
    Err(last)
}

async fn reach(address: &str, from: Ipv4Addr) -> std::io::Result<TcpStream> {
    let address = address.parse().map_err(std::io::Error::other)?;
    let socket = TcpSocket::new_v4()?;
    if !from.is_unspecified() {
        socket.bind((from, 0).into())?;
    }
    socket.connect(address).await
}

/// For tests that want to connect with a certificate of their own.
pub fn identity(certificate_pem: &str, key_pem: &str) -> Leaf {
    Leaf { chain_pem: certificate_pem.to_owned(), key_pem: Secret::new(key_pem) }
}
