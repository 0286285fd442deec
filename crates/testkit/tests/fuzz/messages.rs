//! One message by itself: the envelope of a call, and what agents and controllers say to each other.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::agent::{FromAgent, ToAgent};
use wire::envelope::{self, Frame};

use crate::engine::{Target, logged, sentence};

pub fn frames() -> Target {
    Target::new(|input| match Frame::parse(input) {
        Ok(Frame::Request(request)) => {
            let text = request.to_text();
            let again =
                Frame::parse(text.as_bytes()).unwrap_or_else(|e| panic!("prints as {text}, which is refused: {e}"));
            let Frame::Request(mut again) = again else { panic!("a request prints as a response: {text}") };
            if request.params.is_null() {
                again.params = serde_json::Value::Null;
            }
            assert_eq!(again, request, "{text}");
            let answer =
                envelope::error_text(request.request_id, &request.trace, &wire::Error::new(request.method, "code"));
            assert!(matches!(Frame::parse(answer.as_bytes()), Ok(Frame::Response(_))), "{answer}");
        }
        Ok(Frame::Response(response)) => {
            let was_error = !response.error.is_empty();
            assert_eq!(response.into_result().is_err(), was_error);
        }
        Err(error) => sentence(&error.to_string(), input),
    })
    .json()
    .words(&[
        "request-id",
        "type",
        "version",
        "id",
        "request",
        "params",
        "error",
        "error-code",
        "error-info",
        "response",
        "trace-id",
        "span-id",
    ])
}

fn message<T: Serialize + DeserializeOwned + Debug>(input: &[u8]) {
    match serde_json::from_slice::<T>(input) {
        Ok(message) => {
            let value = serde_json::to_value(&message).expect("plain data");
            let again: T = serde_json::from_value(value.clone())
                .unwrap_or_else(|e| panic!("prints as {value}, which is refused: {e}"));
            // Not by what is printed of both: a field that the printer forgets would be missing twice.
            assert_eq!(format!("{again:?}"), format!("{message:?}"), "prints as {value}");
        }
        Err(error) => logged(&error, input),
    }
}

pub fn to_agent() -> Target {
    Target::new(message::<ToAgent>).json().words(&[
        "document",
        "cancel-task",
        "task-ack",
        "certificate",
        "ping",
        "revision",
        "full",
        "desired-version",
        "authorized-keys",
        "addresses",
        "life",
        "dying",
        "tasks",
        "timeout",
        "run-as",
        "env",
        "execution-group",
        "cancel",
    ])
}

pub const FROM_AGENT: &[&str] = &[
    "hello",
    "facts",
    "status",
    "task-started",
    "task-output",
    "task-done",
    "log",
    "renew",
    "pong",
    "outcome",
    "exited",
    "signalled",
    "timed-out",
    "interrupted",
    "failed",
    "code",
    "signal",
    "stdout",
    "stderr",
    "offset",
    "data",
    "interfaces",
    "addresses",
    "10.0.0.5/24",
    "fd00::1/128",
    "id",
];

pub fn from_agent() -> Target {
    Target::new(message::<FromAgent>).json().words(FROM_AGENT)
}
