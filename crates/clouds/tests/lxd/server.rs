//! A server of LXD or Incus in this process: the real API over a real socket, and nothing behind it. It goes wrong as it is told to.
//! It must not know our cloud. The surprise: what it does not have (kernels, images) is what the suite `lxd` with real servers is for; here are the
//! answers that a real one gives on a bad day, which nobody can ask of it.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::exec::{self, Exec};
use super::state::{Answer, State, error};

/// How a request goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status and these words; with `Retry-After`, in seconds.
    Says(u16, &'static str, Option<u64>),
    /// It is done, and the connection ends before the answer does.
    Cut,
    /// The answer is this.
    Prints(&'static str),
    /// Long work begins and ends so; nothing is done.
    Ends(&'static str),
    /// Long work begins and never ends; nothing is done.
    Never,
    /// The server ends while it works on it, and forgets what it was at; nothing is done.
    Dies,
}

pub struct Shared {
    pub state: State,
    /// By method and the beginning of a path: `DELETE /1.0/instances`.
    once: VecDeque<(String, Fault)>,
    always: Vec<(String, Fault)>,
    /// By the number of a request.
    numbered: BTreeMap<usize, Fault>,
    pub asked: Vec<String>,
    /// Servers inside instances, by the instance.
    pub inner: BTreeMap<String, Server>,
    /// What the search for a server in an instance says.
    pub installs: Vec<&'static str>,
    pub execs: BTreeMap<String, Exec>,
}

impl Shared {
    fn answer(&mut self, method: &str, path: &str, query: &BTreeMap<String, String>, body: &[u8]) -> Answer {
        if let Some(instance) = path.strip_prefix("/1.0/instances/").and_then(|rest| rest.strip_suffix("/exec")) {
            return exec::begin(self, instance, &serde_json::from_slice(body).unwrap_or_default());
        }
        let answer = self.state.answer(method, path, query, body);
        self.inner.retain(|instance, _| self.state.instances.contains_key(instance));
        answer
    }
}

/// Ends with its socket when dropped.
pub struct Server {
    pub socket: PathBuf,
    shared: Arc<Mutex<Shared>>,
    listening: Mutex<Option<JoinHandle<()>>>,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Server {
    pub fn start(kind: &'static str) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let shared = Shared {
            state: State::new(kind),
            once: VecDeque::new(),
            always: Vec::new(),
            numbered: BTreeMap::new(),
            asked: Vec::new(),
            inner: BTreeMap::new(),
            installs: vec!["say installing lxd", "at /var/lib/lxd/unix.socket"],
            execs: BTreeMap::new(),
        };
        let server = Server {
            socket: folder.path().join("unix.socket"),
            shared: Arc::new(Mutex::new(shared)),
            listening: Mutex::default(),
            _folder: folder,
        };
        server.listen();
        server
    }

    pub fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no panic")
    }

    /// A machine's instance is in another state, and so is what is inside.
    pub fn state_of(&self, machine: &str, status: &str) {
        let mut shared = self.lock();
        let is_it =
            |one: &&mut super::state::Instance| one.config.get("user.juju-machine-id").is_some_and(|id| *id == machine);
        shared.state.instances.values_mut().filter(is_it).for_each(|one| one.status = status.to_owned());
        for inner in shared.inner.values() {
            inner.lock().state.instances.values_mut().for_each(|one| one.status = status.to_owned());
        }
    }

    /// The next such request goes wrong.
    pub fn next(&self, what: &str, fault: Fault) {
        self.lock().once.push_back((what.to_owned(), fault));
    }

    /// The request number `n` from now, whatever it is; 0 is the next.
    pub fn nth(&self, n: usize, fault: Fault) {
        let mut shared = self.lock();
        let at = shared.asked.len() + n;
        shared.numbered.insert(at, fault);
    }

    /// All such, until [`Server::heal`].
    pub fn always(&self, what: &str, fault: Fault) {
        self.lock().always.push((what.to_owned(), fault));
    }

    pub fn heal(&self) {
        let mut shared = self.lock();
        shared.once.clear();
        shared.always.clear();
        shared.numbered.clear();
    }

    /// The socket goes, and all that was under way.
    pub fn stop(&self) {
        if let Some(listening) = self.listening.lock().expect("no panic").take() {
            listening.abort();
        }
        let _ = std::fs::remove_file(&self.socket);
        self.lock().state.operations.clear();
    }

    pub fn listen(&self) {
        let listener = UnixListener::bind(&self.socket).expect("a socket");
        let shared = self.shared.clone();
        *self.listening.lock().expect("no panic") = Some(tokio::spawn(async move {
            // They end with whoever listens.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, shared.clone()));
                while connections.try_join_next().is_some() {}
            }
        }));
    }
}

