//! Facade `Controller`: the controller itself, and what it hosts.

use super::model_manager::{model_of, modify, nanos, visible};
use crate::call::{Call, NoParams, Nothing};
use crate::convert::model as convert;
use crate::doors::{Seals, opened};
use crate::error::{self, IntoItem, item};
use crate::facade::model_config;
use crate::watcher::Watched;
use base::{Kind, Refusal, Tag};
use model::Beliefs;
use model::access::{self, ControllerLevel};
use model::change;
use model::change::model::DestroyModel;
use model::controller_config as settings;
use model::key::Object;
use model::record::model::Model;
use model::watch::all::AllWatcher;
use wire::facade::controller::*;

pub async fn all_models(call: Call, _: NoParams) -> Result<UserModelList, Refusal> {
    let read = call.read();
    let all = visible(&read, &call.user).into_iter().map(|(_, model)| convert::listed(&read, model, &call.user));
    Ok(UserModelList { user_models: all.collect() })
}

pub async fn config(call: Call, _: NoParams) -> Result<ControllerConfigResult, Refusal> {
    let read = call.read();
    Ok(ControllerConfigResult { config: settings::effective(read.controller()?) })
}

pub async fn config_set(call: Call, params: ControllerConfigSet) -> Result<Nothing, Refusal> {
    call.state().change(|beliefs, given| change::controller::set_config(beliefs, &params.config, given)).await?;
    Ok(Nothing {})
}

pub async fn version(call: Call, _: NoParams) -> Result<ControllerVersionResults, Refusal> {
    Ok(ControllerVersionResults { version: call.session.shared().version.clone(), git_commit: String::new() })
}

pub async fn identity_url(_: Call, _: NoParams) -> Result<StringResult, Refusal> {
    Ok(StringResult::default())
}

/// There is no such database; clients show what is said.
pub async fn mongo_version(_: Call, _: NoParams) -> Result<StringResult, Refusal> {
    Err(Refusal::new(Kind::NotSupported, "controller has no mongo database"))
}

pub async fn api_info(call: Call, params: Entities) -> Result<ControllerAPIInfoResults, Refusal> {
    let read = call.read();
    let controller = read.controller()?;
    let addresses: Vec<String> = controller.endpoints.iter().map(|endpoint| endpoint.dial()).collect();
    let one = |tag: &str| {
        let uuid = model_of(tag)?;
        match access::on_model(&read, &call.user, uuid) {
            Some(_) => read.in_model(uuid).map(drop),
            None => Err(Refusal::denied()),
        }
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(()) => {
            ControllerAPIInfoResult { addresses: addresses.clone(), cacert: controller.ca_cert.clone(), error: None }
        }
        Err(error) => ControllerAPIInfoResult { error: Some(error), ..ControllerAPIInfoResult::default() },
    });
    Ok(ControllerAPIInfoResults { results: results.collect() })
}

pub async fn access(call: Call, params: Entities) -> Result<UserAccessResults, Refusal> {
    let read = call.read();
    let one = |tag: &str| {
        let user = Tag::user(tag).map_err(|invalid| Refusal::plain(invalid.to_string()))?;
        if user != call.user && !call.is_superuser(&read) {
            return Err(Refusal::denied());
        }
        match access::on_controller(&read, &user) {
            Some(level) => Ok(UserAccess { access: level.as_str().into(), user_tag: tag.to_owned() }),
            None => Err(Refusal::new(Kind::NotFound, format!("access for user {user:?} not found"))),
        }
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(access) => UserAccessResult { result: Some(access), error: None },
        Err(error) => UserAccessResult { result: None, error: Some(error) },
    });
    Ok(UserAccessResults { results: results.collect() })
}

pub async fn modify_access(call: Call, params: ModifyControllerAccessRequest) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.changes {
        let done = match Tag::user(&one.user_tag) {
            Ok(_) if ControllerLevel::parse(&one.access).is_none() => {
                Err(Refusal::new(Kind::NotValid, format!("{:?} controller access not valid", one.access)))
            }
            Ok(user) => modify(&call, &Object::Controller, &user, &one.action, &one.access).await.map_err(|refusal| {
                Refusal::new(refusal.kind(), format!("could not {} controller access: {}", one.action, refusal.words()))
            }),
            Err(invalid) => Err(Refusal::plain(invalid.to_string())),
        };
        results.push(ErrorResult { error: item(done) });
    }
    Ok(ErrorResults { results })
}

