//! Bytes on the API port, behind TLS: HTTP of any shape, and websocket frames of any shape.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::Target;
use crate::rig::{Rig, TOKEN};

/// A connection whose client is gone is over by then.
const SOON: Duration = Duration::from_secs(20);
const CASES: u32 = 1000;

/// What a stranger does once all is written.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// Says that no more comes; what is not answered by then is not answered.
    Ends,
    /// Waits for the answer, after which the server ends it.
    Waits,
}

/// Writes all, and reads to the end.
fn talk(rig: &Rig, input: &[u8], then: Then) -> Vec<u8> {
    let (stream, served) = rig.dial();
    rig.runtime.block_on(async move {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut answer = Vec::new();
        let read = async {
            let _ = reader.read_to_end(&mut answer).await;
        };
        let write = async {
            let _ = writer.write_all(input).await;
            if then == Then::Ends {
                let _ = writer.shutdown().await;
            }
            writer
        };
        let both = async { tokio::join!(read, write) };
        let (_, writer) = tokio::time::timeout(SOON, both).await.expect("the server answers or closes");
        drop(writer);
        tokio::time::timeout(SOON, served).await.expect("the connection ends").expect("without a panic");
        answer
    })
}

fn check(prefix: &'static [u8]) -> impl FnMut(&[u8]) {
    let mut whole = stranger(Then::Ends);
    move |input| drop(whole(&[prefix, input].concat()))
}

/// The input as the body of a request.
pub fn posted(path: &'static str, kind: &'static str) -> impl FnMut(&[u8]) {
    let mut whole = stranger(Then::Waits);
    move |input| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            input.len()
        );
        let answer = whole(&[head.as_bytes(), input].concat());
        assert!(!answer.is_empty(), "{path} is not answered");
    }
}

/// Gives what came.
fn stranger(then: Then) -> impl FnMut(&[u8]) -> Vec<u8> {
    let (mut rig, mut cases) = (None, 0);
    move |bytes| {
        cases += 1;
        if cases % CASES == 0 {
            rig = None;
        }
        let rig = rig.get_or_insert_with(|| {
            let new = Rig::new();
            if then == Then::Waits {
                // A controller's keys for discharges are made when the first is asked for.
                talk(
                    &new,
                    b"POST /auth/discharge HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nid=AA",
                    then,
                );
            }
            new
        });
        let before = rig.state.read().revision();
        let answer = talk(rig, bytes, then);
        assert_eq!(rig.state.read().revision(), before, "a stranger changed something");
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || text.starts_with("HTTP/1."), "no HTTP: {text:?}");
        assert!(!text.starts_with("HTTP/1.1 5"), "{text:?}");
        assert!(!text.contains(TOKEN) && !text.contains("panicked"), "{text:?}");
        answer
    }
}

pub fn port() -> Target {
    Target::new(check(b""))
        .words(&[
            "GET ",
            "POST ",
            "PUT ",
            " HTTP/1.1\r\n",
            " HTTP/1.0\r\n",
            "/api",
            "/model/a0a0a0a0-0000-4000-8000-00000000a0a0/api",
            "/log",
            "/grigri/enrol",
            "/grigri/agent",
            "/health",
            "?backlog=",
            "&level=",
            "%00",
            "%zz",
            "Host: x\r\n",
            "Content-Length: ",
            "Transfer-Encoding: chunked\r\n",
            "Connection: Upgrade\r\n",
            "Upgrade: websocket\r\n",
            "Sec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "Authorization: Basic ",
            "\r\n\r\n",
            "Expect: 100-continue\r\n",
        ])
        .cases(800)
}

const UPGRADE: &[u8] =
    b"GET /api HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub fn websocket() -> Target {
    Target::new(check(UPGRADE))
        .words(&[
            "\x01\0",
            "\0\0\0\0",
            "\x7e\x7f",
            "{\"request-id\":1,\"type\":\"Admin\",\"version\":3,\"request\":\"Login\",\"params\":{}}",
        ])
        .cases(600)
}
