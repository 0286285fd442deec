//! Commands in instances of the server in the test: nothing runs, and yet two are answered as real ones would be. A shell's script says what the
//! test wants it to say; a relay leads to another server of this kind, which then is the one inside the instance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::server::{Server, Shared};
use super::state::Answer;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A command that waits for its streams.
pub struct Exec {
    instance: String,
    words: Vec<String>,
    sockets: BTreeMap<String, Socket>,
}

/// Begins one.
pub fn begin(shared: &mut Shared, instance: &str, asked: &Value) -> Answer {
    let words =
        asked["command"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let answer = shared.state.operation(103, "");
    let id = format!("op-{}", shared.state.made);
    shared.execs.insert(id.clone(), Exec { instance: instance.to_owned(), words, sockets: BTreeMap::new() });
    match answer {
        Answer::Json(status, mut value) => {
            value["metadata"] = json!({"status_code": 103, "metadata": {"fds": {"0": "in", "1": "out", "2": "err"}}});
            Answer::Json(status, value)
        }
        other => other,
    }
}

/// One of its streams is asked for.
pub fn upgrade(
    request: Request<Incoming>,
    id: String,
    secret: String,
    shared: Arc<Mutex<Shared>>,
) -> Response<Full<bytes::Bytes>> {
    let key =
        request.headers().get("Sec-WebSocket-Key").map(|key| derive_accept_key(key.as_bytes())).unwrap_or_default();
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        let whole = {
            let mut shared = shared.lock().expect("no panic");
            let Some(exec) = shared.execs.get_mut(&id) else { return };
            exec.sockets.insert(secret, socket);
            if exec.sockets.len() < 3 { None } else { shared.execs.remove(&id) }
        };
        if let Some(exec) = whole {
            run(exec, &shared).await;
        }
    });
    Response::builder()
        .status(101)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Accept", key)
        .body(Full::default())
        .expect("a response")
}

async fn run(mut exec: Exec, shared: &Mutex<Shared>) {
    let mut take = |name: &str| exec.sockets.remove(name).expect("three of them");
    let (input, mut output, mut errors) = (take("in"), take("out"), take("err"));
    if exec.words.first().is_some_and(|word| word == "/bin/sh") {
        let lines = {
            let mut shared = shared.lock().expect("no panic");
            let lines = shared.installs.clone();
            if lines.iter().any(|line| line.starts_with("at ")) && !shared.inner.contains_key(&exec.instance) {
                let inner = Server::start("lxd");
                inner.lock().state.within();
                shared.inner.insert(exec.instance.clone(), inner);
            }
            lines
        };
        for line in lines {
            let _ = output.send(Message::Binary(format!("{line}\n").into())).await;
        }
    } else {
        let socket = {
            let shared = shared.lock().expect("no panic");
            let runs = shared.state.instances.get(&exec.instance).is_some_and(|one| one.status == "Running");
            shared.inner.get(&exec.instance).filter(|_| runs).map(|inner| inner.socket.clone())
        };
        match socket {
            Some(socket) => relay(socket, input, &mut output).await,
            None => drop(errors.send(Message::Binary("no such socket".into())).await),
        }
    }
    for mut socket in [output, errors] {
        let _ = socket.send(Message::text("")).await;
        let _ = socket.close(None).await;
    }
}

async fn relay(socket: std::path::PathBuf, mut input: Socket, output: &mut Socket) {
    let Ok(stream) = UnixStream::connect(socket).await else { return };
    let (mut from, mut to) = stream.into_split();
    tokio::spawn(async move {
        while let Some(Ok(Message::Binary(bytes))) = input.next().await {
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut chunk = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut chunk).await {
        if length == 0 || output.send(Message::Binary(bytes::Bytes::copy_from_slice(&chunk[..length]))).await.is_err() {
            return;
        }
    }
}
