//! The controller's side of a recording, on a TLS listener of its own.
//!
//! It answers a request with what the recording has for it: same path, facade and method, and the same parameters if
//! there are such; several answers come in their order, the last one for ever. The surprise: Login, RedirectInfo and
//! Pinger are not in the recordings and are made up here.

mod answers;
mod http;
mod login;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::Recording;
use answers::{Answer, Answers};

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot use the certificate")]
    Tls(#[from] rustls::Error),
}

/// CA and server key, made once for all cases.
pub struct Identity {
    pub ca_pem: String,
    acceptor: TlsAcceptor,
}

impl Identity {
    pub fn make() -> Result<Self, IdentityError> {
        let ca_key = rcgen::KeyPair::generate()?;
        let mut ca = rcgen::CertificateParams::new(Vec::new())?;
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        ca.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        ca.distinguished_name.push(rcgen::DnType::CommonName, "juju-generated CA for model");
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate()?;
        let names = ["juju-apiserver", "juju", "localhost", "anything", "127.0.0.1", "127.0.0.2"];
        let mut server = rcgen::CertificateParams::new(names.map(String::from).to_vec())?;
        server.use_authority_key_identifier_extension = true;
        server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = server.signed_by(&key, &issuer)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        Ok(Identity { ca_pem, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// A listener playing one recording; it ends when dropped.
pub struct Server {
    pub port: u16,
    shared: Arc<Shared>,
    tasks: tokio::task::JoinSet<()>,
}

struct Shared {
    recording: Recording,
    answers: Mutex<Answers>,
    findings: Mutex<Vec<String>>,
    asked: Mutex<http::Asked>,
    ca_pem: String,
    port: u16,
}

impl Shared {
    fn find(&self, text: String) {
        if let Ok(mut findings) = self.findings.lock() {
            findings.push(text);
        }
    }
}

impl Server {
    /// `port`: one that the recording has written down where it cannot be replaced; 0 for any.
    pub async fn start(recording: &Recording, identity: &Identity, port: u16) -> std::io::Result<Self> {
        let first = bind(port).await?;
        let port = first.local_addr()?.port();
        // Recordings with two controllers have the second on the next loopback address.
        let second = TcpListener::bind(SocketAddr::from(([127, 0, 0, 2], port))).await.ok();
        let shared = Arc::new(Shared {
            answers: Mutex::new(Answers::new(recording)),
            recording: recording.clone(),
            findings: Mutex::default(),
            asked: Mutex::default(),
            ca_pem: identity.ca_pem.clone(),
            port,
        });
        let mut tasks = tokio::task::JoinSet::new();
        for listener in std::iter::once(first).chain(second) {
            let (shared, acceptor) = (shared.clone(), identity.acceptor.clone());
            tasks.spawn(async move {
                let mut connections = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let (shared, acceptor) = (shared.clone(), acceptor.clone());
                    connections.spawn(async move {
                        // A client that goes away in the middle is its own business.
                        let _ = connection(stream, &acceptor, &shared).await;
                    });
                }
            });
        }
        Ok(Server { port, shared, tasks })
    }

    /// What the recording had no answer for.
    pub fn findings(&self) -> Vec<String> {
        self.shared.findings.lock().map(|f| f.clone()).unwrap_or_default()
    }

    pub fn stop(mut self) {
        self.tasks.abort_all();
    }
}

/// The one that had the port before may still be at its end.
async fn bind(port: u16) -> std::io::Result<TcpListener> {
    const TRIES: usize = 100;
    let mut last = None;
    for _ in 0..TRIES {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if port != 0 && error.kind() == std::io::ErrorKind::AddrInUse => last = Some(error),
            other => return other,
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
}

type Socket = WebSocketStream<BufReader<tokio_rustls::server::TlsStream<TcpStream>>>;
type Broken = Box<dyn std::error::Error + Send + Sync>;

async fn connection(stream: TcpStream, acceptor: &TlsAcceptor, shared: &Arc<Shared>) -> Result<(), Broken> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    if stream.fill_buf().await?.starts_with(b"POST ") {
        return http::serve(&mut stream, shared).await;
    }
    let mut path = String::new();
    // The signature is the library's.
    #[allow(clippy::result_large_err)]
    let socket = tokio_tungstenite::accept_hdr_async(stream, |request: &Request, response: Response| {
        path = request.uri().to_string();
        Ok(response)
    })
    .await?;
    if path.contains("/log") { log(socket, &path, shared).await } else { rpc(socket, &path, shared).await }
}

async fn log(mut socket: Socket, path: &str, shared: &Shared) -> Result<(), Broken> {
    let streams = &shared.recording.streams;
    let found = streams.iter().find(|s| same_query(&s.path, path));
    if found.is_none() {
        shared.find(format!("no recorded log stream for {path}"));
    }
    for message in found.or(streams.first()).map(|s| s.messages.as_slice()).unwrap_or_default() {
        socket.send(Message::text(format!("{message}\n"))).await?;
    }
    socket.close(None).await?;
    while socket.next().await.is_some() {}
    Ok(())
}

/// Same path and same query keys, in any order.
fn same_query(a: &str, b: &str) -> bool {
    let parts = |s: &str| {
        let (path, query) = s.split_once('?').unwrap_or((s, ""));
        let mut query: Vec<String> = query.split('&').map(str::to_owned).collect();
        query.sort();
        (path.to_owned(), query)
    };
    parts(a) == parts(b)
}

async fn rpc(socket: Socket, path: &str, shared: &Arc<Shared>) -> Result<(), Broken> {
    let (mut sink, mut source) = socket.split();
    let mut waiting: Vec<(String, Value)> = Vec::new();
    while let Some(message) = source.next().await {
        let text = match message? {
            Message::Text(text) => text.to_string(),
            Message::Close(_) => break,
            _ => continue,
        };
        let request: Value = serde_json::from_str(&text)?;
        for (id, reply) in replies(path, &request, shared, &mut waiting) {
            let mut frame = json!({"request-id": id});
            if let (Value::Object(frame), Value::Object(reply)) = (&mut frame, reply) {
                frame.extend(reply.into_iter().filter(|(key, _)| key != "request-id"));
            }
            sink.send(Message::text(frame.to_string())).await?;
        }
    }
    Ok(())
}

fn replies(path: &str, request: &Value, shared: &Shared, waiting: &mut Vec<(String, Value)>) -> Vec<(Value, Value)> {
    let (id, facade, method) = (request["request-id"].clone(), text(request, "type"), text(request, "request"));
    match (facade, method) {
        ("Admin", "Login") => return vec![(id, login::answer(path, request, &shared.recording, shared.port))],
        ("Admin", _) => return vec![(id, login::redirect(&shared.recording))],
        ("Pinger", _) => return vec![(id, json!({"response": {}}))],
        _ => {}
    }
    let Ok(mut answers) = shared.answers.lock() else { return Vec::new() };
    match answers.take(path, request) {
        Answer::Reply(reply) => {
            let mut replies = vec![(id, reply)];
            if method == "Stop" {
                let watcher = text(request, "id");
                waiting.retain(|(of, waiter)| {
                    let stopped = of == watcher;
                    if stopped {
                        let error = json!({"error": "watcher was stopped", "error-code": "stopped", "response": {}});
                        replies.insert(0, (waiter.clone(), error));
                    }
                    !stopped
                });
            }
            replies
        }
        Answer::Never => {
            waiting.push((text(request, "id").to_owned(), id));
            Vec::new()
        }
        Answer::None => {
            let params = &request["params"];
            shared.find(format!("no recorded answer for {facade}.{method} {params} on {path}"));
            if method == "Stop" {
                return vec![(id, json!({"response": {}}))];
            }
            let error = format!("no such request - method {facade}.{method} is not recorded");
            vec![(id, json!({"error": error, "error-code": "not implemented", "response": {}}))]
        }
    }
}

fn text<'a>(request: &'a Value, key: &str) -> &'a str {
    request[key].as_str().unwrap_or_default()
}
