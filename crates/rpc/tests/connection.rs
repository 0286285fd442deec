//! Both ends over real TLS on loopback: calls at once, errors, agents' certificates, strangers.

use base::chance::SystemChance;
use rpc::tls::{AgentIdentity, Authority, Leaf, LeafStore, client_config, server_config};
use rpc::{CallError, Caller, Handler, Limits, websocket};
use serde_json::json;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};
use wire::envelope::Request;

/// What is to come has come by then.
const SOON: std::time::Duration = std::time::Duration::from_secs(20);

struct Echo;

impl Handler for Echo {
    fn call(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Result<String, wire::Error>> + Send>> {
        Box::pin(async move {
            match request.method.as_str() {
                "Echo" => Ok(request.params.to_string()),
                "Wait" => std::future::pending().await,
                "Panic" => panic!("as asked"),
                other => Err(wire::Error::new(format!("no {other}"), wire::code::NOT_IMPLEMENTED)),
            }
        })
    }
}

fn now() -> i64 {
    use base::clock::{Clock, SystemClock};
    SystemClock.now().unix()
}

fn authority() -> (Authority, Arc<rustls::ServerConfig>) {
    let ca = Authority::create("test-ca", now(), &SystemChance).expect("CA");
    let named = ca.controller_leaf(now(), &SystemChance).expect("leaf");
    let address = ca.address_leaf(vec![], vec!["127.0.0.1".parse().expect("ip")], now(), &SystemChance).expect("leaf");
    let leaves = LeafStore::new(&named, &address).expect("leaves");
    let config = server_config(leaves, &ca.cert_pem).expect("server config");
    (ca, config)
}

async fn upgrade(stream: &mut tokio_rustls::server::TlsStream<TcpStream>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("head"));
    }
    let head = String::from_utf8(head).expect("text");
    let key =
        head.lines().find_map(|l| l.strip_prefix("sec-websocket-key: ").or(l.strip_prefix("Sec-WebSocket-Key: ")));
    let accept = websocket::derive_accept_key(key.expect("key").as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.expect("answer");
}

async fn dial(
    port: u16,
    config: Arc<rustls::ClientConfig>,
    name: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    TlsConnector::from(config).connect(name.try_into().expect("name"), tcp).await
}

#[tokio::test]
async fn calls_run_at_once_and_errors_keep_the_connection() {
    let (ca, config) = authority();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("address").port();
    let (_close, closing) = watch::channel(false);
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.expect("accept");
        let mut tls = TlsAcceptor::from(config).accept(tcp).await.expect("tls");
        upgrade(&mut tls).await;
        let socket = websocket::server_end(tls, 1 << 20).await;
        rpc::serve(socket, Arc::new(Echo), Limits::default(), closing).await
    });
    let tls = dial(port, client_config(&ca.cert_pem, None).expect("config"), "juju-apiserver").await.expect("tls");
    let socket = websocket::connect(tls, "127.0.0.1", "/api", &[], 1 << 20).await.expect("websocket");
    let caller = Caller::start(socket);
    let blocked = caller.clone();
    let waiting = tokio::spawn(async move { blocked.call("X", 1, "", "Wait", json!({})).await });
    for n in 0..100 {
        let answer = caller.call("X", 1, "", "Echo", json!({ "n": n })).await.expect("answer");
        assert_eq!(answer, json!({ "n": n }));
    }
    let refused = caller.call("X", 1, "", "Nope", json!({})).await.expect_err("refused");
    assert_eq!((refused.code(), refused.to_string().as_str()), ("not implemented", "no Nope"));
    let panicked = caller.call("X", 1, "", "Panic", json!({})).await.expect_err("refused");
    assert!(panicked.to_string().starts_with("internal error in X.Panic, quote incident "), "{panicked}");
    assert!(caller.call("X", 1, "", "Echo", json!({})).await.is_ok());
    waiting.abort();
    let _ = waiting.await;
    drop(caller);
    assert_eq!(server.await.expect("ends"), rpc::server::Ended::ByPeer);
}

