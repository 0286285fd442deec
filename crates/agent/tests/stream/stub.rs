//! The controller's end, as little of it as the agent can tell: real TLS, the enrolment's POST, the stream's websocket.
//! The agent beside it is the process that machines run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::Config;
use base::Secret;
use base::chance::SystemChance;
use futures_util::{SinkExt, StreamExt};
use rpc::tls::{AgentIdentity, Authority, LeafStore};
use rpc::websocket::{Message, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use wire::agent::{Document, EnrolRequest, FromAgent, TaskOrder, ToAgent};

pub const MODEL: &str = "11111111-2222-4333-8444-555555555555";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stub {
    pub authority: Arc<Authority>,
    pub address: String,
    connections: mpsc::UnboundedReceiver<Connection>,
    pub enrolments: Arc<Mutex<Enrolments>>,
}

#[derive(Default)]
pub struct Enrolments {
    /// Token to the key it is bound to.
    bound: HashMap<String, Vec<u8>>,
    pub asked: usize,
    pub refused: usize,
    /// So many answers get lost.
    pub lose: usize,
    /// Certificates begin this many seconds ago, and last ten days.
    pub age: i64,
}

pub struct Connection {
    pub who: AgentIdentity,
    socket: Socket<TlsStream<TcpStream>>,
}

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs().cast_signed()
}

impl Stub {
    pub async fn start() -> Self {
        let authority = Authority::create("test", now(), &SystemChance).expect("a CA");
        Self::with(Arc::new(authority)).await
    }

    /// Another controller of the same CA.
    pub async fn with(authority: Arc<Authority>) -> Self {
        Self::at(authority, now()).await
    }

    /// One that takes `now` for the present, in seconds since 1970, when it makes its certificate.
    pub async fn at(authority: Arc<Authority>, now: i64) -> Self {
        let leaf = authority.controller_leaf(now, &SystemChance).expect("a certificate");
        let leaves = LeafStore::new(&leaf, &leaf).expect("certificates");
        let acceptor = TlsAcceptor::from(rpc::tls::server_config(leaves, &authority.cert_pem).expect("TLS"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let (found, connections) = mpsc::unbounded_channel();
        let enrolments = Arc::new(Mutex::new(Enrolments::default()));
        let shared = (Arc::clone(&authority), Arc::clone(&enrolments));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, found, (authority, enrolments)) = (acceptor.clone(), found.clone(), shared.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(tcp).await else { return };
                    if let Some(connection) = attend(stream, &authority, &enrolments).await {
                        let _ = found.send(connection);
                    }
                });
            }
        });
        Self { authority, address, connections, enrolments }
    }

    /// The next connection that the agent makes.
    pub async fn connection(&mut self) -> Connection {
        tokio::time::timeout(PATIENCE, self.connections.recv())
            .await
            .expect("the agent connects")
            .expect("the stub lives")
    }

    /// The next connection, its greeting heard: ids of what runs and of what is finished; a whole document sent.
    pub async fn greeted(&mut self, tasks: Vec<TaskOrder>) -> (Connection, Vec<String>, Vec<String>) {
        let mut connection = self.connection().await;
        let FromAgent::Hello(hello) = connection.hear().await else { panic!("no hello") };
        connection.tell(&ToAgent::Document(Document { full: true, tasks: Some(tasks), ..Document::default() })).await;
        (connection, hello.running, hello.finished)
    }
}