async fn serve(stream: UnixStream, shared: Arc<Mutex<Shared>>) {
    let service = service_fn(|request| answer(request, shared.clone()));
    // An error is a connection that was ended on purpose.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

/// What goes wrong with this connection, if anything.
#[derive(Debug, thiserror::Error)]
#[error("cut off on purpose")]
struct CutOff;

async fn answer(request: Request<Incoming>, shared: Arc<Mutex<Shared>>) -> Result<Response<Cut>, CutOff> {
    if let Some(rest) = request.uri().path().strip_prefix("/1.0/operations/")
        && let Some(id) = rest.strip_suffix("/websocket").map(str::to_owned)
    {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let secret = query.split('&').filter_map(pair).find(|(key, _)| key == "secret").map(|(_, secret)| secret);
        let response = exec::upgrade(request, id, secret.unwrap_or_default(), shared);
        return Ok(response.map(|body| Cut { body, is_cut: false }));
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| CutOff)?.to_bytes();
    let (method, path) = (parts.method.as_str().to_owned(), plain(parts.uri.path()));
    let query: BTreeMap<String, String> = parts.uri.query().unwrap_or_default().split('&').filter_map(pair).collect();
    let mut shared = shared.lock().map_err(|_| CutOff)?;
    let asked = format!("{method} {path}");
    let number = shared.asked.len();
    shared.asked.push(asked.clone());
    let numbered = shared.numbered.remove(&number);
    let fits = |(what, _): &(String, Fault)| asked.starts_with(what.as_str());
    let scripted = match shared.once.iter().position(fits) {
        Some(at) => shared.once.remove(at).map(|(_, fault)| fault),
        None => shared.always.iter().find(|entry| fits(entry)).map(|(_, fault)| fault.clone()),
    };
    let (answer, whole, after) = match numbered.or(scripted) {
        None => (shared.answer(&method, &path, &query, &body), true, None),
        Some(Fault::Says(status, words, after)) => (error(status, words), true, after),
        Some(Fault::Cut) => (shared.answer(&method, &path, &query, &body), false, None),
        Some(Fault::Prints(text)) => (Answer::Bytes(text.as_bytes().to_vec()), true, None),
        Some(Fault::Ends(words)) => (shared.state.operation(400, words), true, None),
        Some(Fault::Never) => (shared.state.operation(103, ""), true, None),
        Some(Fault::Dies) => {
            let answer = shared.state.operation(103, "");
            shared.state.operations.clear();
            (answer, true, None)
        }
    };
    let (status, bytes) = match answer {
        Answer::Json(status, value) => (status, Value::to_string(&value).into_bytes()),
        Answer::Bytes(bytes) => (200, bytes),
    };
    let mut response = Response::builder().status(status).header("Content-Length", bytes.len());
    if let Some(seconds) = after {
        response = response.header("Retry-After", seconds);
    }
    let body = if whole { Bytes::from(bytes) } else { Bytes::from(bytes[..bytes.len() / 2].to_vec()) };
    let body = Full::new(body);
    response.body(Cut { body, is_cut: !whole }).map_err(|_| CutOff)
}

/// A body that may end too early.
struct Cut {
    body: Full<Bytes>,
    is_cut: bool,
}

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, CutOff>>> {
        use std::task::Poll;
        match std::pin::Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(Some(Err(never))) => match never {},
            Poll::Ready(None) if self.is_cut => Poll::Ready(Some(Err(CutOff))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), plain(value)))
}

/// Without `%2F` and the like.
fn plain(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, more @ ..] = rest {
        let code = more.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (*first, code) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            (byte, _) => {
                bytes.push(byte);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
