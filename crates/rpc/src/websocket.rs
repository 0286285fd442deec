//! Websockets over any byte stream, with buffers set by hand: the library's defaults cost six times the memory.

use crate::whole::Whole;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

pub use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
pub use tokio_tungstenite::tungstenite::protocol::CloseFrame;
pub use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
pub use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

/// Bytes of one frame of a long text; a TLS record has as many.
const PART: usize = 16 * 1024;

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

/// A text as it is sent: a long one in several frames. The library keeps room for the largest frame that it ever sent, on each connection, as long as
/// that is open; an answer of megabytes must not cost them for a day.
pub fn frames(text: Utf8Bytes) -> impl Iterator<Item = Message> {
    let bytes = Bytes::from(text);
    let count = bytes.len().div_ceil(PART).max(1);
    (0..count).map(move |number| {
        let part = bytes.slice(number * PART..bytes.len().min((number + 1) * PART));
        let kind = if number == 0 { Data::Text } else { Data::Continue };
        Message::Frame(Frame::message(part, OpCode::Data(kind), number + 1 == count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{SinkExt, StreamExt};

    #[tokio::test]
    async fn a_long_text_goes_in_parts_and_comes_whole() {
        for (letters, parts) in [(0, 1), (PART / 2, 1), (PART / 2 + 1, 2), (500_000, 62)] {
            // All but the first of two bytes: a part may end in the midst of one.
            let text: String = std::iter::once('x').chain(std::iter::repeat('ü')).take(letters).collect();
            let (near, far) = tokio::io::duplex(1_000);
            let mut server =
                WebSocketStream::from_raw_socket(Whole::new(near), Role::Server, Some(config(1 << 21))).await;
            let mut client = WebSocketStream::from_raw_socket(far, Role::Client, Some(config(1 << 21))).await;
            let all: Vec<Message> = frames(text.clone().into()).collect();
            assert_eq!(all.len(), parts, "{letters}");
            let longest = all.iter().map(Message::len).max().unwrap_or_default();
            assert!(longest <= PART + 14, "{longest}");
            let sent = async {
                for frame in all {
                    server.feed(frame).await.expect("taken");
                }
                server.flush().await.expect("sent");
            };
            let ((), got) = tokio::join!(sent, client.next());
            assert_eq!(got.expect("a message").expect("whole"), Message::text(text));
        }
    }
}
