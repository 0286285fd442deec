//! A POST to a controller's port, over TLS of the caller's choice. It knows no path. The surprise: nothing is followed and nothing is tried
//! twice, since what is posted here is good once.

use crate::dial::{self, DialError};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::header::{HOST, SET_COOKIE, USER_AGENT};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer.
const LONGEST: usize = 1 << 20;

#[derive(Debug)]
pub struct Posted {
    pub status: u16,
    /// `name=value`, without what a browser is told beside.
    pub cookies: Vec<String>,
    pub body: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("cannot ask {address}: {why}")]
    Broken { address: String, why: String },
}

/// `path`: with its query.
pub async fn post(
    address: &str,
    config: Arc<ClientConfig>,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Posted, PostError> {
    let broken = |why: String| PostError::Broken { address: address.to_owned(), why };
    let ask = async {
        let tls = dial::secure(address, config).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.map_err(|e| broken(e.to_string()))?;
        let driven = tokio::spawn(connection);
        let mut request = Request::post(path).header(HOST, address);
        request = request.header(USER_AGENT, format!("grigri/{}", base::current_version()));
        request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Full::new(Bytes::from(body))).map_err(|e| broken(e.to_string()))?;
        let answer = sender.send_request(request).await.map_err(|e| broken(e.to_string()))?;
        let status = answer.status().as_u16();
        let set = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = set.filter_map(|cookie| cookie.split(';').next()).map(|pair| pair.trim().to_owned()).collect();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|e| broken(e.to_string()))?;
        driven.abort();
        Ok(Posted { status, cookies, body: body.to_bytes() })
    };
    tokio::time::timeout(PATIENCE, ask)
        .await
        .unwrap_or_else(|_| Err(broken(format!("no answer within {} s", PATIENCE.as_secs()))))
}
