//! Websockets over any byte stream, with buffers set by hand: the library's defaults cost six times the memory.

use crate::whole::Whole;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

pub use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
pub use tokio_tungstenite::tungstenite::protocol::CloseFrame;
pub use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
pub use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// A websocket over `S`.
pub type Socket<S> = WebSocketStream<Whole<S>>;

/// Buffers of 4 KiB; a message larger than `max_message` bytes ends the connection.
pub fn config(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// The server's end of a stream whose HTTP upgrade has been answered.
pub async fn server_end<S: AsyncRead + AsyncWrite + Unpin>(stream: S, max_message: usize) -> Socket<S> {
    WebSocketStream::from_raw_socket(Whole::new(stream), Role::Server, Some(config(max_message))).await
}

/// Asks for an upgrade on `path` and gives the client's end. `headers` are added to the request.
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    max_message: usize,
) -> Result<Socket<S>, Error> {
    let mut request = Request::builder()
        .uri(format!("wss://{host}{path}"))
        .header("Host", host)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).map_err(Error::HttpFormat)?;
    let (socket, _) =
        tokio_tungstenite::client_async_with_config(request, Whole::new(stream), Some(config(max_message))).await?;
    Ok(socket)
}