async fn attend(
    mut stream: TlsStream<TcpStream>,
    authority: &Authority,
    enrolments: &Mutex<Enrolments>,
) -> Option<Connection> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("text");
    let field = |name: &str| {
        let line = head.lines().find(|l| l.to_ascii_lowercase().starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    if head.starts_with("POST /grigri/enrol ") {
        let mut body = vec![0; field("content-length").expect("a length").parse().expect("a number")];
        stream.read_exact(&mut body).await.ok()?;
        let (status, body) = enrol(&body, authority, enrolments)?;
        let reply = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(reply.as_bytes()).await.ok()?;
        let _ = stream.shutdown().await;
        return None;
    }
    assert!(head.starts_with("GET /grigri/agent "), "{head}");
    let certificate = stream.get_ref().1.peer_certificates().and_then(|c| c.first().cloned());
    let who = AgentIdentity::from_certificate(&certificate.expect("a certificate")).expect("an agent's");
    let accept = rpc::websocket::derive_accept_key(field("sec-websocket-key").expect("a key").as_bytes());
    let reply = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(reply.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    Some(Connection { who, socket: rpc::websocket::server_end(stream, wire::agent::MAX_MESSAGE).await })
}

/// None: the answer gets lost.
fn enrol(body: &[u8], authority: &Authority, enrolments: &Mutex<Enrolments>) -> Option<(u16, String)> {
    let request: EnrolRequest = serde_json::from_slice(body).expect("a request");
    let (_, pem) = x509_parser::pem::parse_x509_pem(request.csr_pem.as_bytes()).expect("PEM");
    let (_, csr) = x509_parser::prelude::FromDer::from_der(&pem.contents)
        .map(|(rest, csr): (_, x509_parser::certification_request::X509CertificationRequest<'_>)| (rest, csr))
        .expect("a request");
    let key = csr.certification_request_info.subject_pki.raw.to_vec();
    let mut enrolments = enrolments.lock().expect("no panic before");
    enrolments.asked += 1;
    if *enrolments.bound.entry(request.token).or_insert_with(|| key.clone()) != key {
        enrolments.refused += 1;
        return Some((409, r#"{"error":"token belongs to another key"}"#.into()));
    }
    if enrolments.lose > 0 {
        enrolments.lose -= 1;
        return None;
    }
    let who = AgentIdentity {
        model: request.model_uuid.parse().expect("a uuid"),
        machine: request.machine.parse().expect("an id"),
    };
    let certificate =
        authority.sign_agent(&request.csr_pem, &who, now() - enrolments.age, 10, &SystemChance).expect("signed");
    let reply = wire::agent::EnrolReply {
        certificate_pem: certificate,
        ca_cert_pem: authority.cert_pem.clone(),
        controller_uuid: MODEL.into(),
        addresses: Vec::new(),
    };
    Some((200, serde_json::to_string(&reply).expect("plain data")))
}

impl Connection {
    pub async fn tell(&mut self, message: &ToAgent) {
        let text = serde_json::to_string(message).expect("plain data");
        self.socket.send(Message::text(text)).await.expect("the agent is there");
    }

    pub async fn order(&mut self, tasks: Vec<TaskOrder>) {
        self.tell(&ToAgent::Document(Document { tasks: Some(tasks), ..Document::default() })).await;
    }

    pub async fn hear(&mut self) -> FromAgent {
        let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the agent speaks");
        let Some(Ok(Message::Text(text))) = message else { panic!("not a text: {message:?}") };
        serde_json::from_str(&text).expect("a message")
    }

    /// Skips all that the agent says until it has closed the connection.
    pub async fn closed(&mut self) {
        let closed = async { while let Some(Ok(_)) = self.socket.next().await {} };
        tokio::time::timeout(PATIENCE, closed).await.expect("the agent closes it");
    }

    /// Skips to the first message that `wanted` takes.
    pub async fn find<T>(&mut self, mut wanted: impl FnMut(FromAgent) -> Option<T>) -> T {
        loop {
            let message = self.hear().await;
            if let Some(found) = wanted(message) {
                return found;
            }
        }
    }
}

pub struct Agent {
    pub child: tokio::process::Child,
    pub dir: tempfile::TempDir,
}

impl Agent {
    pub fn start(stub: &Stub, token: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::new(
            vec![stub.address.clone()],
            stub.authority.cert_pem.clone(),
            MODEL.into(),
            "0".into(),
            Secret::new(token),
        );
        config.data_dir = dir.path().into();
        // Never a user that the tests' host may have: its keys would be replaced.
        config.login_user = "no-such-user".into();
        config.ssh_server = false;
        config.save(&dir.path().join("agent.conf")).expect("saved");
        Self { child: spawn(dir.path()), dir }
    }

    pub fn config(&self) -> Config {
        Config::load(&self.dir.path().join("agent.conf")).expect("kept")
    }

    /// As if the machine's init found it dead.
    pub async fn kill_and_restart(&mut self) {
        self.child.kill().await.expect("killed");
        self.child = spawn(self.dir.path());
    }
}

fn spawn(dir: &Path) -> tokio::process::Child {
    let test = std::env::current_exe().expect("our own path");
    let program: PathBuf = test.parent().and_then(Path::parent).expect("target directory").join("examples/agentd");
    tokio::process::Command::new(program)
        .args(["machine-agent", "--config"])
        .arg(dir.join("agent.conf"))
        .stderr(if std::env::var_os("GRIGRI_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
        .kill_on_drop(true)
        .spawn()
        .expect("the agent starts")
}
