//! Who one is, and what a login may answer (`wire/protocol.md` 3).

use crate::dial::DialError;
use base::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rpc::CallError;
use serde_json::Value;
use wire::macaroon::{self, Macaroon};

/// A user and a way to prove it. Without a password and macaroons the server says what it wants.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// User name without `user-`; empty when it is not known yet.
    pub user: String,
    pub password: Secret,
    /// Macaroon slices as kept in the cookie file.
    pub macaroons: Vec<Vec<Macaroon>>,
    /// The command line, for the audit log.
    pub cli_args: String,
}

impl Credentials {
    /// The same proof as headers of HTTP.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let basic = STANDARD.encode(format!("user-{}:{}", self.user, self.password.reveal()));
        let basic = ("Authorization", format!("Basic {basic}"));
        let shown = self.macaroons.iter().filter(|_| self.password.is_empty()).map(|slice| macaroon::to_cookie(slice));
        std::iter::once(basic).chain(shown.map(|value| ("Macaroons", value))).collect()
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("unable to connect to API")]
    Dial(#[source] DialError),
    /// The server's own words and code.
    #[error("{0}")]
    Refused(wire::Error),
    /// The server wants a macaroon discharged first.
    #[error("macaroon discharge required")]
    Discharge(Value),
    #[error("connection is shut down")]
    Closed,
    #[error("the login answer cannot be read")]
    Shape(#[source] serde_json::Error),
}

impl From<CallError> for LoginError {
    fn from(error: CallError) -> LoginError {
        match error {
            CallError::Refused(error) => LoginError::Refused(error),
            CallError::Closed => LoginError::Closed,
            CallError::Shape { source, .. } => LoginError::Shape(source),
        }
    }
}
