//! What an operator of the controller's own host may set right: the access of a user who has lost it.
//! It asks for nobody's leave: whoever may write the database needs none.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key::{self, Object};
use crate::record::access::Access;
use crate::record::encode;
use crate::record::user::User;
use base::{Kind, Refusal, Secret};
use store::{Guard, Txn};

/// Gives a user a password, enables it, and makes it superuser again: whichever of the three was lost.
pub fn superuser(beliefs: &Beliefs, name: &str, hash: &Secret, _: Given<'_>) -> Result<Decision, Refusal> {
    let Some(read) = beliefs.users.get(name).filter(|user| !user.removed) else {
        return Err(Refusal::new(Kind::UserNotFound, format!("user {name:?} not found")));
    };
    let mut txn = Txn::new();
    let record =
        User { password_hash: Some(hash.clone()), registration: String::new(), disabled: false, ..read.to_record() };
    txn.update(key::user(name), read, &record);
    let level = beliefs.access.get(&(Object::Controller, name.to_owned()));
    if level.is_none_or(|level| level.as_str() != "superuser") {
        let key = key::access(&Object::Controller, name);
        txn.guard(key.clone(), level.map_or(Guard::Absent, |level| Guard::At(level.revision)));
        txn.put(key, encode(&Access { level: "superuser".to_owned() }));
    }
    Ok(Decision::new(txn, ()))
}