/// A text in frames of 16 KiB.
fn in_pieces(text: &str) -> Vec<websocket::Message> {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(1 << 14).collect();
    let frame = |(at, piece): (usize, &&[u8])| {
        let of = if at == 0 { Data::Text } else { Data::Continue };
        websocket::Message::Frame(Frame::message(piece.to_vec(), OpCode::Data(of), at + 1 == pieces.len()))
    };
    pieces.iter().enumerate().map(frame).collect()
}

#[tokio::test]
async fn garbage_and_giants_close_the_connection() {
    // But for its size it would be answered.
    let params = json!("x".repeat(1 << 16));
    let giant = Request { request_id: 1, facade: "X".into(), method: "Echo".into(), params, ..Request::default() };
    let giant = giant.to_text();
    let whole = |text: &str| vec![websocket::Message::text(text)];
    for (what, messages) in [("garbage", whole("nope")), ("a giant", whole(&giant)), ("in pieces", in_pieces(&giant))] {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (_close, closing) = watch::channel(false);
        let server = tokio::spawn(async move {
            let socket = websocket::server_end(theirs, 1 << 15).await;
            rpc::serve(socket, Arc::new(Echo), Limits::default(), closing).await
        });
        let config = Some(websocket::config(1 << 20));
        let role = tokio_tungstenite::tungstenite::protocol::Role::Client;
        let mut socket = tokio_tungstenite::WebSocketStream::from_raw_socket(ours, role, config).await;
        use futures_util::{SinkExt, StreamExt};
        for message in messages {
            socket.send(message).await.expect("send");
        }
        let answer = tokio::time::timeout(SOON, socket.next()).await.unwrap_or_else(|_| panic!("{what} is borne"));
        let answer = answer.expect("a close frame").expect("a message");
        let websocket::Message::Close(Some(frame)) = answer else { panic!("{what} is answered") };
        assert_eq!(u16::from(frame.code), 1000, "{what}");
        assert_eq!(server.await.expect("ends"), rpc::server::Ended::Malformed, "{what}");
    }
}

#[tokio::test]
async fn agents_are_known_by_certificate_and_strangers_are_refused() {
    let (ca, config) = authority();
    let stranger_ca = Authority::create("other", now(), &SystemChance).expect("CA");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("address").port();
    let identity = AgentIdentity {
        model: "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("uuid"),
        machine: "0/lxd/1".parse().expect("id"),
    };
    let leaf = |ca: &Authority| {
        let key = rcgen::KeyPair::generate().expect("key");
        let csr = rcgen::CertificateParams::default().serialize_request(&key).expect("csr").pem().expect("pem");
        let cert = ca.sign_agent(&csr, &identity, now(), 30, &SystemChance).expect("certificate");
        Leaf { chain_pem: cert, key_pem: base::Secret::new(key.serialize_pem()) }
    };
    let accept = || async {
        let (tcp, _) = listener.accept().await.expect("accept");
        let tls = TlsAcceptor::from(config.clone()).accept(tcp).await.ok()?;
        let certs = tls.get_ref().1.peer_certificates()?.to_vec();
        AgentIdentity::from_certificate(certs.first()?)
    };
    let good = client_config(&ca.cert_pem, Some(&leaf(&ca))).expect("config");
    let (seen, _) = tokio::join!(accept(), dial(port, good, "juju-apiserver"));
    assert_eq!(seen, Some(identity.clone()));
    let stranger = client_config(&ca.cert_pem, Some(&leaf(&stranger_ca))).expect("config");
    let (seen, _) = tokio::join!(accept(), dial(port, stranger, "juju-apiserver"));
    assert_eq!(seen, None);
    let untrusting = client_config(&stranger_ca.cert_pem, None).expect("config");
    let (_, dialled) = tokio::join!(accept(), dial(port, untrusting, "juju-apiserver"));
    assert!(dialled.is_err());
    let by_address = client_config(&ca.cert_pem, None).expect("config");
    let (_, dialled) = tokio::join!(accept(), dial(port, by_address, "127.0.0.1"));
    assert!(dialled.is_ok());
}

