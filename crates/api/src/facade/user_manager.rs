//! Facade `UserManager`. Passwords come in clear and leave this file as hashes.
//! The surprise: of an unknown user, `UserInfo` says "permission denied", and clients match exactly that.

use crate::call::Call;
use crate::error::{IntoItem, item, whole};
use crate::http::register::sealed_for;
use base::{Refusal, Secret, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::access::{self, ModelLevel};
use model::change::user::{self, Proof};
use model::key::Object;
use model::record::user::User;
use model::{Read, Stored};
use std::sync::Arc;
use wire::facade::user_manager::*;
use wire::secretbox::KEY;

fn invalid(error: base::tag::TagError) -> Refusal {
    Refusal::plain(error.to_string())
}

fn shown(read: &Read, user: &Stored<User>) -> UserInfo {
    UserInfo {
        username: user.name.clone(),
        display_name: user.display_name.clone(),
        access: access::on_controller(read, &user.name).map(|level| level.as_str().to_owned()).unwrap_or_default(),
        created_by: user.created_by.clone(),
        date_created: user.created,
        last_connection: read.logins.get(&(user.name.clone(), None)).map(|at| at.to_second()),
        disabled: user.disabled,
    }
}

pub async fn info(call: Call, params: UserInfoRequest) -> Result<UserInfoResults, Refusal> {
    let read = call.read();
    let superuser = call.is_superuser(&read);
    let in_use = |user: &Stored<User>| !user.removed && (params.include_disabled || !user.disabled);
    if params.entities.is_empty() {
        let visible = read.users.values().filter(|user| in_use(user) && (superuser || user.name == call.user));
        let results = visible.map(|user| UserInfoResult { result: Some(shown(&read, user)), error: None });
        return Ok(UserInfoResults { results: results.collect() });
    }
    let one = |tag: &str| {
        let name = Tag::user(tag).map_err(invalid)?;
        let user = read.users.get(&name).filter(|user| !user.removed && (superuser || name == call.user));
        user.map(|user| shown(&read, user)).ok_or_else(Refusal::denied)
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(info) => UserInfoResult { result: Some(info), error: None },
        Err(error) => UserInfoResult { result: None, error: Some(error) },
    });
    Ok(UserInfoResults { results: results.collect() })
}

pub async fn model_user_info(call: Call, params: Entities) -> Result<ModelUserInfoResults, Refusal> {
    let read = call.read();
    let mut results = Vec::new();
    for entity in &params.entities {
        let uuid = match super::model_manager::model_of(&entity.tag) {
            Ok(uuid) => uuid,
            Err(refusal) => {
                results.push(ModelUserInfoResult { error: item::<()>(Err(refusal)), result: None });
                continue;
            }
        };
        let level = access::on_model(&read, &call.user, uuid);
        if level.is_none() || read.in_model(uuid).is_err() {
            results.push(ModelUserInfoResult { error: item::<()>(Err(Refusal::denied())), result: None });
            continue;
        }
        let visible = |user: &str| level == Some(ModelLevel::Admin) || user == call.user;
        let users = read.access_on(&Object::Model(uuid)).filter(|(user, _)| visible(user));
        results.extend(users.map(|(user, level)| {
            let info = ModelUserInfo {
                user: user.to_owned(),
                display_name: read.users.get(user).map(|user| user.display_name.clone()).unwrap_or_default(),
                last_connection: read.logins.get(&(user.to_owned(), Some(uuid))).map(|at| at.to_second()),
                access: level.to_owned(),
                model_tag: entity.tag.clone(),
            };
            ModelUserInfoResult { result: Some(info), error: None }
        }));
    }
    Ok(ModelUserInfoResults { results })
}

async fn hash(call: &Call, password: &str) -> Result<Secret, Refusal> {
    let chance: Arc<_> = call.state().chance().clone();
    let from = call.session.source();
    let hashed = call.session.shared().passwords.hash(from, Secret::new(password), chance).await;
    hashed.map_err(|failed| Refusal::internal("password cannot be set", failed))
}

pub async fn add(call: Call, params: AddUsers) -> Result<AddUserResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.users {
        results.push(match whole(add_one(&call, one).await)?.into_item() {
            Ok((tag, secret_key)) => AddUserResult { tag, secret_key, error: None },
            Err(error) => AddUserResult { error: Some(error), ..AddUserResult::default() },
        });
    }
    Ok(AddUserResults { results })
}

