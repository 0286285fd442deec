//! A connection, both ends: certificates and TLS, the websocket, calls and answers.
//! Nothing here knows a facade; `api` and `client` do.

pub mod caller;
pub mod server;
pub mod tls;
pub mod websocket;
mod whole;

pub use caller::{CallError, Caller};
pub use server::{Ended, Handler, Limits, serve};
