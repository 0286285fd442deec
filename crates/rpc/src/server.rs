//! The serving end of a connection: reads frames, runs each call as a task of its own, writes answers as they come.
//! Bounds: calls in flight, answers waiting for a slow reader. The surprise: a frame that is no envelope closes with 1000.

use crate::websocket::{CloseCode, CloseFrame, Error, Message, Socket};
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use wire::envelope::{self, Frame, Request};

/// An encoded body, or the error of the call.
pub type Answer = Result<String, wire::Error>;

/// Answers the calls of one connection.
pub trait Handler: Send + Sync + 'static {
    /// Runs one call; several run at once. Dropped when the connection ends.
    fn call(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Answer> + Send>>;
}

/// Bounds of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls that run at once; more wait unread, which holds up only their sender.
    pub in_flight: usize,
    /// How long a frame may take to be written before the reader counts as gone.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { in_flight: 256, write: Duration::from_secs(60) }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The peer closed it or vanished.
    ByPeer,
    /// The peer sent what is no envelope, or more than it may.
    Malformed,
    /// `closing` said so.
    Closed,
    /// The peer did not read its answers in time.
    SlowReader,
}

/// Serves until the peer goes, breaks the protocol, or `closing` turns true. Calls still running are dropped then.
pub async fn serve<S, H>(
    socket: Socket<S>,
    handler: Arc<H>,
    limits: Limits,
    mut closing: watch::Receiver<bool>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let (mut sink, mut stream) = socket.split();
    let (answers, mut waiting) = mpsc::channel::<Message>(16);
    let write = limits.write;
    let writer = tokio::spawn(async move {
        while let Some(message) = waiting.recv().await {
            let last = matches!(message, Message::Close(_));
            match tokio::time::timeout(write, sink.send(message)).await {
                Err(_) => return Ended::SlowReader,
                Ok(Err(_)) => return Ended::ByPeer,
                Ok(Ok(())) if last => return Ended::Closed,
                Ok(Ok(())) => {}
            }
        }
        Ended::Closed
    });
    let slots = Arc::new(Semaphore::new(limits.in_flight));
    let mut calls = JoinSet::new();
    let ended = loop {
        let message = tokio::select! {
            message = stream.next() => message,
            _ = closing.wait_for(|closed| *closed) => break Ended::Closed,
            _ = answers.closed() => break Ended::SlowReader,
            Some(_) = calls.join_next(), if !calls.is_empty() => continue,
        };
        let bytes = match message {
            Some(Ok(Message::Text(text))) => tokio_tungstenite::tungstenite::Bytes::from(text),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_))) | None => break Ended::ByPeer,
            Some(Ok(_)) => continue,
            Some(Err(Error::Capacity(_))) => break Ended::Malformed,
            Some(Err(_)) => break Ended::ByPeer,
        };
        let request = match Frame::parse(&bytes) {
            Ok(Frame::Request(request)) => request,
            // An answer that nobody asked for is ignored.
            Ok(Frame::Response(_)) => continue,
            Err(_) => break Ended::Malformed,
        };
        let Ok(slot) = slots.clone().acquire_owned().await else { break Ended::Closed };
        let (handler, answers) = (handler.clone(), answers.clone());
        calls.spawn(async move {
            let _slot = slot;
            let text = answer(handler, request).await;
            // A closed channel means that nobody is there to be told.
            let _ = answers.send(Message::text(text)).await;
        });
    };
    calls.shutdown().await;
    if ended != Ended::ByPeer {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let _ = answers.try_send(Message::Close(Some(frame)));
    }
    drop(answers);
    let _ = tokio::time::timeout(Duration::from_secs(1), writer).await;
    ended
}

async fn answer<H: Handler>(handler: Arc<H>, request: Request) -> String {
    let (id, trace) = (request.request_id, request.trace.clone());
    let called = format!("{}.{}", request.facade, request.method);
    let run = AssertUnwindSafe(handler.call(request));
    match futures_util::FutureExt::catch_unwind(run).await {
        Ok(Ok(body)) => envelope::success_text(id, &trace, &body),
        Ok(Err(error)) => envelope::error_text(id, &trace, &error),
        Err(_) => {
            let incident = base::chance::Chance::token(&base::chance::SystemChance, 6);
            tracing::error!(incident, call = called, "a call panicked");
            let words = format!("internal error in {called}, quote incident {incident}");
            envelope::error_text(id, &trace, &wire::Error::new(words, ""))
        }
    }
}
