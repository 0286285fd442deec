//! Juju's contract as data: the envelope of a call, codes, facade types, watcher deltas, HTTP paths; how YAML is printed.
//! No IO. What is believed about machines lives in `model`, which this crate must not know.

pub mod agent;
pub mod code;
pub mod delta;
pub mod envelope;
pub mod error;
pub mod facade;
pub mod lenient;
pub mod macaroon;
pub mod omit;
pub mod path;
pub mod registration;
pub mod secretbox;
pub mod shared;
pub mod yaml;

pub use envelope::{Frame, Request, Response};
pub use error::Error;
