//! Serving Juju's client API: the port, the connections, login, and one table of all calls.
//! It decides nothing about machines (`model` does) and talks to no cloud. The surprise: whether a caller may is settled from the table
//! before the method runs, and what is not in the table nobody may.

pub mod agents;
mod audit;
mod auth;
mod call;
mod convert;
pub mod doors;
mod error;
mod facade;
mod http;
mod limits;
mod login;
pub mod metrics;
mod places;
mod room;
mod server;
mod session;
mod strangers;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod watcher;

pub use auth::{HashFailed, Passwords};
pub use doors::{
    AgentDoors, AgentSocket, Attributes, Clear, CloudAdvice, CloudsAsked, DoorReply, KeySource, KeySourceError,
    NoAdvice, NoDoors, NoHosts, NoKeySource, Seals, TakesIn, opened, sealed,
};
pub use facade::cloud::kept as kept_cloud;
pub use limits::Limits;
pub use metrics::Metrics;
pub use server::{Handle, Server, ServerParts};
