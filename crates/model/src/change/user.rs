//! Users: their passwords, and what they are given and lose. Passwords come here as hashes only.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key::{self, Object};
use crate::record::access::Access;
use crate::record::user::User;
use base::{Kind, Refusal, Secret};
use store::{Guard, Txn};

pub fn add(
    beliefs: &Beliefs,
    name: &str,
    display_name: &str,
    password_hash: Option<Secret>,
    by: &str,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    if !base::tag::is_user_name(name) || name.contains('@') {
        return Err(Refusal::plain(format!("invalid username {name:?}")));
    }
    match beliefs.users.get(name) {
        Some(user) if user.removed => {
            return Err(Refusal::new(Kind::AlreadyExists, "failed to create user: username unavailable"));
        }
        Some(_) => {
            return Err(Refusal::new(
                Kind::AlreadyExists,
                format!("failed to create user: user {name} already exists"),
            ));
        }
        None => {}
    }
    let user = User {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        created_by: by.to_owned(),
        created: given.now,
        password_hash,
        disabled: false,
        removed: false,
    };
    let mut txn = Txn::new();
    txn.add(key::user(name), &user);
    let access = Access { level: "login".into() };
    txn.put(key::access(&Object::Controller, name), crate::record::encode(&access));
    Ok(Decision::new(txn, ()))
}

pub fn set_password(beliefs: &Beliefs, name: &str, hash: &Secret, _: Given<'_>) -> Result<Decision, Refusal> {
    change(beliefs, name, |user| user.password_hash = Some(hash.clone()))
}

pub fn set_disabled(beliefs: &Beliefs, name: &str, disabled: bool, _: Given<'_>) -> Result<Decision, Refusal> {
    change(beliefs, name, |user| user.disabled = disabled)
}

pub fn remove(beliefs: &Beliefs, name: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let controller = beliefs.controller()?;
    let owner = beliefs
        .models
        .get(&controller.model_uuid)
        .and_then(|within| within.model.as_ref())
        .map(|model| model.owner.as_str());
    if owner == Some(name) {
        return Err(Refusal::plain(format!("cannot delete controller owner {name:?}")));
    }
    change(beliefs, name, |user| {
        user.removed = true;
        user.password_hash = None;
    })
}

fn change(beliefs: &Beliefs, name: &str, how: impl FnOnce(&mut User)) -> Result<Decision, Refusal> {
    let Some(read) = beliefs.users.get(name) else {
        return Err(Refusal::new(Kind::UserNotFound, format!("user {name:?} not found")));
    };
    if read.removed {
        return Err(Refusal::new(Kind::UserNotFound, format!("user {name:?} is permanently deleted")));
    }
    let mut record = read.to_record();
    how(&mut record);
    let mut txn = Txn::new();
    if record != **read {
        txn.update(key::user(name), read, &record);
    }
    Ok(Decision::new(txn, ()))
}

/// Levels of an object in rising order.
fn ladder(object: &Object) -> &'static [&'static str] {
    match object {
        Object::Controller => &["login", "superuser"],
        Object::Model(_) => &["read", "write", "admin"],
        Object::Cloud(_) => &["add-model", "admin"],
    }
}

pub fn grant(beliefs: &Beliefs, object: &Object, user: &str, level: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let ladder = ladder(object);
    let Some(wanted) = ladder.iter().position(|word| *word == level) else {
        return Err(Refusal::new(Kind::NotValid, format!("{level:?} access not valid")));
    };
    if !user.contains('@') && beliefs.users.get(user).is_none_or(|user| user.removed) {
        return Err(Refusal::new(Kind::UserNotFound, format!("user {user:?} not found")));
    }
    let read = beliefs.access.get(&(object.clone(), user.to_owned()));
    let present = read.and_then(|level| ladder.iter().position(|word| *word == level.as_str()));
    if present >= Some(wanted) {
        return Err(Refusal::plain(format!("user already has {level:?} access or greater")));
    }
    let mut txn = Txn::new();
    put(&mut txn, object, user, read.map(|read| read.revision), Some(level));
    Ok(Decision::new(txn, ()))
}

/// Leaves the level below the one revoked.
pub fn revoke(beliefs: &Beliefs, object: &Object, user: &str, level: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let ladder = ladder(object);
    let Some(at) = ladder.iter().position(|word| *word == level) else {
        return Err(Refusal::plain(format!("don't know how to revoke {level:?} access")));
    };
    let Some(read) = beliefs.access.get(&(object.clone(), user.to_owned())) else {
        return Err(Refusal::new(Kind::NotFound, format!("user {user:?} does not have access")));
    };
    let present = ladder.iter().position(|word| *word == read.as_str());
    let mut txn = Txn::new();
    if present >= Some(at) {
        let left = at.checked_sub(1).and_then(|below| ladder.get(below).copied());
        put(&mut txn, object, user, Some(read.revision), left);
    }
    Ok(Decision::new(txn, ()))
}

fn put(txn: &mut Txn, object: &Object, user: &str, read: Option<store::Revision>, level: Option<&str>) {
    let key = key::access(object, user);
    txn.guard(key.clone(), read.map_or(Guard::Absent, Guard::At));
    match level {
        Some(level) => txn.put(key, crate::record::encode(&Access { level: level.to_owned() })),
        None => txn.delete(key),
    };
}
