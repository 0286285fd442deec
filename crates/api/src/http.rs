//! HTTP on the API port: the router, and the upgrade to websockets. HTTP/1.1 only (`wire/protocol.md` 1.4).
//! It knows no facade and no record. The surprise: a model that is not there is upgraded all the same, and then told so call by call.

mod basic;
pub(crate) mod discharge;
mod log;
mod log_streams;
mod metered;
mod metrics;
mod program;
pub(crate) mod register;
mod tunnel;

pub use log_streams::LogStreams;
pub use program::Downloads;

use crate::server::Shared;
use crate::session::Session;
use crate::strangers::Seat;
use base::ModelUuid;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use metered::Metered;
use rpc::tls::AgentIdentity;
use rpc::websocket;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use wire::path::{self, Place};

pub type Reply = Response<Full<Bytes>>;

/// What is posted here is a few hundred bytes: a certificate request, a password under a key, macaroons.
const POSTED: usize = 64 << 10;
/// How long a client may take over the head of a request, and keep an idle connection.
const IDLE: Duration = Duration::from_secs(30);

/// Who asks: from where, with which certificate, on which place.
#[derive(Clone)]
struct Peer {
    from: SocketAddr,
    certificate: Option<Arc<Vec<u8>>>,
    seat: Seat,
    /// Ends the connection.
    cut: Arc<Notify>,
}

