//! The REST API of LXD and Incus: requests, answers, and the long work that they call operations.
//! It must not know what is asked. The surprise: an operation outlives its request and our patience; whoever waits for one asks in short
//! turns, so that a connection that broke is noticed and progress is heard of.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::endpoint::Endpoint;
use super::error::Failed;
use super::pool::Pool;

/// Of one request, uploads aside.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of an upload.
const UPLOAD: Duration = Duration::from_secs(600);
/// Of one turn of waiting for an operation; progress is looked at in between.
const TURN: u64 = 1;
/// Bytes of an answer; a thousand instances with their states are some megabytes.
const LONGEST: usize = 64 << 20;
const CHUNK: usize = 256 << 10;
/// Where commands in instances find others.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    endpoint: Endpoint,
    project: String,
    pool: Pool<Body>,
}

/// What is sent along.
pub enum Content {
    Bytes(Bytes),
    OnHost(std::path::PathBuf),
}

/// How every answer of the API is wrapped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    error: String,
    operation: String,
    metadata: Value,
}

impl Envelope {
    fn operation_id(&self) -> &str {
        let last = self.operation.rsplit('/').next().unwrap_or_default();
        last.split('?').next().unwrap_or_default()
    }
}

/// Long work, as the server shows it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Operation {
    pub status_code: u16,
    pub err: String,
    pub metadata: Value,
}

impl Operation {
    fn is_over(&self) -> bool {
        self.status_code >= 200
    }
}

/// One path of the API, `/1.0/instances/x` without its query.
fn path_of(words: &[&str]) -> String {
    words.iter().fold("/1.0".to_owned(), |path, word| path + "/" + &escape(word))
}

