//! Calls of a client that has every right, on a controller connection and on a model connection, through the whole server.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rpc::websocket::{self, Message, Socket};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use wire::envelope::{Frame, Response};

use crate::engine::{Target, sentence};
use crate::rig::{Rig, model};

/// After so many cases the controller is made anew.
const CASES: u32 = 200;
/// How long an answer may take that may never come: some calls wait for something to happen.
const PATIENCE: Duration = Duration::from_millis(10);
const SOON: Duration = Duration::from_secs(20);
/// Of the call that ends a case.
const MARK: u64 = 999_999_999_999;

struct Client {
    socket: Socket<DuplexStream>,
}

enum Outcome {
    Answered(Response),
    /// No answer, for now.
    Waits,
    Closed,
}

impl Client {
    async fn log_in(stream: DuplexStream, path: &str) -> Option<Client> {
        let socket = websocket::connect(stream, "localhost", path, &[], 64 << 20).await.expect("upgrades");
        let mut client = Client { socket };
        let params =
            json!({"auth-tag": "user-admin", "credentials": testkit::assembly::PASSWORD, "client-version": "3.6.28"});
        let frame = json!({"request-id": 1, "type": "Admin", "version": 3, "request": "Login", "params": params});
        match client.ask(&frame.to_string(), Some(1), SOON).await {
            Outcome::Answered(answer) if answer.error.is_empty() => Some(client),
            _ => None,
        }
    }

    /// Sends a frame, then one that is always answered; gives the answer to the first, if it has an id and comes.
    async fn ask(&mut self, frame: &str, id: Option<u64>, patience: Duration) -> Outcome {
        let mark = json!({"request-id": MARK, "type": "Pinger", "version": 1, "request": "Ping", "params": {}});
        for text in [frame, &mark.to_string()] {
            if self.socket.send(Message::text(text)).await.is_err() {
                return Outcome::Closed;
            }
        }
        let (mut marked, mut answered) = (false, None);
        while !marked || (id.is_some() && answered.is_none()) {
            let patience = if marked { patience } else { SOON };
            let message = match tokio::time::timeout(patience, self.socket.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(None | Some(Err(_))) => return Outcome::Closed,
                Err(_) => {
                    assert!(marked, "the connection does not answer any more");
                    break;
                }
            };
            match message {
                Message::Text(text) => {
                    let Ok(Frame::Response(answer)) = Frame::parse(text.as_bytes()) else {
                        panic!("no answer: {text}")
                    };
                    assert!(!text.contains("quote incident"), "{text}");
                    match answer.request_id {
                        MARK => marked = true,
                        other if Some(other) == id => answered = Some(answer),
                        _ => {}
                    }
                }
                Message::Close(_) => return Outcome::Closed,
                _ => {}
            }
        }
        answered.map_or(Outcome::Waits, Outcome::Answered)
    }
}

/// Nothing of it was done: the call was refused, or each of its items.
fn is_refused(answer: &Response) -> bool {
    let results = answer.response.get("results").and_then(Value::as_array);
    !answer.error.is_empty()
        || results.is_some_and(|all| {
            !all.is_empty() && all.iter().all(|one| one.get("error").is_some_and(|error| !error.is_null()))
        })
}

fn try_frame(rig: &Rig, place: &mut Option<Client>, path: &str, frame: &str) -> bool {
    if place.is_none() {
        let (stream, _) = rig.dial();
        *place = rig.runtime.block_on(Client::log_in(stream, path));
    }
    // Somebody destroyed what we log in to, or changed the password.
    let Some(client) = place else { return false };
    let id = match Frame::parse(frame.as_bytes()) {
        Ok(Frame::Request(request)) if request.request_id != MARK => Some(request.request_id),
        _ => None,
    };
    let before = rig.state.read().revision();
    let outcome = rig.runtime.block_on(client.ask(frame, id, PATIENCE));
    match outcome {
        Outcome::Answered(answer) => {
            if is_refused(&answer) {
                assert_eq!(rig.state.read().revision(), before, "refused, but something was changed: {answer:?}");
            }
            if !answer.error.is_empty() {
                sentence(&answer.error, frame.as_bytes());
            }
        }
        Outcome::Waits | Outcome::Closed => *place = None,
    }
    true
}

pub fn calls() -> Target {
    let mut rig: Option<Rig> = None;
    let (mut of_controller, mut of_model, mut cases) = (None, None, 0);
    Target::new(move |input| {
        cases += 1;
        if cases % CASES == 0 {
            (of_controller, of_model, rig) = (None, None, None);
        }
        let rig_now = rig.get_or_insert_with(Rig::new);
        let frame = String::from_utf8_lossy(input);
        let path = format!("/model/{}/api", model());
        let whole =
            try_frame(rig_now, &mut of_controller, "/api", &frame) && try_frame(rig_now, &mut of_model, &path, &frame);
        if !whole {
            (of_controller, of_model, rig) = (None, None, None);
        }
    })
    .json()
    .words(WORDS)
    .cases(100)
}

const WORDS: &[&str] = &[
    "request-id",
    "params",
    "entities",
    "tag",
    "machine-0",
    "machine-1",
    "machine-0-lxd-0",
    "user-admin",
    "user-everyone@external",
    "model-",
    "a0a0a0a0-0000-4000-8000-00000000a0a0",
    "controller-c0c0c0c0-0000-4000-8000-00000000c0c0",
    "cloud-fake",
    "cloudcred-fake_admin_default",
    "action-1",
    "operation-1",
    "unit-x-0",
    "application-x",
    "constraints",
    "placement",
    "scope",
    "directive",
    "parallel",
    "timeout",
    "force",
    "max-wait",
    "patterns",
    "results",
    "Next",
    "Stop",
    "1",
    "read",
    "superuser",
    "grant",
    "revoke",
    "add",
    "host-cloud-region",
    "ssh-ed25519 AAAA x",
];