pub async fn destroy(call: Call, params: DestroyControllerArgs) -> Result<Nothing, Refusal> {
    let how = DestroyModel { force: params.force, max_wait: nanos(params.max_wait.or(params.model_timeout)) };
    let wanted = change::controller::DestroyController { destroy_models: params.destroy_models, how };
    call.state().change(|beliefs, given| change::controller::destroy(beliefs, wanted, given)).await?;
    Ok(Nothing {})
}

fn spec_of(seals: &dyn Seals, beliefs: &Beliefs, model: &Model) -> Result<CloudSpec, Refusal> {
    let cloud = beliefs.clouds.get(&model.cloud).ok_or_else(|| Refusal::not_found("cloud", &model.cloud))?;
    let credential = beliefs.credentials.values().find(|one| one.id() == model.credential).map(|one| {
        let clear = opened(seals, one)?.into_iter().map(|(name, value)| (name, value.reveal().to_owned()));
        Ok(CloudCredential { auth_type: one.auth_type.clone(), attrs: clear.collect(), redacted: Vec::new() })
    });
    let credential = credential.transpose()?;
    Ok(CloudSpec {
        r#type: cloud.kind.clone(),
        name: cloud.name.clone(),
        region: model.region.clone(),
        endpoint: cloud.endpoint.clone(),
        identity_endpoint: cloud.identity_endpoint.clone(),
        storage_endpoint: cloud.storage_endpoint.clone(),
        credential,
        cacertificates: cloud.ca_certificates.clone(),
        skip_tls_verify: cloud.skip_tls_verify,
        is_controller_cloud: beliefs.controller.as_ref().is_some_and(|controller| controller.cloud == cloud.name),
    })
}

pub async fn cloud_spec(call: Call, params: Entities) -> Result<CloudSpecResults, Refusal> {
    let read = call.read();
    let one = |tag: &str| {
        let (_, model) = read.model(model_of(tag)?)?;
        spec_of(&*call.session.shared().seals, &read, model)
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(spec) => CloudSpecResult { result: Some(spec), error: None },
        Err(error) => CloudSpecResult { result: None, error: Some(error) },
    });
    Ok(CloudSpecResults { results: results.collect() })
}

pub async fn hosted_configs(call: Call, _: NoParams) -> Result<HostedModelConfigsResults, Refusal> {
    let read = call.read();
    let own = read.controller()?.model_uuid;
    let models = read.models().filter(|(_, model)| model.uuid != own).map(|(within, model)| HostedModelConfig {
        name: model.name.clone(),
        owner: convert::user_tag(&model.owner),
        config: model_config::shown(&read, within).into_iter().map(|(name, (value, _))| (name, value)).collect(),
        cloud_spec: spec_of(&*call.session.shared().seals, &read, model).ok(),
        error: None,
    });
    Ok(HostedModelConfigsResults { models: models.collect() })
}

pub async fn blocked_models(call: Call, _: NoParams) -> Result<ModelBlockInfoList, Refusal> {
    let read = call.read();
    let blocked = read.models().filter(|(within, _)| !within.blocks.is_empty());
    let models = blocked.map(|(within, model)| ModelBlockInfo {
        name: model.name.clone(),
        model_uuid: model.uuid.to_string(),
        owner_tag: convert::user_tag(&model.owner),
        blocks: within.blocks.keys().map(|kind| kind.word().to_owned()).collect(),
    });
    Ok(ModelBlockInfoList { models: models.collect() })
}

pub async fn watch_all_models(call: Call, _: NoParams) -> Result<AllWatcherId, Refusal> {
    let watcher = AllWatcher::of_all_models(call.state());
    let watcher_id = call.session.watchers.open(Watched::All(tokio::sync::Mutex::new(Box::new(watcher))))?;
    Ok(AllWatcherId { watcher_id })
}

pub async fn remove_blocks(call: Call, params: RemoveBlocksArgs) -> Result<Nothing, Refusal> {
    if !params.all {
        return Err(Refusal::new(Kind::NotSupported, "not supported"));
    }
    let blocked: Vec<_> = {
        let read = call.read();
        read.models().flat_map(|(within, model)| within.blocks.keys().map(|kind| (model.uuid, *kind))).collect()
    };
    for (model, kind) in blocked {
        let off = call.state().change(|beliefs, given| change::block::switch_off(beliefs, model, kind, given)).await;
        if let Err(refusal) = off {
            // Somebody else switched it off meanwhile; the rest is still to do.
            tracing::debug!(error = %error::wire(&refusal), "block not switched off");
        }
    }
    Ok(Nothing {})
}
