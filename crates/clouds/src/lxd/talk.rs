//! A command in an instance with its three streams open: whoever started it talks with it.
//! It must not know what is said. The surprise: each stream is a websocket of its own, and a command runs only once all of them are there.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::client::Client;
use super::endpoint::Stream;
use super::error::Failed;

const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes on their way at a time, each direction.
const ON_THE_WAY: usize = 64 << 10;
/// Of what the command said on its error stream.
const ERRORS: usize = 64 << 10;

/// A command that runs. Dropped, its streams end, and the command reads the end of its input.
pub struct Talk {
    pub input: DuplexStream,
    pub output: DuplexStream,
    /// What it wrote to its error stream, once it ended it.
    pub errors: JoinHandle<String>,
}

type Socket = WebSocketStream<Box<dyn Stream>>;

/// Starts a command as root; it has no terminal.
pub async fn start(client: &Client, instance: &str, words: &[String]) -> Result<Talk, Failed> {
    let body = json!({
        "command": words, "wait-for-websocket": true, "interactive": false,
        "environment": {"PATH": super::client::PATH, "HOME": "/root"},
    });
    let (id, operation) = client.begin(Method::POST, &["instances", instance, "exec"], &body).await?;
    let secret = |stream: &str| {
        let found = operation.metadata["fds"][stream].as_str().map(str::to_owned);
        found.ok_or_else(|| client.garbled(format!("a command has no stream {stream}")))
    };
    let (input, output, errors) = (secret("0")?, secret("1")?, secret("2")?);
    let input = connect(client, &id, &input).await?;
    let output = connect(client, &id, &output).await?;
    let errors = connect(client, &id, &errors).await?;
    let (ours, theirs) = duplex(ON_THE_WAY);
    tokio::spawn(speak(input, theirs));
    let (heard, told) = duplex(ON_THE_WAY);
    tokio::spawn(listen(output, told));
    Ok(Talk { input: ours, output: heard, errors: tokio::spawn(collect(errors)) })
}

async fn connect(client: &Client, id: &str, secret: &str) -> Result<Socket, Failed> {
    let address = client.websocket(id, secret);
    let opened = async {
        let stream = client.endpoint().connect().await.map_err(|why| client.unreached(why))?;
        let shaken = client_async(address, stream).await;
        shaken.map(|(socket, _)| socket).map_err(|error| client.unreached(base::chain(&error)))
    };
    match tokio::time::timeout(PATIENCE, opened).await {
        Ok(opened) => opened,
        Err(_) => Err(client.unreached(format!("no answer in {} seconds", PATIENCE.as_secs()))),
    }
}

/// What we say, until we end; the server takes an empty text for the end of a stream.
async fn speak(mut socket: Socket, mut ours: DuplexStream) {
    let mut chunk = vec![0; ON_THE_WAY];
    loop {
        tokio::select! {
            read = ours.read(&mut chunk) => match read {
                Ok(length) if length > 0 => {
                    let bytes = Bytes::copy_from_slice(&chunk[..length]);
                    if socket.send(Message::Binary(bytes)).await.is_err() {
                        return;
                    }
                }
                _ => break,
            },
            // Nothing comes this way but the end, and what keeps the connection.
            heard = socket.next() => if !matches!(heard, Some(Ok(_))) {
                return;
            },
        }
    }
    let _ = socket.send(Message::text("")).await;
    let _ = socket.close(None).await;
}

async fn listen(mut socket: Socket, mut told: DuplexStream) {
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(bytes) if told.write_all(&bytes).await.is_ok() => {}
            Message::Binary(_) | Message::Text(_) | Message::Close(_) => break,
            _ => {}
        }
    }
    let _ = socket.close(None).await;
}

async fn collect(mut socket: Socket) -> String {
    let mut all = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(bytes) => all.extend(bytes.iter().take(ERRORS.saturating_sub(all.len()))),
            Message::Text(_) | Message::Close(_) => break,
            _ => {}
        }
    }
    String::from_utf8_lossy(&all).trim().to_owned()
}