/// For a path's part or a query's value.
pub fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl Client {
    pub fn new(endpoint: Endpoint, project: &str) -> Client {
        Client { endpoint, project: project.to_owned(), pool: Pool::default() }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub async fn get(&self, words: &[&str], query: &str) -> Result<Value, Failed> {
        self.ask(Method::GET, words, query, None).await.map(|envelope| envelope.metadata)
    }

    /// The same, read as what it is to be.
    pub async fn read<T: for<'de> Deserialize<'de>>(&self, words: &[&str], query: &str) -> Result<T, Failed> {
        let value = self.get(words, query).await?;
        serde_json::from_value(value).map_err(|error| self.garbled(error))
    }

    /// A change that is done when it is answered, or, where the server makes an operation of it, when that has ended.
    pub async fn change(&self, method: Method, words: &[&str], query: &str, body: &Value) -> Result<Operation, Failed> {
        self.change_telling(method, words, query, body, PATIENCE, &|_| {}).await
    }

    /// The same with a limit of its own, telling the operation's metadata while it goes on.
    pub async fn change_telling(
        &self,
        method: Method,
        words: &[&str],
        query: &str,
        body: &Value,
        limit: Duration,
        tell: &(dyn Fn(&Value) + Sync),
    ) -> Result<Operation, Failed> {
        let what = format!("{method} {}", path_of(words));
        let envelope = self.ask(method, words, query, Some(body)).await?;
        match envelope.kind.as_str() {
            "async" => self.wait(envelope.operation_id(), &what, limit, tell).await,
            _ => Ok(Operation { metadata: envelope.metadata, ..Operation::default() }),
        }
    }

    /// Sets one key of an instance's configuration; one that is set to nothing is as if it was not there.
    pub async fn configure(&self, instance: &str, key: &str, value: &str) -> Result<(), Failed> {
        let body = serde_json::json!({"config": {key: value}});
        self.change(Method::PATCH, &["instances", instance], "", &body).await.map(drop)
    }

    /// Work that is not waited for: its id, and how it stands.
    pub async fn begin(&self, method: Method, words: &[&str], body: &Value) -> Result<(String, Operation), Failed> {
        let envelope = self.ask(method, words, "", Some(body)).await?;
        let id = envelope.operation_id().to_owned();
        let operation = serde_json::from_value(envelope.metadata).map_err(|error| self.garbled(error))?;
        Ok((id, operation))
    }

    /// Of one stream of an operation.
    pub fn websocket(&self, id: &str, secret: &str) -> String {
        let (path, project) = (path_of(&["operations", id, "websocket"]), escape(&self.project));
        format!("ws://{}{path}?project={project}&secret={}", self.host(), escape(secret))
    }

    async fn wait(
        &self,
        id: &str,
        what: &str,
        limit: Duration,
        tell: &(dyn Fn(&Value) + Sync),
    ) -> Result<Operation, Failed> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            let waited = match self.read(&["operations", id, "wait"], &format!("timeout={TURN}")).await {
                // So Incus says that the turn is over; LXD answers how far it is.
                Err(Failed::Said { words, .. }) if words.contains("deadline exceeded") => {
                    self.read(&["operations", id], "").await
                }
                other => other,
            };
            // One that ended well is gone some seconds later; we ask all the time, so it is gone only if the server began anew.
            let operation: Operation = match waited {
                Err(failed) if failed.is_missing() => {
                    return Err(Failed::Operation(format!("{what}: the server has forgotten that it does this")));
                }
                other => other?,
            };
            if operation.is_over() {
                return match operation.status_code {
                    200 => Ok(operation),
                    _ => Err(Failed::Operation(operation.err)),
                };
            }
            tell(&operation.metadata);
        }
        Err(Failed::Late { what: what.to_owned(), limit })
    }

    /// Writes a file or makes a folder or link in an instance: `headers` say which, and whose.
    pub async fn upload(
        &self,
        instance: &str,
        path: &str,
        headers: &[(String, String)],
        content: Content,
    ) -> Result<(), Failed> {
        let query = format!("path={}", escape(path));
        let (body, length) = self.body(content).await?;
        let mut request = self.request(Method::POST, &["instances", instance, "files"], &query);
        request = request.header(CONTENT_TYPE, "application/octet-stream").header(CONTENT_LENGTH, length);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(body).map_err(|error| self.garbled(error))?;
        self.answer(request, UPLOAD).await.map(drop)
    }

    /// Gives an image to another server, which keeps it under the same fingerprint. Nothing of it is kept on the way.
    pub async fn pass_image(&self, fingerprint: &str, to: &Client) -> Result<(), Failed> {
        let asked = self.request(Method::GET, &["images", fingerprint, "export"], "").body(empty());
        let response = self.send(asked.map_err(|error| self.garbled(error))?, PATIENCE).await?;
        if response.status().as_u16() >= 400 {
            let (status, bytes) = self.collect(response, PATIENCE).await?;
            return Err(self.refused(status, None, &serde_json::from_slice(&bytes).unwrap_or_default()));
        }
        let mut given = to.request(Method::POST, &["images"], "");
        // One file or a form of two, which it reads as it was written.
        for name in [CONTENT_TYPE, CONTENT_LENGTH] {
            if let Some(value) = response.headers().get(&name) {
                given = given.header(name, value);
            }
        }
        let body = response.into_body().map_err(std::io::Error::other).boxed_unsync();
        let envelope = to.answer(given.body(body).map_err(|error| to.garbled(error))?, UPLOAD).await?;
        to.wait(envelope.operation_id(), "POST /1.0/images", UPLOAD, &|_| {}).await.map(drop)
    }

    /// A file of an instance, or a list of a folder's names as JSON; none: there is no such thing.
    pub async fn file(&self, instance: &str, path: &str) -> Result<Option<Vec<u8>>, Failed> {
        match self.bytes(&["instances", instance, "files"], &format!("path={}", escape(path))).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(failed) if failed.is_no_file() => Ok(None),
            Err(failed) => Err(failed),
        }
    }

    /// Also when there is no such file.
    pub async fn remove_file(&self, instance: &str, path: &str) -> Result<(), Failed> {
        let query = format!("path={}", escape(path));
        match self.change(Method::DELETE, &["instances", instance, "files"], &query, &Value::Null).await {
            Err(failed) if !failed.is_no_file() => Err(failed),
            _ => Ok(()),
        }
    }

    /// The names in a folder of an instance; none: there is no such folder.
    pub async fn folder(&self, instance: &str, path: &str) -> Result<Option<Vec<String>>, Failed> {
        let Some(bytes) = self.file(instance, path).await? else { return Ok(None) };
        // A file or a link is answered as its bytes, which are no such list.
        let envelope: Option<Envelope> = serde_json::from_slice(&bytes).ok();
        Ok(envelope.and_then(|envelope| serde_json::from_value(envelope.metadata).ok()))
    }

    /// Runs a command in an instance as root, and waits for its end: its exit status and what it wrote to its error stream.
    pub async fn exec(&self, instance: &str, words: &[String], limit: Duration) -> Result<(i64, String), Failed> {
        let body = serde_json::json!({
            "command": words, "wait-for-websocket": false, "record-output": true, "interactive": false,
            "environment": {"PATH": PATH},
        });
        let path = ["instances", instance, "exec"];
        let done = self.change_telling(Method::POST, &path, "", &body, limit, &|_| {}).await?;
        let status =
            done.metadata["return"].as_i64().ok_or_else(|| self.garbled("a command ended without a status"))?;
        let mut said = String::new();
        if let Some(log) = done.metadata["output"]["2"].as_str() {
            let words: Vec<&str> = log.trim_start_matches("/1.0/").split('/').collect();
            said = String::from_utf8_lossy(&self.bytes(&words, "").await?).into_owned();
            for stream in ["1", "2"] {
                let Some(log) = done.metadata["output"][stream].as_str() else { continue };
                let words: Vec<&str> = log.trim_start_matches("/1.0/").split('/').collect();
                self.change(Method::DELETE, &words, "", &Value::Null).await?;
            }
        }
        Ok((status, said))
    }

    /// What is answered as it is, wrapped in nothing.
    pub async fn bytes(&self, words: &[&str], query: &str) -> Result<Vec<u8>, Failed> {
        let request = self.request(Method::GET, words, query).body(empty()).map_err(|error| self.garbled(error))?;
        let response = self.send(request, PATIENCE).await?;
        let after = retry_after(&response);
        let (status, bytes) = self.collect(response, PATIENCE).await?;
        if status >= 400 {
            return Err(self.refused(status, after, &serde_json::from_slice(&bytes).unwrap_or_default()));
        }
        Ok(bytes.to_vec())
    }

    async fn ask(&self, method: Method, words: &[&str], query: &str, body: Option<&Value>) -> Result<Envelope, Failed> {
        let request = self.request(method, words, query).header(CONTENT_TYPE, "application/json");
        let body = body.map_or_else(empty, |value| full(value.to_string().into()));
        let request = request.body(body).map_err(|error| self.garbled(error))?;
        self.answer(request, PATIENCE).await
    }

    async fn answer(&self, request: Request<Body>, patience: Duration) -> Result<Envelope, Failed> {
        let response = self.send(request, patience).await?;
        let after = retry_after(&response);
        let (status, bytes) = self.collect(response, patience).await?;
        let envelope: Envelope = match serde_json::from_slice(&bytes) {
            Ok(envelope) => envelope,
            Err(_) if status >= 400 => Envelope::default(),
            Err(error) => return Err(self.garbled(error)),
        };
        match status >= 400 || envelope.kind == "error" {
            true => Err(self.refused(status, after, &envelope)),
            false => Ok(envelope),
        }
    }

    fn refused(&self, status: u16, after: Option<Duration>, envelope: &Envelope) -> Failed {
        let words = match envelope.error.trim() {
            "" => format!("{} answers with status {status}", self.endpoint),
            words => words.to_owned(),
        };
        match status {
            401 | 403 => Failed::Denied { server: self.endpoint.to_string(), words },
            429 => Failed::Busy { words, after },
            // What is in front of a server says so too when the server has too much to do.
            503 if after.is_some() => Failed::Busy { words, after },
            _ => Failed::Said { status, words },
        }
    }

    fn request(&self, method: Method, words: &[&str], query: &str) -> hyper::http::request::Builder {
        let joint = if query.is_empty() { "" } else { "&" };
        let address = format!("{}?project={}{joint}{query}", path_of(words), escape(&self.project));
        Request::builder().method(method).uri(address).header(HOST, self.host())
    }

    fn host(&self) -> String {
        match &self.endpoint {
            Endpoint::Socket(_) | Endpoint::Within(_) => "lxd".to_owned(),
            Endpoint::Https { host, .. } if host.contains(':') => format!("[{host}]"),
            Endpoint::Https { host, .. } => host.clone(),
        }
    }

    async fn send(&self, request: Request<Body>, patience: Duration) -> Result<Response<Incoming>, Failed> {
        let sent = async {
            let mut request = request;
            if let Some(mut sender) = self.pool.take() {
                let again = question_again(&request);
                match (sender.send_request(request).await, again) {
                    (Err(_), Some(again)) => request = again,
                    (answer, _) => return self.answered(sender, answer),
                }
            }
            let mut sender = self.connect().await?;
            let answer = sender.send_request(request).await;
            self.answered(sender, answer)
        };
        self.in_time(patience, sent).await
    }

    fn answered(
        &self,
        sender: SendRequest<Body>,
        answer: hyper::Result<Response<Incoming>>,
    ) -> Result<Response<Incoming>, Failed> {
        self.pool.give(sender);
        answer.map_err(|error| self.unreached(base::chain(&error)))
    }

    async fn connect(&self) -> Result<SendRequest<Body>, Failed> {
        let stream = self.endpoint.connect().await.map_err(|why| self.unreached(why))?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| self.unreached(base::chain(&error)))?;
        // It ends when nobody keeps the sender and the last answer is read.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn collect(&self, response: Response<Incoming>, patience: Duration) -> Result<(u16, Bytes), Failed> {
        let status = response.status().as_u16();
        let body = async {
            let read = Limited::new(response.into_body(), LONGEST).collect().await;
            read.map(|all| all.to_bytes()).map_err(|error| self.unreached(error.to_string()))
        };
        Ok((status, self.in_time(patience, body).await?))
    }

    async fn in_time<T>(&self, patience: Duration, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        match tokio::time::timeout(patience, work).await {
            Ok(done) => done,
            Err(_) => Err(self.unreached(format!("no answer in {} seconds", patience.as_secs()))),
        }
    }

    async fn body(&self, content: Content) -> Result<(Body, u64), Failed> {
        match content {
            Content::Bytes(bytes) => Ok((full(bytes.clone()), bytes.len() as u64)),
            Content::OnHost(path) => {
                let unread =
                    |error: std::io::Error| Failed::Operation(format!("cannot read {}: {error}", path.display()));
                let file = tokio::fs::File::open(&path).await.map_err(unread)?;
                let length = file.metadata().await.map_err(unread)?.len();
                Ok((streamed(file), length))
            }
        }
    }

    pub fn unreached(&self, why: String) -> Failed {
        Failed::Reach { server: self.endpoint.to_string(), why }
    }

    pub fn garbled(&self, why: impl std::fmt::Display) -> Failed {
        Failed::Garbled { server: self.endpoint.to_string(), why: why.to_string() }
    }
}

/// The same request, if it changes nothing: one that a kept connection did not carry is asked again on a new one.
fn question_again(request: &Request<Body>) -> Option<Request<Body>> {
    if request.method() != Method::GET {
        return None;
    }
    let mut again = Request::new(empty());
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// In whole seconds; a date is not read.
fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn empty() -> Body {
    full(Bytes::new())
}

fn streamed(file: tokio::fs::File) -> Body {
    let chunks = stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let mut chunk = bytes::BytesMut::with_capacity(CHUNK);
        match file.read_buf(&mut chunk).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(Frame::data(chunk.freeze())), Some(file))),
            Err(error) => Some((Err(error), None)),
        }
    });
    StreamBody::new(chunks).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_paths_want_them() {
        assert_eq!(
            path_of(&["images", "aliases", "juju/ubuntu@24.04/amd64"]),
            "/1.0/images/aliases/juju%2Fubuntu%4024.04%2Famd64"
        );
        assert_eq!(escape("a b&c=d/é"), "a%20b%26c%3Dd%2F%C3%A9");
    }
}