/// Serves a connection over any stream of bytes, so that nothing in here depends on TLS.
pub async fn serve<S>(shared: Arc<Shared>, stream: S, from: SocketAddr, certificate: Option<Vec<u8>>, seat: Seat)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut closing = shared.closing.clone();
    let cut = Arc::new(Notify::new());
    let peer = Peer { from, certificate: certificate.map(Arc::new), seat, cut: cut.clone() };
    let service = service_fn(move |request| {
        let (shared, peer) = (shared.clone(), peer.clone());
        async move { Ok::<_, Infallible>(answer(shared, request, peer).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(16 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => if let Err(error) = ended {
            tracing::debug!(%from, error = &error as &dyn std::error::Error, "HTTP connection ended");
        },
        _ = closing.wait_for(|closing| *closing) => connection.as_mut().graceful_shutdown(),
        () = cut.notified() => tracing::debug!(%from, "HTTP connection took too long"),
    }
}

pub fn text(status: StatusCode, body: impl Into<String>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}

fn json(status: StatusCode, body: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

fn no_juju_agents() -> Reply {
    let words = "agent binaries of Juju are not run by this controller: Grigri's machines run its own agent";
    let error = wire::Error::new(words, wire::code::NOT_SUPPORTED);
    json(StatusCode::BAD_REQUEST, serde_json::json!({ "error": error }).to_string())
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>, peer: Peer) -> Reply {
    let place = path::parse(request.uri().path());
    let method = request.method().clone();
    match (place, method) {
        // `juju bootstrap --build-agent` and its like: refused with the reason.
        (Place::Unknown, Method::POST) if request.uri().path().ends_with("/tools") => no_juju_agents(),
        (Place::Unknown, _) => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        (Place::BadModel(model), _) => text(StatusCode::BAD_REQUEST, format!("invalid model UUID {model:?}\n")),
        (Place::Health, Method::GET | Method::HEAD) => text(StatusCode::OK, "running\n"),
        (Place::Metrics, Method::GET) => metrics::answer(shared, request, peer.seat).await,
        (Place::ControllerApi, Method::GET) => rpc_socket(shared, request, peer, None),
        (Place::ModelApi(model), Method::GET) => rpc_socket(shared, request, peer, Some(model)),
        (Place::Log(model), Method::GET) => log::answer(shared, request, peer.seat, model).await,
        (Place::Tunnel(model), Method::GET) => tunnel::answer(shared, request, peer.seat, model).await,
        (Place::Register, Method::POST) => register::answer(shared, request, peer.seat).await,
        (Place::Discharge, Method::POST) => discharge::answer(shared, request).await,
        (Place::DischargeForm, Method::POST) => discharge::form(shared, request, peer.seat).await,
        (Place::AgentEnrol, Method::POST) => enrol(shared, request, peer.from).await,
        (Place::AgentProgram { model, machine, ticket }, Method::GET) => {
            program::answer(shared, peer, model, &machine, &ticket).await
        }
        (Place::AgentStream, Method::GET) => agent_stream(shared, request, peer),
        _ => text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n"),
    }
}

/// Answers the upgrade and runs `then` on the stream; 400 for what is no upgrade.
pub fn upgrade<F>(mut request: Request<Incoming>, then: impl FnOnce(TokioIo<Upgraded>) -> F + Send + 'static) -> Reply
where
    F: Future<Output = ()> + Send + 'static,
{
    let has = |name: header::HeaderName, word: &str| {
        let all = request.headers().get_all(name);
        all.iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let asked = has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13");
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| websocket::derive_accept_key(key.as_bytes()));
    let (true, Some(accept)) = (asked, key) else {
        return text(StatusCode::BAD_REQUEST, "Bad Request\n");
    };
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrading.await {
            Ok(stream) => then(TokioIo::new(stream)).await,
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "upgrade failed"),
        }
    });
    let mut reply = Response::new(Full::new(Bytes::new()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    reply
}

/// What the client calls this controller, for addresses that it is given: without a word that could be more than a host and a port.
fn host_of(request: &Request<Incoming>) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:-[]_".contains(c);
    if host.chars().all(plain) && !host.is_empty() { host.to_owned() } else { "localhost".to_owned() }
}

fn rpc_socket(shared: Arc<Shared>, request: Request<Incoming>, peer: Peer, model: Option<ModelUuid>) -> Reply {
    let limits = shared.limits;
    let host = host_of(&request);
    upgrade(request, move |stream| async move {
        let Peer { from, seat, .. } = peer;
        let stream = Metered::new(stream, seat.clone(), limits.before_login);
        let socket = websocket::server_end(stream, limits.message).await;
        let session = Arc::new(Session::new(shared.clone(), model, seat.clone(), host));
        let (close, closing) = watch::channel(false);
        let guard = tokio::spawn(close_when(close, shared.closing.clone(), seat));
        let rpc_limits = rpc::Limits {
            in_flight: limits.in_flight,
            in_flight_bytes: limits.in_flight_bytes,
            owed: limits.owed,
            write: limits.write,
        };
        let ended = rpc::serve(socket, session, rpc_limits, closing).await;
        guard.abort();
        tracing::debug!(%from, ?ended, "API connection ended");
    })
}

/// Closes when the server closes, or when the stranger is to go.
async fn close_when(close: watch::Sender<bool>, mut closing: watch::Receiver<bool>, seat: Seat) {
    tokio::select! {
        _ = closing.wait_for(|closing| *closing) => {}
        () = seat.to_leave() => {}
    }
    close.send_replace(true);
    // The receiver sees a dropped sender as the end too, so this one is kept until the connection is gone.
    close.closed().await;
}

/// All of what was posted, if it is not much and comes soon.
async fn body(incoming: Incoming) -> Result<Bytes, Reply> {
    match tokio::time::timeout(IDLE, Limited::new(incoming, POSTED).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        _ => Err(json(StatusCode::BAD_REQUEST, r#"{"error":"request body is too large or did not come"}"#.into())),
    }
}

async fn enrol(shared: Arc<Shared>, request: Request<Incoming>, from: SocketAddr) -> Reply {
    let body = match body(request.into_body()).await {
        Ok(body) => body,
        Err(reply) => return reply,
    };
    let reply = shared.doors.enrol(body.to_vec(), from).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, reply.body)
}

fn agent_stream(shared: Arc<Shared>, request: Request<Incoming>, peer: Peer) -> Reply {
    let der = peer.certificate.map(|der| der.as_ref().clone());
    let who = der.as_ref().and_then(|der| AgentIdentity::from_certificate(&der.as_slice().into()));
    let (Some(der), Some(who)) = (der, who) else {
        return json(StatusCode::UNAUTHORIZED, r#"{"error":"a machine's certificate is needed"}"#.into());
    };
    upgrade(request, move |stream| async move {
        let socket = websocket::server_end(stream, wire::agent::MAX_MESSAGE).await;
        let seat = peer.seat;
        let known = seat.clone();
        tokio::select! {
            () = shared.doors.stream(who, der, socket, Box::new(move || known.known())) => {}
            () = seat.to_leave() => {}
        }
    })
}
