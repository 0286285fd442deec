//! Facade `ModelManager`: making, listing, describing and ending models. One call speaks of many: each is asked of `model::access` by itself.
//! The surprise: of a model that its caller may not see, some calls say "permission denied" and `ModelStatus` says the same, as Juju does.

use crate::call::Call;
use crate::convert::machine::Seen;
use crate::convert::model as convert;
use crate::error::{self, IntoItem, item};
use crate::room::Room;
use base::{Kind, ModelUuid, Refusal, Tag};
use model::access::{self, CloudLevel, ModelLevel};
use model::change::model::{CreateModel, DestroyModel};
use model::change::{self, user};
use model::key::Object;
use model::record::model::Model;
use model::{InModel, Read, Stored};
use std::time::Duration;
use wire::facade::model_manager::*;

fn invalid(error: base::tag::TagError) -> Refusal {
    Refusal::plain(error.to_string())
}

pub fn model_of(tag: &str) -> Result<ModelUuid, Refusal> {
    Tag::model(tag).map_err(invalid)
}

pub fn seen<'a>(call: &'a Call, model: ModelUuid) -> Seen<'a> {
    Seen { model, presence: call.state().presence() }
}

/// Models that a user sees, by name.
pub fn visible<'a>(read: &'a Read, user: &str) -> Vec<(&'a InModel, &'a Stored<Model>)> {
    let mut all: Vec<_> =
        read.models().filter(|(_, model)| access::on_model(read, user, model.uuid).is_some()).collect();
    all.sort_by(|(_, a), (_, b)| (&a.name, &a.owner).cmp(&(&b.name, &b.owner)));
    all
}

pub async fn create(call: Call, params: ModelCreateArgs) -> Result<ModelInfo, Refusal> {
    let read = call.read();
    let superuser = call.is_superuser(&read);
    let owner = Tag::user(&params.owner_tag).map_err(invalid)?;
    let cloud = match params.cloud_tag.as_str() {
        "" => read.controller()?.cloud.clone(),
        tag => match tag.parse().map_err(invalid)? {
            Tag::Cloud(name) => name,
            _ => return Err(Refusal::plain(format!("{tag:?} is not a valid cloud tag"))),
        },
    };
    if !superuser {
        call.may_on_cloud(&read, &cloud, CloudLevel::AddModel)?;
        if owner != call.user {
            let words =
                "\"add-model\" permission does not permit creation of models for different owners: permission denied";
            return Err(Refusal::new(Kind::Unauthorized, words));
        }
    }
    let credential = match params.credential.as_str() {
        "" => String::new(),
        tag => match tag.parse().map_err(invalid)? {
            // Whose it is may use it, and nobody who merely knows its name.
            Tag::Credential { owner, .. } if owner != call.user && !superuser => return Err(Refusal::denied()),
            Tag::Credential { cloud, owner, name } => format!("{cloud}/{owner}/{name}"),
            _ => return Err(Refusal::plain(format!("{tag:?} is not a valid cloudcred tag"))),
        },
    };
    let wanted =
        CreateModel { name: params.name, owner, cloud, region: params.region, credential, config: params.config };
    drop(read);
    let uuid = call.state().change(|beliefs, given| change::model::create(beliefs, &wanted, given)).await?;
    let read = call.read();
    let (within, model) = read.model(uuid)?;
    Ok(convert::info(seen(&call, uuid), &read, within, model, &call.user))
}

/// The user whose models are asked for; only superusers ask for others'.
fn asked_user(call: &Call, read: &Read, tag: &str) -> Result<String, Refusal> {
    let user = match tag {
        "" => call.user.clone(),
        tag => Tag::user(tag).map_err(invalid)?,
    };
    match user == call.user || call.is_superuser(read) {
        true => Ok(user),
        false => Err(Refusal::denied()),
    }
}

pub async fn summaries(call: Call, params: ModelSummariesRequest) -> Result<ModelSummaryResults, Refusal> {
    let read = call.read();
    let user = asked_user(&call, &read, &params.user_tag)?;
    let all = params.all && call.is_superuser(&read);
    let own = |model: &Stored<Model>| {
        all || user == call.user || access::granted_on_model(&read, &user, model.uuid).is_some()
    };
    let results = visible(&read, &user).into_iter().filter(|(_, model)| own(model)).map(|(within, model)| {
        let summary = convert::summary(&read, within, model, &user, all);
        ModelSummaryResult { result: Some(summary), error: None }
    });
    Ok(ModelSummaryResults { results: results.collect() })
}

pub async fn list(call: Call, params: Entity) -> Result<UserModelList, Refusal> {
    let read = call.read();
    let user = asked_user(&call, &read, &params.tag)?;
    let user_models =
        visible(&read, &user).into_iter().map(|(_, model)| convert::listed(&read, model, &user)).collect();
    Ok(UserModelList { user_models })
}

/// Bytes that an answer has of a machine, about.
const A_MACHINE: usize = 200;

