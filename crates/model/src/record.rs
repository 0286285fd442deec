//! What is kept, noun by noun: one JSON value under one readable key each (`key.rs` has the keys).
//! Records know nothing of the wire and nothing of clouds; they say what the controller believes.
//! The surprise: a machine is three records (`machine`, `instance`, `agent`), one for each who writes: the user, the reconcilers, the agent.
//! So that these never wait for one another's commit. Every record reads a value in which newer fields are absent (`serde(default)`).

pub mod access;
pub mod address;
pub mod agent;
pub mod annotation;
pub mod block;
pub mod cloud;
pub mod controller;
pub mod credential;
pub mod enrolment;
pub mod instance;
pub mod key;
pub mod machine;
pub mod model;
pub mod operation;
pub mod sequence;
pub mod settings;
pub mod status;
pub mod task;
pub mod user;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record: how it becomes the store's bytes and comes back.
pub trait Record: Serialize + DeserializeOwned {
    /// The word for it in messages: `machine`.
    const NOUN: &'static str;
}

/// A stored value that is not the record its key says.
#[derive(Debug, thiserror::Error)]
#[error("stored {noun} is not readable")]
pub struct Unreadable {
    pub noun: &'static str,
    #[source]
    pub cause: serde_json::Error,
}

pub fn decode<R: Record>(bytes: &[u8]) -> Result<R, Unreadable> {
    serde_json::from_slice(bytes).map_err(|cause| Unreadable { noun: R::NOUN, cause })
}

/// Records are plain data with text keys, which JSON can always hold.
pub fn encode<R: Record>(record: &R) -> Vec<u8> {
    serde_json::to_vec(record).expect("plain data with text keys")
}
