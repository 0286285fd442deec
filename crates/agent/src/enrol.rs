//! Enrolling: the token shown once, a certificate got for our key.
//! It must not decide when. The surprise: it may be done again and again with the same key, so a lost answer costs nothing.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use wire::agent::{ENROL_PATH, EnrolRefusal, EnrolReply, EnrolRequest, SERVER_NAME};

const MAX_REPLY: usize = 256 << 10;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot reach the controller")]
    Connect(#[source] crate::dial::Error),
    #[error("the controller's answer cannot be read")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the controller refused to enrol this machine: {words}")]
    Refused { status: u16, words: String },
}

/// Asks at the first address that answers.
pub async fn enrol(addresses: &[String], tls: &Arc<ClientConfig>, request: &EnrolRequest) -> Result<EnrolReply, Error> {
    let (stream, _) = crate::dial::dial(addresses, 0, tls).await.map_err(Error::Connect)?;
    let answer = |e: hyper::Error| Error::Answer(e.into());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(answer)?;
    let connection = tokio::spawn(connection);
    let outcome = ask(&mut sender, request).await;
    connection.abort();
    outcome
}

async fn ask(
    sender: &mut hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    request: &EnrolRequest,
) -> Result<EnrolReply, Error> {
    let body = serde_json::to_vec(request).map_err(|e| Error::Answer(e.into()))?;
    let request = hyper::Request::post(ENROL_PATH)
        .header("host", SERVER_NAME)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|e| Error::Answer(e.into()))?;
    let reply = sender.send_request(request).await.map_err(|e| Error::Answer(e.into()))?;
    let status = reply.status().as_u16();
    let body = Limited::new(reply.into_body(), MAX_REPLY).collect().await.map_err(Error::Answer)?.to_bytes();
    if status == 200 {
        return serde_json::from_slice(&body).map_err(|e| Error::Answer(e.into()));
    }
    let words = serde_json::from_slice::<EnrolRefusal>(&body).map_or_else(|_| format!("status {status}"), |r| r.error);
    Err(Error::Refused { status, words })
}
