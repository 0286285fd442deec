//! The serving end of a connection: reads frames, runs each call as a task of its own, writes answers as they come.
//! Bounds: calls in flight and their bytes, answers that are not read. The surprise: a frame that is no envelope closes with 1000.

use crate::websocket::{self, CloseCode, CloseFrame, Error, Message, Socket};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use wire::envelope::{self, Frame, Request};

/// An encoded body, or the error of the call.
pub type Answer = Result<String, wire::Error>;

/// Answers the calls of one connection.
pub trait Handler: Send + Sync + 'static {
    /// Begins one call. Calls are begun in the order in which they came; what they return runs beside others, and is dropped when the
    /// connection ends.
    fn call(self: Arc<Self>, request: Request) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

    /// Asked for each answer: what comes back is kept until the answer was written. Nothing: too much is owed already, the connection ends.
    fn owe(&self, bytes: usize) -> Option<Box<dyn Send>> {
        let _ = bytes;
        Some(Box::new(()))
    }
}

/// Bounds of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls that run at once; more wait unread, which holds up only their sender.
    pub in_flight: usize,
    /// Bytes of the requests of those calls.
    pub in_flight_bytes: usize,
    /// Bytes of answers that wait to be read. From a quarter of it on no more calls are begun; over it the reader counts as gone, since
    /// calls that ran already may still add to it.
    pub owed: usize,
    /// How long a frame may take to be written before the reader counts as gone; a second more for each 32 KiB of it.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { in_flight: 256, in_flight_bytes: 8 << 20, owed: 64 << 20, write: Duration::from_secs(60) }
    }
}

impl Limits {
    fn to_write(self, bytes: usize) -> Duration {
        self.write + Duration::from_secs((bytes / (32 << 10)) as u64)
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

/// While no call can be begun nothing is read, and a peer that is gone is noticed by what is written alone.
const PROBE: Duration = Duration::from_secs(20);

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
    let (sink, mut stream) = socket.split();
    let (answers, waiting) = mpsc::channel::<Owed>(16);
    let owed = watch::channel(0).0;
    let mut writer = tokio::spawn(write(sink, waiting, owed.clone(), limits));
    let room = Room {
        calls: Arc::new(Semaphore::new(limits.in_flight)),
        bytes: Arc::new(Semaphore::new(limits.in_flight_bytes)),
        owed: owed.clone(),
        limits,
    };
    let mut drowned = owed.subscribe();
    let mut calls = JoinSet::new();
    let ended = loop {
        let message = tokio::select! {
            message = stream.next() => message,
            _ = closing.wait_for(|closed| *closed) => break Ended::Closed,
            _ = answers.closed() => break Ended::SlowReader,
            _ = drowned.wait_for(|owed| *owed > limits.owed) => break Ended::SlowReader,
            Some(_) = calls.join_next(), if !calls.is_empty() => continue,
        };
        let bytes = match message {
            Some(Ok(Message::Text(text))) => websocket::Bytes::from(text),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_))) | None => break Ended::ByPeer,
            Some(Ok(_)) => continue,
            Some(Err(Error::Capacity(_))) => break Ended::Malformed,
            Some(Err(_)) => break Ended::ByPeer,
        };
        let room = room.of(bytes.len());
        tokio::pin!(room);
        let room = loop {
            tokio::select! {
                room = &mut room => break Ok(room),
                _ = closing.wait_for(|closed| *closed) => break Err(Ended::Closed),
                _ = answers.closed() => break Err(Ended::SlowReader),
                _ = drowned.wait_for(|owed| *owed > limits.owed) => break Err(Ended::SlowReader),
                () = tokio::time::sleep(PROBE) => {
                    // When the channel is full, what is in it is the probe.
                    let _ = answers.try_send(Owed::free(Message::Ping(websocket::Bytes::new())));
                }
            }
        };
        let room = match room {
            Ok(Some(room)) => room,
            Ok(None) => break Ended::Closed,
            Err(ended) => break ended,
        };
        let request = match Frame::parse(&bytes) {
            Ok(Frame::Request(request)) => request,
            // An answer that nobody asked for is ignored.
            Ok(Frame::Response(_)) => continue,
            Err(_) => break Ended::Malformed,
        };
        drop(bytes);
        let answered = answer(handler.clone(), request);
        let (handler, answers, owed) = (handler.clone(), answers.clone(), owed.clone());
        calls.spawn(async move {
            let text = answered.await;
            drop(room);
            let bytes = text.len();
            let Some(debt) = handler.owe(bytes) else {
                owed.send_replace(usize::MAX);
                return;
            };
            // One answer that is larger than all may be owed alone.
            owed.send_modify(|owed| {
                *owed = if *owed == 0 { bytes.min(limits.owed) } else { owed.saturating_add(bytes) }
            });
            // A closed channel means that nobody is there to be told.
            let _ = answers.send(Owed { message: Message::text(text), _debt: debt }).await;
        });
    };
    calls.shutdown().await;
    if ended != Ended::ByPeer {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let _ = answers.try_send(Owed::free(Message::Close(Some(frame))));
    }
    drop(answers);
    if tokio::time::timeout(Duration::from_secs(1), &mut writer).await.is_err() {
        writer.abort();
    }
    ended
}

/// What is to be written, with what is kept until it is.
struct Owed {
    message: Message,
    _debt: Box<dyn Send>,
}

impl Owed {
    fn free(message: Message) -> Owed {
        Owed { message, _debt: Box::new(()) }
    }
}

/// What a call needs to be begun.
struct Room {
    calls: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    owed: watch::Sender<usize>,
    limits: Limits,
}

impl Room {
    /// Waits until a call of so many bytes may be begun.
    async fn of(&self, bytes: usize) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let bytes = u32::try_from(bytes.min(self.limits.in_flight_bytes)).ok()?;
        let call = self.calls.clone().acquire_owned().await.ok()?;
        let bytes = self.bytes.clone().acquire_many_owned(bytes).await.ok()?;
        self.owed.subscribe().wait_for(|owed| *owed <= self.limits.owed / 4).await.ok()?;
        Some((call, bytes))
    }
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<Socket<S>, Message>,
    mut waiting: mpsc::Receiver<Owed>,
    owed: watch::Sender<usize>,
    limits: Limits,
) {
    while let Some(Owed { message, _debt }) = waiting.recv().await {
        let last = matches!(message, Message::Close(_));
        let bytes = if message.is_text() { message.len() } else { 0 };
        match tokio::time::timeout(limits.to_write(bytes), send(&mut sink, message)).await {
            Ok(Ok(())) if !last => owed.send_modify(|owed| *owed = owed.saturating_sub(bytes)),
            _ => return,
        }
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    sink: &mut SplitSink<Socket<S>, Message>,
    message: Message,
) -> Result<(), Error> {
    match message {
        Message::Text(text) => {
            for frame in websocket::frames(text) {
                sink.feed(frame).await?;
            }
            sink.flush().await
        }
        other => sink.send(other).await,
    }
}

/// Begins the call here, and runs it as what is returned is.
fn answer<H: Handler>(handler: Arc<H>, request: Request) -> impl Future<Output = String> + Send + use<H> {
    let (id, trace) = (request.request_id, request.trace.clone());
    let called = format!("{}.{}", request.facade, request.method);
    let run = AssertUnwindSafe(handler.call(request));
    async move {
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
}
