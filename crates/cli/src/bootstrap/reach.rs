//! Logging in to a controller that has just been made elsewhere, from here: one that nobody can reach is no use.

use std::time::Duration;

use client::{Connection, Credentials, LoginError, Place, Target};
use tokio::time::Instant;

use super::{BootstrapError, BootstrapParams, BootstrapResult, Progress};

/// A new controller answers within a second; a host under load gets its time.
pub const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_millis(500);

/// `host` is where it is, for people.
pub async fn reach(
    params: &BootstrapParams,
    made: &BootstrapResult,
    host: &str,
    patience: Duration,
    progress: Progress<'_>,
) -> Result<(), BootstrapError> {
    progress(&format!("Contacting Juju controller at {host} to verify accessibility..."));
    let target = Target { addresses: made.endpoints.clone(), ca_pem: made.ca_cert.clone() };
    let who = Credentials { user: "admin".into(), password: params.admin_password.clone(), ..Credentials::default() };
    let begun = Instant::now();
    let mut tries = 0;
    loop {
        tries += 1;
        let opened = tokio::time::timeout(patience, Connection::open(&target, Place::Controller, &who)).await;
        let words = match opened {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(LoginError::Refused(error))) => {
                let message = format!("the new controller refused its admin: {error}");
                return Err(BootstrapError { message, hints: Vec::new() });
            }
            Ok(Err(error)) => base::chain(&error),
            Err(_) => "no answer".to_owned(),
        };
        if begun.elapsed() >= patience {
            return Err(BootstrapError {
                message: format!("unable to contact api server after {tries} attempts: {words}"),
                hints: vec![format!(
                    "The controller's port has to be reachable from here, at one of: {}\n\
                     Open it in the firewalls on the way, or choose another with --config api-port=PORT.",
                    made.endpoints.join(", ")
                )],
            });
        }
        tokio::time::sleep(BETWEEN).await;
    }
}
