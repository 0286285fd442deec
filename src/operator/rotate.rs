//! A change of CA, by the running controller: agents are told by nobody else.

use super::failed;
use crate::control::{self, Question};
use crate::layout::Layout;
use cli::bootstrap::BootstrapError;
use cli::operating::Rotation;

pub async fn rotate(uuid: &str, finish: bool, force: bool) -> Result<Rotation, BootstrapError> {
    let answer = control::ask(&Layout::new(uuid), &Question::RotateCa { finish, force }).await;
    let answer = answer.map_err(|error| BootstrapError {
        message: format!("cannot ask the running controller: {error}"),
        hints: vec!["It must run, and root alone may ask it.".into()],
    })?;
    match answer.error {
        Some(error) => Err(failed(error)),
        None => serde_json::from_value(answer.said).map_err(|error| failed(format!("cannot read its answer: {error}"))),
    }
}
