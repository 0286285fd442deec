//! Calling a controller: dialling, login, calls, watches, the log stream; the files through which it is found; and a page of the web.
//! Never prints; knows nothing of commands.

pub mod connection;
pub mod dial;
pub mod discharge;
pub mod fetch;
pub mod files;
pub mod keepalive;
pub mod log_stream;
pub mod login;
pub mod post;
pub mod probe;
pub mod register;
pub mod tunnel;
pub mod versions;

pub use connection::Connection;
pub use dial::{DialError, Place, Target};
pub use login::{Credentials, LoginError};
pub use rpc::CallError;
