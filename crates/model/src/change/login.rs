//! Noting when a user was last seen; at most once a minute, since some clients log in for every call.

use super::{Decision, Given};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::encode;
use crate::record::user::LastLogin;
use base::{ModelUuid, Refusal};
use std::time::Duration;
use store::Txn;

const EVERY: Duration = Duration::from_secs(60);

pub fn seen(beliefs: &Beliefs, user: &str, model: Option<ModelUuid>, given: Given<'_>) -> Result<Decision, Refusal> {
    let last = beliefs.logins.get(&(user.to_owned(), model));
    if last.is_some_and(|last| given.now.since(*last) < EVERY) {
        return Ok(Decision::nothing(()));
    }
    let mut txn = Txn::new();
    txn.put(key::login(user, model), encode(&LastLogin { at: given.now }));
    Ok(Decision::new(txn, ()))
}
