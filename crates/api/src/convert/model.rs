//! A model, as the lists, ModelInfo and ModelStatus show it.

use super::machine::{self, Seen};
use super::status::entity;
use super::storage;
use base::{ModelUuid, Tag};
use model::access::{self, ModelLevel};
use model::key::Object;
use model::query::machine as query;
use model::record::model::Model;
use model::{Beliefs, InModel, Stored};
use wire::facade::model_manager::{ModelEntityCount, ModelInfo, ModelSummary, SupportedFeature};
use wire::shared::{ModelSLAInfo, ModelStatus, ModelUserInfo, UserModel};

pub fn user_tag(name: &str) -> String {
    Tag::User(name.to_owned()).to_string()
}

fn credential_tag(id: &str) -> String {
    let mut parts = id.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(cloud), Some(owner), Some(name)) => {
            Tag::Credential { cloud: cloud.into(), owner: owner.into(), name: name.into() }.to_string()
        }
        _ => String::new(),
    }
}

fn cloud_type(beliefs: &Beliefs, model: &Model) -> String {
    beliefs.clouds.get(&model.cloud).map(|cloud| cloud.kind.clone()).unwrap_or_default()
}

fn sla() -> ModelSLAInfo {
    ModelSLAInfo { level: "unsupported".into(), owner: String::new() }
}

fn is_controller(beliefs: &Beliefs, model: ModelUuid) -> bool {
    beliefs.controller.as_ref().is_some_and(|controller| controller.model_uuid == model)
}

fn controller_uuid(beliefs: &Beliefs) -> String {
    beliefs.controller.as_ref().map(|controller| controller.uuid.clone()).unwrap_or_default()
}

pub fn listed(beliefs: &Beliefs, model: &Model, user: &str) -> UserModel {
    UserModel {
        last_connection: beliefs.logins.get(&(user.to_owned(), Some(model.uuid))).map(|at| at.to_second()),
        model: wire::shared::Model {
            name: model.name.clone(),
            owner_tag: user_tag(&model.owner),
            r#type: "iaas".into(),
            uuid: model.uuid.to_string(),
        },
    }
}

pub fn status(seen: Seen<'_>, within: &InModel, model: &Stored<Model>) -> ModelStatus {
    let machines: Vec<_> = within.machines().map(|(_, all, machine)| machine::in_model(seen, all, machine)).collect();
    // The controller's own machine goes with the controller: a client that waits for it would wait for ever.
    let hosted = machines.iter().filter(|machine| !machine.wants_vote).count();
    let (volumes, filesystems) = storage::of_model(within);
    ModelStatus {
        volumes,
        filesystems,
        model_tag: Tag::Model(model.uuid).to_string(),
        life: model.life.to_string(),
        r#type: "iaas".into(),
        hosted_machine_count: i64::try_from(hosted).unwrap_or(i64::MAX),
        owner_tag: user_tag(&model.owner),
        machines,
        ..ModelStatus::default()
    }
}

pub fn summary(beliefs: &Beliefs, within: &InModel, model: &Stored<Model>, user: &str, all: bool) -> ModelSummary {
    let machines = within.machines().count();
    let cores: u64 = within.machines().filter_map(|(_, all, _)| query::hardware(all).cpu_cores).sum();
    let count = |entity: &str, count: u64| ModelEntityCount {
        entity: entity.to_owned(),
        count: i64::try_from(count).unwrap_or(i64::MAX),
    };
    let mut counts = vec![count("machines", machines as u64)];
    if cores > 0 {
        counts.push(count("cores", cores));
    }
    let access = match all {
        true => access::granted_on_model(beliefs, user, model.uuid),
        false => access::on_model(beliefs, user, model.uuid),
    };
    ModelSummary {
        name: model.name.clone(),
        uuid: model.uuid.to_string(),
        r#type: "iaas".into(),
        controller_uuid: controller_uuid(beliefs),
        is_controller: is_controller(beliefs, model.uuid),
        provider_type: cloud_type(beliefs, model),
        cloud_tag: Tag::Cloud(model.cloud.clone()).to_string(),
        cloud_region: model.region.clone(),
        cloud_credential_tag: credential_tag(&model.credential),
        owner_tag: user_tag(&model.owner),
        life: model.life.to_string(),
        status: Some(entity(&model.status)),
        user_access: access.map(|level| level.as_str().to_owned()).unwrap_or_default(),
        last_connection: beliefs.logins.get(&(user.to_owned(), Some(model.uuid))).map(|at| at.to_second()),
        counts,
        sla: sla(),
        agent_version: model.agent_version.clone(),
        ..ModelSummary::default()
    }
}

/// What `user` may see of a model: admins everything, readers only themselves among its users.
pub fn info(seen: Seen<'_>, beliefs: &Beliefs, within: &InModel, model: &Stored<Model>, user: &str) -> ModelInfo {
    let level = access::on_model(beliefs, user, model.uuid);
    let is_admin = level == Some(ModelLevel::Admin);
    let users = beliefs
        .access_on(&Object::Model(model.uuid))
        .filter(|(name, _)| is_admin || *name == user)
        .map(|(name, level)| ModelUserInfo {
            user: name.to_owned(),
            display_name: beliefs.users.get(name).map(|user| user.display_name.clone()).unwrap_or_default(),
            last_connection: beliefs.logins.get(&(name.to_owned(), Some(model.uuid))).map(|at| at.to_second()),
            access: level.to_owned(),
            model_tag: Tag::Model(model.uuid).to_string(),
        })
        .collect();
    let sees_machines = level >= Some(ModelLevel::Write);
    let machines =
        within.machines().filter(|_| sees_machines).map(|(_, all, machine)| machine::in_model(seen, all, machine));
    ModelInfo {
        name: model.name.clone(),
        uuid: model.uuid.to_string(),
        r#type: "iaas".into(),
        controller_uuid: controller_uuid(beliefs),
        is_controller: is_controller(beliefs, model.uuid),
        provider_type: cloud_type(beliefs, model),
        default_base: model::settings::text(within, "default-base"),
        cloud_tag: Tag::Cloud(model.cloud.clone()).to_string(),
        cloud_region: model.region.clone(),
        cloud_credential_tag: credential_tag(&model.credential),
        cloud_credential_validity: true,
        owner_tag: user_tag(&model.owner),
        life: model.life.to_string(),
        status: Some(entity(&model.status)),
        users,
        machines: machines.collect(),
        sla: sla(),
        agent_version: model.agent_version.clone(),
        supported_features: vec![SupportedFeature {
            name: "juju".into(),
            description: "the version of Juju used by the model".into(),
            version: model.agent_version.clone(),
        }],
        ..ModelInfo::default()
    }
}