#[test]
fn call_errors_do_not_repeat_their_source() {
    let source = serde_json::from_str::<u8>("x").expect_err("no number");
    let error = CallError::Shape { call: "A.B".into(), source };
    assert_eq!(error.to_string(), "unexpected answer to A.B");
}

/// Answers `Big` with so many bytes and counts how often; `Wait` never.
struct Large {
    bytes: usize,
    begun: std::sync::atomic::AtomicUsize,
}

impl Handler for Large {
    fn call(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Result<String, wire::Error>> + Send>> {
        Box::pin(async move {
            self.begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            match request.method.as_str() {
                "Big" => Ok(format!("\"{}\"", "x".repeat(self.bytes))),
                _ => std::future::pending().await,
            }
        })
    }
}

/// A server over a pipe, without TLS; what it ends with, and the client's end.
async fn piped(limits: Limits, handler: Arc<Large>) -> (tokio::task::JoinHandle<rpc::Ended>, Pipe) {
    let (here, there) = tokio::io::duplex(1024);
    let (close, closing) = watch::channel(false);
    let server = tokio::spawn(async move {
        let _close = close;
        rpc::serve(websocket::server_end(there, 1 << 20).await, handler, limits, closing).await
    });
    let config = Some(websocket::config(1 << 20));
    let client = tokio_tungstenite::WebSocketStream::from_raw_socket(
        here,
        tokio_tungstenite::tungstenite::protocol::Role::Client,
        config,
    );
    (server, client.await)
}

type Pipe = tokio_tungstenite::WebSocketStream<tokio::io::DuplexStream>;

async fn send(client: &mut Pipe, method: &str, count: u64) {
    use futures_util::SinkExt;
    for request_id in 1..=count {
        let (facade, method) = ("X".into(), method.into());
        let request = Request { request_id, facade, method, params: json!({}), ..Request::default() };
        // A server that reads no more must not hold this up for ever.
        let sent = client.send(websocket::Message::text(request.to_text()));
        if !matches!(tokio::time::timeout(std::time::Duration::from_secs(1), sent).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Waits until the server has done all it can: the paused clock goes on only when nobody has anything to do.
async fn settled() {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_not_read_hold_little_and_not_for_long() {
    let handler = Arc::new(Large { bytes: 100_000, begun: 0.into() });
    let limits = Limits { owed: 2_000_000, in_flight: 8, ..Limits::default() };
    let (server, mut client) = piped(limits, handler.clone()).await;
    send(&mut client, "Big", 1000).await;
    let ended = tokio::time::timeout(limits.write * 3, server).await.expect("it ends").expect("ran");
    assert_eq!(ended, rpc::Ended::SlowReader);
    let begun = handler.begun.load(std::sync::atomic::Ordering::Relaxed);
    assert!((5..20).contains(&begun), "{begun} calls were begun for one who reads nothing");
}

#[tokio::test(start_paused = true)]
async fn who_goes_while_all_calls_wait_is_missed() {
    let handler = Arc::new(Large { bytes: 0, begun: 0.into() });
    let (server, mut client) = piped(Limits { in_flight: 3, ..Limits::default() }, handler.clone()).await;
    send(&mut client, "Wait", 5).await;
    settled().await;
    assert_eq!(handler.begun.load(std::sync::atomic::Ordering::Relaxed), 3);
    drop(client);
    let minutes = std::time::Duration::from_secs(300);
    tokio::time::timeout(minutes, server).await.expect("the connection is let go").expect("ran");
}

#[tokio::test(start_paused = true)]
async fn large_calls_wait_for_each_other() {
    let handler = Arc::new(Large { bytes: 0, begun: 0.into() });
    let (_server, mut client) = piped(Limits { in_flight_bytes: 150, ..Limits::default() }, handler.clone()).await;
    send(&mut client, "Wait", 10).await;
    settled().await;
    assert_eq!(handler.begun.load(std::sync::atomic::Ordering::Relaxed), 2, "of some 70 bytes each");
}
