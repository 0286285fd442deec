//! The debug-log stream: what was logged before, then what comes, as one JSON object a frame (`wire/protocol.md` 1.10).
//! The surprise: the first frame is always an error object, `{}` and a newline when there is none; clients compare the text.

mod query;

use super::{Reply, basic, upgrade};
use crate::doors::AgentSocket;
use crate::error;
use crate::places::Place;
use crate::server::Shared;
use crate::strangers::{Seat, Source};
use base::clock::Time;
use base::{ModelUuid, Refusal};
use futures_util::{SinkExt, StreamExt};
use hyper::Request;
use hyper::body::Incoming;
use model::access::{self, ModelLevel, Need};
use query::Query;
use rpc::websocket::{self, CloseCode, CloseFrame, Message};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::append::{Level, Line};

/// How long the last frame may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// A stream ends after this (`max-debug-log-duration`).
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub async fn answer(shared: Arc<Shared>, request: Request<Incoming>, seat: Seat, model: Option<ModelUuid>) -> Reply {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let admitted = admit(&shared, seat.source(), &request, model).await;
    upgrade(request, move |io| async move {
        let mut socket = websocket::server_end(io, 4096).await;
        let told = match admitted {
            Ok(reader) => {
                seat.known();
                let read = stream(&shared, &mut socket, &reader, query);
                tokio::time::timeout(LONGEST, read).await.unwrap_or(Ok(CloseCode::Normal))
            }
            Err(refusal) => {
                let error = json!({ "error": error::wire(&refusal) });
                say(&shared, &mut socket, format!("{error}\n")).await.map(|()| CloseCode::Away)
            }
        };
        if let Ok(code) = told {
            let frame = CloseFrame { code, reason: "".into() };
            let _ = tokio::time::timeout(FAREWELL, socket.send(Message::Close(Some(frame)))).await;
        }
    })
}

/// Whoever reads a model's log.
struct Reader {
    model: ModelUuid,
    stream: Place,
}

impl Reader {
    /// Access may be taken away while a stream is open.
    fn may(&self, shared: &Shared) -> bool {
        let read = shared.state.read();
        access::allows(&read, self.stream.user(), Some(self.model), Need::Model(ModelLevel::Read))
    }
}

async fn admit(
    shared: &Shared,
    from: Source,
    request: &Request<Incoming>,
    model: Option<ModelUuid>,
) -> Result<Reader, Refusal> {
    let user = basic::authenticate(shared, from, request.headers()).await?;
    let read = shared.state.read();
    let model = match model {
        Some(model) => model,
        None => read.controller()?.model_uuid,
    };
    read.in_model(model)?;
    match access::allows(&read, &user, Some(model), Need::Model(ModelLevel::Read)) {
        true => Ok(Reader { model, stream: shared.log_streams.open(&user)? }),
        false => Err(Refusal::denied()),
    }
}

/// Between two looks whether the user still may, when there is nothing to say.
const LOOK: Duration = Duration::from_secs(5);

/// The reader is gone, or does not read.
struct Gone;

async fn say(shared: &Shared, socket: &mut AgentSocket, text: String) -> Result<(), Gone> {
    match tokio::time::timeout(shared.limits.write, socket.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Gone),
    }
}

async fn stream(shared: &Shared, socket: &mut AgentSocket, reader: &Reader, query: Query) -> Result<CloseCode, Gone> {
    let logs = shared.append.logs();
    let name = reader.model.to_string();
    let query = Arc::new(query);
    let wanted = |query: Arc<Query>| move |line: &Line| query.wants(line);
    say(shared, socket, "{}\n".into()).await?;
    // What is in memory is a page, however much is wanted: a slow reader may take a day.
    let (mut at, end) = begin(shared, &name, &query).await.ok_or(Gone)?;
    while at < end {
        let (lines, last) = logs.page(&name, at, wanted(query.clone())).await.map_err(|_| Gone)?;
        for logged in lines.iter().filter(|logged| logged.id <= end) {
            say(shared, socket, text(&logged.line)).await?;
        }
        at = last.unwrap_or(end).min(end);
        if !reader.may(shared) {
            return Ok(CloseCode::Policy);
        }
    }
    if !query.tail {
        return Ok(CloseCode::Normal);
    }
    let mut tail = logs.tail(&name, end, wanted(query.clone()));
    let mut closing = shared.closing.clone();
    loop {
        let lines = tokio::select! {
            lines = tail.next() => lines,
            // Nothing comes, and yet the right to read may go.
            () = tokio::time::sleep(LOOK) => Ok(Vec::new()),
            _ = closing.wait_for(|closing| *closing) => return Ok(CloseCode::Normal),
            message = socket.next() => match message {
                Some(Ok(message)) if !message.is_close() => continue,
                _ => return Err(Gone),
            },
        };
        if !reader.may(shared) {
            return Ok(CloseCode::Policy);
        }
        let Ok(lines) = lines else { return Ok(CloseCode::Normal) };
        for logged in &lines {
            say(shared, socket, text(&logged.line)).await?;
        }
    }
}

/// After which line to begin, and the last line that was there.
async fn begin(shared: &Shared, name: &str, query: &Arc<Query>) -> Option<(i64, i64)> {
    let _turn = shared.log_streams.search().await?;
    let asked = query.clone();
    let backlog = query.backlog();
    let found = shared.append.logs().backlog(name, backlog.or(Some(0)), move |line| asked.wants(line)).await;
    let (lines, end) = found.ok()?;
    let first = lines.first().map(|logged| logged.id - 1);
    Some((if backlog.is_none() { 0 } else { first.unwrap_or(end) }, end))
}

fn text(line: &Line) -> String {
    let seconds = line.at.div_euclid(1_000_000);
    let micros = u64::try_from(line.at.rem_euclid(1_000_000)).unwrap_or(0);
    let at = Time::from_unix(seconds).plus(Duration::from_micros(micros));
    let labels: Option<Vec<&String>> = (!line.labels.is_empty()).then(|| line.labels.keys().collect());
    let line = json!({
        "tag": line.entity, "ts": at, "sev": level(line.level), "mod": line.module, "loc": line.location, "msg": line.message,
        "lab": labels,
    });
    line.to_string()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRACE",
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
        Level::Critical => "CRITICAL",
    }
}