async fn add_one(call: &Call, one: &AddUser) -> Result<(String, String), Refusal> {
    user::may_add(&call.state().read(), &one.username)?;
    let (proof, secret_key) = match one.password.is_empty() {
        true => registration(call, &one.username)?,
        false => (Proof::Password(hash(call, &one.password).await?), String::new()),
    };
    let add = |beliefs: &model::Beliefs, given: model::Given<'_>| {
        user::add(beliefs, &one.username, &one.display_name, &proof, &call.user, given)
    };
    call.state().change(add).await?;
    Ok((Tag::User(one.username.clone()).to_string(), secret_key))
}

/// A key for a user to set a password with: as it is kept, and as it is told, once.
fn registration(call: &Call, name: &str) -> Result<(Proof, String), Refusal> {
    let mut key = [0u8; KEY];
    call.state().chance().fill(&mut key);
    let key = Secret::new(STANDARD.encode(key));
    let sealed = call.session.shared().seals.seal(&sealed_for(name), &key);
    // What seals is the controller's own key of secrets, and the words are about credentials.
    let sealed = sealed.map_err(|refusal| Refusal::internal("the user's key cannot be sealed", refusal.words()))?;
    Ok((Proof::Registration(sealed), key.reveal().to_owned()))
}

pub async fn reset_password(call: Call, params: Entities) -> Result<AddUserResults, Refusal> {
    let mut results = Vec::new();
    for entity in &params.entities {
        results.push(match reset_one(&call, &entity.tag).await.into_item() {
            Ok((tag, secret_key)) => AddUserResult { tag, secret_key, error: None },
            Err(error) => AddUserResult { error: Some(error), ..AddUserResult::default() },
        });
    }
    Ok(AddUserResults { results })
}

async fn reset_one(call: &Call, tag: &str) -> Result<(String, String), Refusal> {
    let name = Tag::user(tag).map_err(invalid)?;
    if name == call.user {
        return Err(Refusal::plain("cannot reset your own password"));
    }
    let (proof, secret_key) = registration(call, &name)?;
    call.state().change(|beliefs, given| user::set_proof(beliefs, &name, &proof, given)).await?;
    Ok((Tag::User(name).to_string(), secret_key))
}

pub async fn set_password(call: Call, params: EntityPasswords) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.changes {
        results.push(ErrorResult { error: item(set_one_password(&call, one).await) });
    }
    Ok(ErrorResults { results })
}

async fn set_one_password(call: &Call, one: &EntityPassword) -> Result<(), Refusal> {
    let name = Tag::user(&one.tag).map_err(invalid)?;
    if name != call.user && !call.is_superuser(&call.read()) {
        return Err(Refusal::denied());
    }
    if one.password.is_empty() {
        return Err(Refusal::plain("cannot use an empty password"));
    }
    let hash = hash(call, &one.password).await?;
    let proof = Proof::Password(hash);
    let set = call.state().change(|beliefs, given| user::set_proof(beliefs, &name, &proof, given)).await;
    set.map_err(|refusal| Refusal::new(refusal.kind(), format!("failed to set password: {}", refusal.words())))
}

pub async fn enable(call: Call, params: Entities) -> Result<ErrorResults, Refusal> {
    set_disabled(call, params, false).await
}

pub async fn disable(call: Call, params: Entities) -> Result<ErrorResults, Refusal> {
    set_disabled(call, params, true).await
}

async fn set_disabled(call: Call, params: Entities, disabled: bool) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for entity in &params.entities {
        let done = match Tag::user(&entity.tag).map_err(invalid) {
            Ok(name) if disabled && name == call.user && !user::is_owner(&call.read(), &name) => {
                Err(Refusal::plain("cannot disable yourself"))
            }
            Ok(name) => call.state().change(|beliefs, given| user::set_disabled(beliefs, &name, disabled, given)).await,
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(whole(done)?) });
    }
    Ok(ErrorResults { results })
}

pub async fn remove(call: Call, params: Entities) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for entity in &params.entities {
        results.push(ErrorResult { error: item(whole(remove_one(&call, &entity.tag).await)?) });
    }
    Ok(ErrorResults { results })
}

async fn remove_one(call: &Call, tag: &str) -> Result<(), Refusal> {
    let name = Tag::user(tag).map_err(invalid)?;
    let done = call.state().change(|beliefs, given| user::remove(beliefs, &name, given)).await;
    // Also of one that is removed already: the controller may have ended before all was taken.
    while call.state().change(|beliefs, given| user::strip(beliefs, &name, given)).await? {}
    done
}
