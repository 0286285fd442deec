//! What is kept, noun by noun: one JSON value under one readable key each (`key.rs` has the keys).
//! Records know nothing of the wire and nothing of clouds; they say what the controller believes.
//! The surprise: a machine is three records (`machine`, `instance`, `agent`), one for each who writes: the user, the reconcilers, the agent.
//! So that these never wait for one another's commit. Every record reads a value in which newer fields are absent (`serde(default)`).

pub mod access;
pub mod address;
pub mod agent;
pub mod annotation;
pub mod bakery;
pub mod block;
pub mod cloud;
pub mod controller;
pub mod credential;
pub mod enrolment;
pub mod instance;
pub mod key;
pub mod machine;
pub mod model;
pub mod model_defaults;
pub mod network;
pub mod operation;
pub mod sequence;
pub mod settings;
pub mod status;
pub mod storage;
pub mod task;
pub mod upgrade;
pub mod user;

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Value;

/// A record: how it becomes the store's bytes and comes back.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The word for it in messages: `machine`.
    const NOUN: &'static str;
}

/// Records are plain data with text keys, which JSON can always hold.
pub fn encode<R: Record>(record: &R) -> Value {
    Value::of(record).expect("plain data with text keys")
}
