//! Users: their passwords, and what they are given and lose. Passwords come here as hashes only.

use super::{Decision, Given, TxnExt, block};
use crate::beliefs::Beliefs;
use crate::key::{self, Object};
use crate::record::access::Access;
use crate::record::block::BlockKind;
use crate::record::user::User;
use base::{Kind, Refusal, Secret};
use store::{Guard, Txn};

/// Grants taken in one transaction.
const AT_ONCE: usize = 40;

/// How a user proves to be who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A hash.
    Password(Secret),
    /// The key of a registration, sealed: the user sets a password with it.
    Registration(String),
}

/// The switch against all changes, of the controller's model, holds for users too.
fn not_blocked(beliefs: &Beliefs) -> Result<(), Refusal> {
    block::check(beliefs.in_model(beliefs.controller()?.model_uuid)?, BlockKind::Change)
}

/// Whether there may be a new user of this name. To be asked before a password is hashed, which takes far longer.
pub fn may_add(beliefs: &Beliefs, name: &str) -> Result<(), Refusal> {
    not_blocked(beliefs)?;
    if !base::tag::is_user_name(name) || name.contains('@') {
        return Err(Refusal::plain(format!("invalid username {name:?}")));
    }
    let taken = |words: String| Err(Refusal::new(Kind::AlreadyExists, words));
    match beliefs.users.get(name) {
        Some(user) if user.removed => taken("failed to create user: username unavailable".into()),
        Some(_) => taken(format!("failed to create user: user {name} already exists")),
        None => Ok(()),
    }
}

pub fn add(
    beliefs: &Beliefs,
    name: &str,
    display_name: &str,
    proof: &Proof,
    by: &str,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    may_add(beliefs, name)?;
    let mut user = User {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        created_by: by.to_owned(),
        created: given.now,
        password_hash: None,
        registration: String::new(),
        disabled: false,
        removed: false,
    };
    prove(&mut user, proof);
    let mut txn = Txn::new();
    txn.add(key::user(name), &user);
    let access = Access { level: "login".into() };
    txn.put(key::access(&Object::Controller, name), crate::record::encode(&access));
    Ok(Decision::new(txn, ()))
}

/// The one proof takes the other's place.
fn prove(user: &mut User, proof: &Proof) {
    (user.password_hash, user.registration) = match proof {
        Proof::Password(hash) => (Some(hash.clone()), String::new()),
        Proof::Registration(sealed) => (None, sealed.clone()),
    };
}

/// Sets a password, or takes it away for a registration; whatever proved the user before is worth nothing any more.
pub fn set_proof(beliefs: &Beliefs, name: &str, proof: &Proof, _: Given<'_>) -> Result<Decision, Refusal> {
    change(beliefs, name, |user| prove(user, proof))
}

/// Ends a registration with the password that the user chose. `sealed`: the registration that was opened; another one, or none, is refused.
pub fn register(beliefs: &Beliefs, name: &str, sealed: &str, hash: &Secret, _: Given<'_>) -> Result<Decision, Refusal> {
    let waits = |user: &User| !user.registration.is_empty() && user.registration == sealed && !user.disabled;
    match beliefs.users.get(name) {
        Some(user) if waits(user) => change(beliefs, name, |user| prove(user, &Proof::Password(hash.clone()))),
        _ => Err(no_registration(name)),
    }
}

/// Said of users that are not there as well: whoever asks has proved nothing yet.
pub fn no_registration(name: &str) -> Refusal {
    Refusal::new(Kind::NotFound, format!("secret key for user {name:?} not found"))
}

pub fn set_disabled(beliefs: &Beliefs, name: &str, disabled: bool, _: Given<'_>) -> Result<Decision, Refusal> {
    not_blocked(beliefs)?;
    if owner(beliefs)? == Some(name) {
        // The original says so of enabling, too.
        return Err(Refusal::plain("failed to disable user: cannot disable controller model owner"));
    }
    let prefix = if disabled { "failed to disable user" } else { "failed to enable user" };
    change(beliefs, name, |user| user.disabled = disabled)
        .map_err(|refusal| Refusal::new(refusal.kind(), format!("{prefix}: {}", refusal.words())))
}

/// The user is out at once; its name stays taken. What was given to it, [`strip`] takes.
pub fn remove(beliefs: &Beliefs, name: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    not_blocked(beliefs)?;
    if owner(beliefs)? == Some(name) {
        return Err(Refusal::plain(format!("cannot delete controller owner {name:?}")));
    }
    if beliefs.users.get(name).is_some_and(|user| user.removed) {
        let words = format!("failed to delete user {name:?}: the user has already been permanently deleted");
        return Err(Refusal::new(Kind::UserNotFound, words));
    }
    change(beliefs, name, |user| {
        user.removed = true;
        user.password_hash = None;
        user.registration = String::new();
    })
    .map_err(|refusal| Refusal::new(refusal.kind(), format!("failed to delete user {name:?}: {}", refusal.words())))
}

/// Takes from a removed user some of what it was given, since one transaction has its bound. Answers whether there is more.
pub fn strip(beliefs: &Beliefs, name: &str, _: Given<'_>) -> Result<Decision<bool>, Refusal> {
    if beliefs.users.get(name).is_none_or(|user| !user.removed) {
        return Ok(Decision::nothing(false));
    }
    let mut given = beliefs.access.iter().filter(|((_, user), _)| user == name);
    let mut txn = Txn::new();
    for ((object, _), level) in given.by_ref().take(AT_ONCE) {
        put(&mut txn, object, name, Some(level.revision), None);
    }
    Ok(Decision::new(txn, given.next().is_some()))
}

/// Whether it is this user's controller.
pub fn is_owner(beliefs: &Beliefs, name: &str) -> bool {
    owner(beliefs).is_ok_and(|owner| owner == Some(name))
}

fn owner(beliefs: &Beliefs) -> Result<Option<&str>, Refusal> {
    let own = beliefs.models.get(&beliefs.controller()?.model_uuid);
    Ok(own.and_then(|within| within.model.as_ref()).map(|model| model.owner.as_str()))
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
    // Whoever, or whatever, is removed meanwhile takes all that was granted along; what is granted after that nobody would take away.
    if let Some(stored) = beliefs.users.get(user) {
        txn.rests_on(key::user(user), stored);
    }
    match object {
        Object::Controller => {}
        Object::Model(uuid) => txn.rests_on(key::model(*uuid), beliefs.model(*uuid)?.1),
        Object::Cloud(name) => {
            let no_cloud = || Refusal::new(Kind::NotFound, format!("cloud {name:?} not found"));
            txn.rests_on(key::cloud(name), beliefs.clouds.get(name).ok_or_else(no_cloud)?);
        }
    }
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
