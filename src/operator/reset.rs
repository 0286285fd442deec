//! A new password for a controller's first user: by the running controller, or in its database while it is stopped.
//! The surprise: nobody is asked which of the two it is; the directory's lock says.

use super::failed;
use crate::bootstrap::records::ADMIN;
use crate::control::{self, Question};
use crate::layout::Layout;
use base::chance::SystemChance;
use base::clock::SystemClock;
use base::{Refusal, Secret};
use cli::bootstrap::BootstrapError;
use model::State;
use model::change::recover;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store::sqlite::{Options, Sqlite};
use store::{Directory, OpenError};

/// Gives the user's name.
pub async fn reset(uuid: &str, password: &Secret) -> Result<String, BootstrapError> {
    let layout = Layout::new(uuid);
    let hash = api::Passwords::hash_now(password.reveal(), &SystemChance).map_err(|error| failed(error.to_string()))?;
    match Directory::open(&layout.dir()) {
        Ok(directory) => on_disk(Arc::new(directory), &hash).await?,
        Err(OpenError::Locked { pid, .. }) => {
            let question = Question::ResetPassword { user: ADMIN.to_owned(), hash };
            let answer = control::ask(&layout, &question).await.map_err(|error| BootstrapError {
                message: format!("cannot ask the running controller (process {pid}): {error}"),
                hints: vec!["Stop it and try again: its database is changed then.".into()],
            })?;
            if let Some(error) = answer.error {
                return Err(failed(error));
            }
        }
        Err(OpenError::File { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
            return Err(BootstrapError {
                message: format!("cannot open {}: {source}", layout.dir().display()),
                hints: vec!["Run it as root.".into()],
            });
        }
        Err(error) => return Err(failed(format!("cannot open the data directory: {error}"))),
    }
    Ok(ADMIN.to_owned())
}

async fn on_disk(directory: Arc<Directory>, hash: &Secret) -> Result<(), BootstrapError> {
    let store = Sqlite::open(directory.clone(), Options::default())
        .map_err(|error| failed(format!("cannot open the database: {error}")))?;
    let state = State::open(Arc::new(store), Arc::new(SystemClock), Arc::new(SystemChance)).await;
    let state = state.map_err(|error| failed(format!("cannot read the database: {error}")))?;
    let done = set(&state, ADMIN, hash).await;
    drop(state);
    // The database's own thread lets the directory go a moment later, and a controller that is started next must find it free.
    while Arc::strong_count(&directory) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    done.map_err(|refusal| failed(refusal.words()))
}

/// The change itself, which the running controller makes too.
pub async fn set(state: &State, user: &str, hash: &Secret) -> Result<(), Refusal> {
    state.change(|beliefs, given| recover::superuser(beliefs, user, hash, given)).await?;
    tracing::warn!(user, "password was reset by this host's operator");
    Ok(())
}
