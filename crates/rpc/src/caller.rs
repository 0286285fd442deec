//! The calling end of a connection: many calls at once over one websocket, answers matched by number.

use crate::websocket::{Message, Socket};
use futures_util::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use wire::envelope::{self, Frame, Request, Response};

type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>>;

/// What came for a call.
enum Answer {
    /// A body, unread.
    Body(Box<RawValue>),
    Whole(Response),
}

/// A cheap handle on a connection; the connection closes when the last handle is dropped.
#[derive(Clone)]
pub struct Caller {
    frames: mpsc::Sender<String>,
    waiting: Waiting,
    next: Arc<AtomicU64>,
}

/// Why a call brought no body.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server's own error, with its code.
    #[error("{0}")]
    Refused(wire::Error),
    /// The connection went away before the answer came.
    #[error("connection is shut down")]
    Closed,
    /// The answer has another shape than the facade's.
    #[error("unexpected answer to {call}")]
    Shape {
        call: String,
        #[source]
        source: serde_json::Error,
    },
}

impl CallError {
    /// The server's code; empty when there is none.
    pub fn code(&self) -> &str {
        match self {
            CallError::Refused(error) => &error.code,
            CallError::Closed | CallError::Shape { .. } => "",
        }
    }
}

impl Caller {
    /// Takes the websocket over; a task runs it until every handle is gone or the peer closes.
    pub fn start<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(socket: Socket<S>) -> Caller {
        let (frames, mut outgoing) = mpsc::channel::<String>(64);
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let answered = waiting.clone();
        tokio::spawn(async move {
            let (mut sink, mut stream) = socket.split();
            loop {
                tokio::select! {
                    frame = outgoing.recv() => match frame {
                        Some(text) => if sink.send(Message::text(text)).await.is_err() { break },
                        None => {
                            let _ = sink.send(Message::Close(None)).await;
                            break;
                        }
                    },
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => deliver(&answered, text.as_bytes()),
                        Some(Ok(Message::Binary(bytes))) => deliver(&answered, &bytes),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                        Some(Ok(_)) => {}
                    },
                }
            }
            // Dropping the senders tells every waiting call that no answer comes.
            answered.lock().unwrap_or_else(|e| e.into_inner()).take();
        });
        Caller { frames, waiting, next: Arc::new(AtomicU64::new(1)) }
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.waiting.lock().unwrap_or_else(|e| e.into_inner()).is_none()
    }

    /// Calls `facade.method`; `id` names a watcher or is empty. Gives the body as it came.
    pub async fn call(
        &self,
        facade: &str,
        version: i64,
        id: &str,
        method: &str,
        params: Value,
    ) -> Result<Value, CallError> {
        self.call_as(facade, version, id, method, params).await
    }

    /// The same, read as `T`.
    pub async fn call_as<T: DeserializeOwned>(
        &self,
        facade: &str,
        version: i64,
        id: &str,
        method: &str,
        params: Value,
    ) -> Result<T, CallError> {
        let read = match self.ask(facade, version, id, method, params).await? {
            Answer::Body(body) => wire::lenient::from_exact(body.get()),
            Answer::Whole(response) => wire::lenient::from_value(response.into_result().map_err(CallError::Refused)?),
        };
        read.map_err(|source| CallError::Shape { call: format!("{facade}.{method}"), source })
    }

    async fn ask(
        &self,
        facade: &str,
        version: i64,
        id: &str,
        method: &str,
        params: Value,
    ) -> Result<Answer, CallError> {
        let request_id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        match self.waiting.lock().unwrap_or_else(|e| e.into_inner()).as_mut() {
            Some(waiting) => waiting.insert(request_id, answered),
            None => return Err(CallError::Closed),
        };
        let request = Request {
            request_id,
            facade: facade.to_owned(),
            version,
            id: id.to_owned(),
            method: method.to_owned(),
            params,
            ..Request::default()
        };
        self.frames.send(request.to_text()).await.map_err(|_| CallError::Closed)?;
        answer.await.map_err(|_| CallError::Closed)
    }
}

fn deliver(waiting: &Waiting, bytes: &[u8]) {
    let (id, answer) = match envelope::body_of(bytes) {
        Some((id, body)) => (id, Answer::Body(body.to_owned())),
        None => match Frame::parse(bytes) {
            Ok(Frame::Response(response)) => (response.request_id, Answer::Whole(response)),
            _ => return,
        },
    };
    let answered = waiting.lock().unwrap_or_else(|e| e.into_inner()).as_mut().and_then(|w| w.remove(&id));
    if let Some(answered) = answered {
        // The caller may have given up; then nobody needs the answer.
        let _ = answered.send(answer);
    }
}
