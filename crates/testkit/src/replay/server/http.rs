//! What a recording says over plain HTTP: discharges of macaroons, and a registration.
//!
//! Answers come by path and in their order, the last one for ever. The surprise: a registration's answer brings the recorded controller's
//! certificate under the token's key; it is sealed anew with ours, the key is in every token of the recordings.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wire::secretbox::{self, KEY, NONCE};

use super::{Broken, Shared};
use crate::replay::recording::Posted;

/// How often each path was asked.
pub(super) type Asked = BTreeMap<String, usize>;

/// Serves one request; `stream` stands before its first byte.
pub(super) async fn serve<S>(stream: &mut S, shared: &Shared) -> Result<(), Broken>
where
    S: AsyncBufRead + AsyncWrite + Unpin,
{
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let path = line.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let recorded: Vec<&Posted> = shared.recording.posted.iter().filter(|posted| posted.path == path).collect();
    let nth = shared.asked.lock().map(|mut asked| {
        let count = asked.entry(path.clone()).or_default();
        *count += 1;
        *count - 1
    });
    let Some(posted) = recorded.get(nth.unwrap_or(0)).or(recorded.last()) else {
        shared.find(format!("no recorded answer for POST {path}"));
        stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
        return Ok(stream.flush().await?);
    };
    let answer = match path.as_str() {
        "/register" if posted.status == 200 => sealed_anew(&posted.answer, &shared.ca_pem).unwrap_or_default(),
        _ => posted.answer.clone(),
    };
    let answer = answer.to_string();
    let headers: String = posted.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        posted.status,
        answer.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(answer.as_bytes()).await?;
    Ok(stream.flush().await?)
}

fn sealed_anew(answer: &Value, ca_pem: &str) -> Option<Value> {
    let key: [u8; KEY] = std::array::from_fn(|at| u8::try_from(at).unwrap_or_default());
    let nonce: [u8; NONCE] = STANDARD.decode(answer["nonce"].as_str()?).ok()?.try_into().ok()?;
    let clear = secretbox::open(&key, &nonce, &STANDARD.decode(answer["cipher-text"].as_str()?).ok()?)?;
    let mut told: Value = serde_json::from_slice(&clear).ok()?;
    told["ca-cert"] = json!(ca_pem);
    let boxed = secretbox::seal(&key, &nonce, told.to_string().as_bytes());
    Some(json!({"nonce": answer["nonce"], "cipher-text": STANDARD.encode(boxed)}))
}
