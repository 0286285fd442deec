//! The debug-log stream: what was logged before, then what comes, as one JSON object a frame (`wire/protocol.md` 1.10).
//! The surprise: the first frame is always an error object, `{}` and a newline when there is none; clients compare the text.

mod query;

use super::{Reply, basic, upgrade};
use crate::doors::AgentSocket;
use crate::error;
use crate::server::Shared;
use base::clock::Time;
use base::{ModelUuid, Refusal};
use futures_util::{SinkExt, StreamExt};
use hyper::Request;
use hyper::body::Incoming;
use model::access::{self, ModelLevel, Need};
use query::Query;
use rpc::websocket::{CloseCode, CloseFrame, Message};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::append::{Level, Line};

/// A stream ends after this (`max-debug-log-duration`).
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub async fn answer(shared: Arc<Shared>, request: Request<Incoming>, model: Option<ModelUuid>) -> Reply {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let admitted = admit(&shared, &request, model).await;
    upgrade(request, 4096, move |socket| async move {
        match admitted {
            Ok(model) => {
                let _ = tokio::time::timeout(LONGEST, stream(shared, socket, model, query)).await;
            }
            Err(refusal) => refuse(socket, &refusal).await,
        }
    })
}

async fn admit(shared: &Shared, request: &Request<Incoming>, model: Option<ModelUuid>) -> Result<ModelUuid, Refusal> {
    let user = basic::authenticate(shared, request.headers()).await?;
    let read = shared.state.read();
    let model = match model {
        Some(model) => model,
        None => read.controller()?.model_uuid,
    };
    read.in_model(model)?;
    match access::allows(&read, &user, Some(model), Need::Model(ModelLevel::Read)) {
        true => Ok(model),
        false => Err(Refusal::denied()),
    }
}

async fn refuse(mut socket: AgentSocket, refusal: &Refusal) {
    let error = error::wire(refusal);
    let _ = socket.send(Message::text(format!("{}\n", json!({ "error": error })))).await;
    let frame = CloseFrame { code: CloseCode::Away, reason: "".into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
}

async fn stream(shared: Arc<Shared>, mut socket: AgentSocket, model: ModelUuid, query: Query) {
    let logs = shared.append.logs();
    let name = model.to_string();
    let query = Arc::new(query);
    let wanted = |query: Arc<Query>| move |line: &Line| query.wants(line);
    if socket.send(Message::text("{}\n")).await.is_err() {
        return;
    }
    let Ok((backlog, end)) = logs.backlog(&name, query.backlog(), wanted(query.clone())).await else { return };
    for logged in &backlog {
        if socket.send(Message::text(text(&logged.line))).await.is_err() {
            return;
        }
    }
    if query.tail {
        let mut tail = logs.tail(&name, end, wanted(query.clone()));
        let mut closing = shared.closing.clone();
        loop {
            let lines = tokio::select! {
                lines = tail.next() => lines,
                _ = closing.wait_for(|closing| *closing) => break,
                message = socket.next() => match message {
                    Some(Ok(message)) if !message.is_close() => continue,
                    _ => return,
                },
            };
            let Ok(lines) = lines else { break };
            for logged in &lines {
                if socket.send(Message::text(text(&logged.line))).await.is_err() {
                    return;
                }
            }
        }
    }
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let _ = socket.send(Message::Close(Some(frame))).await;
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