pub async fn info(call: Call, params: Entities) -> Result<ModelInfoResults, Refusal> {
    let (read, mut room) = (call.read(), Room::default());
    let mut one = |tag: &str| {
        let uuid = model_of(tag)?;
        // Whoever may not see it learns nothing of it, not even whether it is there.
        call.may_on_model(&read, uuid, ModelLevel::Read)?;
        let (within, model) = read.model(uuid)?;
        room.one_more()?;
        room.take(A_MACHINE * (1 + within.machines.len()));
        Ok(convert::info(seen(&call, uuid), &read, within, model, &call.user))
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(info) => ModelInfoResult { result: Some(info), error: None },
        Err(error) => ModelInfoResult { result: None, error: Some(error) },
    });
    Ok(ModelInfoResults { results: results.collect() })
}

pub async fn status(call: Call, params: Entities) -> Result<ModelStatusResults, Refusal> {
    let (read, mut room) = (call.read(), Room::default());
    let mut one = |tag: &str| {
        let uuid = model_of(tag)?;
        // Clients wait for a model's end until this very code.
        let gone = || Refusal::new(Kind::NotFound, format!("model {:?} not found", uuid.to_string()));
        let (within, model) = read.model(uuid).map_err(|_| gone())?;
        call.may_on_model(&read, uuid, ModelLevel::Admin)?;
        room.one_more()?;
        room.take(A_MACHINE * (1 + within.machines.len()));
        Ok(convert::status(seen(&call, uuid), within, model))
    };
    let models = params.entities.iter().map(|entity| match one(&entity.tag) {
        Ok(status) => status,
        Err(refusal) => ModelStatus { error: Some(error::wire(&refusal)), ..ModelStatus::default() },
    });
    Ok(ModelStatusResults { models: models.collect() })
}

pub fn nanos(value: Option<i64>) -> Option<Duration> {
    value.map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
}

pub async fn destroy(call: Call, params: DestroyModelsParams) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.models {
        results.push(ErrorResult { error: item(destroy_one(&call, one).await) });
    }
    Ok(ErrorResults { results })
}

async fn destroy_one(call: &Call, one: &DestroyModelParams) -> Result<(), Refusal> {
    let uuid = model_of(&one.model_tag)?;
    call.may_on_model(&call.read(), uuid, ModelLevel::Admin)?;
    let how = DestroyModel { force: one.force, max_wait: nanos(one.max_wait.or(one.timeout)) };
    call.state().change(|beliefs, given| change::model::destroy(beliefs, uuid, how, given)).await
}

pub async fn modify_access(call: Call, params: ModifyModelAccessRequest) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.changes {
        results.push(ErrorResult { error: item(modify_one(&call, one).await) });
    }
    Ok(ErrorResults { results })
}

async fn modify_one(call: &Call, one: &ModifyModelAccess) -> Result<(), Refusal> {
    let uuid = model_of(&one.model_tag)?;
    if ModelLevel::parse(&one.access).is_none() {
        return Err(Refusal::plain(format!("could not modify model access: {:?} model access not valid", one.access)));
    }
    let name = Tag::user(&one.user_tag).map_err(invalid)?;
    call.may_on_model(&call.read(), uuid, ModelLevel::Admin)?;
    call.read().in_model(uuid)?;
    let prefix = match one.action.as_str() {
        "grant" => "could not grant model access",
        "revoke" => "could not revoke model access",
        other => return Err(Refusal::plain(format!("unknown action {other:?}"))),
    };
    modify(call, &Object::Model(uuid), &name, &one.action, &one.access)
        .await
        .map_err(|refusal| prefixed(refusal, prefix))
}

fn prefixed(refusal: Refusal, prefix: &str) -> Refusal {
    match refusal.words().starts_with("user already has") {
        // Clients look for these words at the start.
        true => refusal,
        false => Refusal::new(refusal.kind(), format!("{prefix}: {}", refusal.words())),
    }
}

/// Grants or revokes; the caller checked who may.
pub async fn modify(call: &Call, object: &Object, name: &str, action: &str, level: &str) -> Result<(), Refusal> {
    match action {
        "grant" => call.state().change(|beliefs, given| user::grant(beliefs, object, name, level, given)).await,
        "revoke" => call.state().change(|beliefs, given| user::revoke(beliefs, object, name, level, given)).await,
        other => Err(Refusal::plain(format!("unknown action {other:?}"))),
    }
}

pub async fn change_credential(call: Call, params: ChangeModelCredentialsParams) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.model_credentials {
        results.push(ErrorResult { error: item(change_one_credential(&call, one).await) });
    }
    Ok(ErrorResults { results })
}

async fn change_one_credential(call: &Call, one: &ChangeModelCredentialParams) -> Result<(), Refusal> {
    let uuid = model_of(&one.model_tag)?;
    call.may_on_model(&call.read(), uuid, ModelLevel::Admin)?;
    let Tag::Credential { cloud, owner, name } = one.credential_tag.parse().map_err(invalid)? else {
        return Err(Refusal::plain(format!("{:?} is not a valid cloudcred tag", one.credential_tag)));
    };
    if owner != call.user && !call.is_superuser(&call.read()) {
        return Err(Refusal::denied());
    }
    call.state()
        .change(|beliefs, given| change::model::set_credential(beliefs, uuid, (&cloud, &owner, &name), given))
        .await
}
