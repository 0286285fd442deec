//! Making a model: name, cloud, credential, settings, keys, its owner's access; all in one transaction.

use crate::beliefs::Beliefs;
use crate::change::{Decision, Given, TxnExt};
use crate::key::{self, Object};
use crate::record::access::Access;
use crate::record::key::{Keys, comment};
use crate::record::model::{Model, ModelName};
use crate::record::settings::Settings;
use crate::record::status::{ModelStatus, Status};
use crate::settings;
use base::{Kind, Life, ModelUuid, Refusal};
use serde_json::Value;
use std::collections::BTreeMap;
use store::Txn;

#[derive(Debug, Clone, Default)]
pub struct CreateModel {
    pub name: String,
    pub owner: String,
    /// Empty: the controller's.
    pub cloud: String,
    /// Empty: the controller's on its own cloud, else the cloud's first.
    pub region: String,
    /// `<cloud>/<owner>/<name>`; empty: none.
    pub credential: String,
    pub config: BTreeMap<String, Value>,
}

pub fn create(beliefs: &Beliefs, wanted: &CreateModel, given: Given<'_>) -> Result<Decision<ModelUuid>, Refusal> {
    let controller = beliefs.controller()?;
    if wanted.name.is_empty() {
        return Err(Refusal::new(Kind::NotValid, "Name must be specified"));
    }
    if !base::tag::is_model_name(&wanted.name) {
        let words = format!(
            "failed to create config: creating config from values failed: {:?} is not a valid name: model names may only contain lowercase letters, digits and hyphens",
            wanted.name
        );
        return Err(Refusal::plain(words));
    }
    if beliefs.users.get(&wanted.owner).is_none_or(|user| user.removed) {
        return Err(Refusal::new(Kind::UserNotFound, format!("user {:?} not found", wanted.owner)));
    }
    if beliefs.names.contains_key(&(wanted.owner.clone(), wanted.name.clone())) {
        let words = format!("failed to create new model: model {:?} for {} already exists", wanted.name, wanted.owner);
        return Err(Refusal::new(Kind::AlreadyExists, words));
    }
    let (cloud, region) = place(beliefs, wanted)?;
    let credential = credential(beliefs, wanted, &cloud)?;
    let Own { keys, agent_version, config } = own(&wanted.config, &controller.version)?;
    let inherited = settings::Inherited::at(beliefs, &cloud, &region);
    let mut set = Settings(inherited.values());
    set.0.extend(config);
    settings::check_together(&set.0)?;
    let kind = beliefs.clouds.get(&cloud).map(|cloud| cloud.kind.clone()).unwrap_or_default();
    set.0.insert("type".into(), kind.into());
    let system_keys = beliefs.models.get(&controller.model_uuid).and_then(|within| within.keys.as_ref());
    let system_keys = system_keys.into_iter().flat_map(|keys| keys.0.iter());
    let mut all_keys = keys;
    for key in system_keys.filter(|key| comment(key) == Some("juju-system-key")) {
        if !all_keys.0.contains(key) {
            all_keys.0.push(key.clone());
        }
    }
    let mut txn = Txn::new();
    inherited.guard(&mut txn);
    let uuid = ModelUuid(given.chance.uuid());
    let model = Model {
        uuid,
        name: wanted.name.clone(),
        owner: wanted.owner.clone(),
        cloud,
        region,
        credential,
        life: Life::Alive,
        status: Status::new(ModelStatus::Available, "", given.now),
        created: given.now,
        agent_version,
        removal: None,
    };
    write_model(&mut txn, &model, &set, &all_keys);
    Ok(Decision::new(txn, uuid))
}

/// All records that a model begins with.
pub(crate) fn write_model(txn: &mut Txn, model: &Model, set: &Settings, keys: &Keys) {
    txn.add(key::model(model.uuid), model);
    txn.add(key::model_name(&model.owner, &model.name), &ModelName(model.uuid));
    txn.add(key::settings(model.uuid), set);
    txn.add(key::keys(model.uuid), keys);
    txn.add(key::access(&Object::Model(model.uuid), &model.owner), &Access { level: "admin".into() });
}

fn place(beliefs: &Beliefs, wanted: &CreateModel) -> Result<(String, String), Refusal> {
    let controller = beliefs.controller()?;
    let name = if wanted.cloud.is_empty() { controller.cloud.clone() } else { wanted.cloud.clone() };
    let Some(cloud) = beliefs.clouds.get(&name) else {
        let known: Vec<String> = beliefs.clouds.keys().map(|name| format!("{name:?}")).collect();
        let words = format!("cloud {name:?} not found, expected one of [{}]", known.join(" "));
        return Err(Refusal::new(Kind::NotFound, words));
    };
    let region = match wanted.region.as_str() {
        "" if name == controller.cloud => controller.region.clone(),
        "" => cloud.regions.first().map(|region| region.name.clone()).unwrap_or_default(),
        given => given.to_owned(),
    };
    if !region.is_empty() && !cloud.regions.is_empty() && !cloud.regions.iter().any(|known| known.name == region) {
        let known: Vec<String> = cloud.regions.iter().map(|known| format!("{:?}", known.name)).collect();
        let words = format!("region {region:?} not found (expected one of [{}])", known.join(" "));
        return Err(Refusal::new(Kind::NotFound, words));
    }
    Ok((name, region))
}

fn credential(beliefs: &Beliefs, wanted: &CreateModel, cloud: &str) -> Result<String, Refusal> {
    if wanted.credential.is_empty() {
        let own = beliefs.credentials.values().find(|one| one.cloud == cloud && one.owner == wanted.owner);
        let free = beliefs.clouds.get(cloud).is_some_and(|cloud| cloud.auth_types.iter().any(|kind| kind == "empty"));
        return match own {
            Some(own) => Ok(own.id()),
            None if free => Ok(String::new()),
            None => Err(Refusal::plain("no credential specified")),
        };
    }
    let found = beliefs.credentials.values().find(|one| one.id() == wanted.credential);
    match found {
        Some(found) if found.cloud != cloud => {
            Err(Refusal::plain(format!("credential {:?} is for cloud {:?}, not {cloud:?}", found.name, found.cloud)))
        }
        Some(found) => Ok(found.id()),
        None => Err(Refusal::new(Kind::NotFound, format!("credential {:?} not found", wanted.credential))),
    }
}

/// What a model is given when it is made.
pub(in crate::change) struct Own {
    pub keys: Keys,
    pub agent_version: String,
    pub config: BTreeMap<String, Value>,
}

/// Tells apart what of a new model's config is none of its settings; the rest as it is kept.
pub(in crate::change) fn own(config: &BTreeMap<String, Value>, controller: &str) -> Result<Own, Refusal> {
    let mut config = config.clone();
    let keys = taken_keys(&mut config);
    for (fixed, words) in
        [("uuid", "uuid is generated, you cannot specify one"), ("name", "name must not be specified in config")]
    {
        if config.remove(fixed).is_some_and(|value| !value.is_null() && value != "") {
            return Err(Refusal::plain(format!("failed to create config: {words}")));
        }
    }
    let agent_version = agent_version(&mut config, controller)?;
    config.remove("type");
    let config = settings::without_series(config)?.into_iter();
    let config = config.map(|(name, value)| Ok((name.clone(), settings::check(&name, &value)?)));
    Ok(Own { keys, agent_version, config: config.collect::<Result<_, Refusal>>()? })
}

/// `authorized-keys` is no setting here: its lines become the model's keys.
fn taken_keys(config: &mut BTreeMap<String, Value>) -> Keys {
    let mut keys = Keys::default();
    if let Some(Value::String(lines)) = config.remove("authorized-keys") {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if !keys.0.iter().any(|known| known == line) {
                keys.0.push(line.to_owned());
            }
        }
    }
    keys
}

fn agent_version(config: &mut BTreeMap<String, Value>, controller: &str) -> Result<String, Refusal> {
    match config.remove("agent-version") {
        Some(Value::String(version)) if !version.is_empty() && version != controller => {
            let wanted: Result<base::Version, _> = version.parse();
            let newest: Result<base::Version, _> = controller.parse();
            match (wanted, newest) {
                (Ok(wanted), Ok(newest)) if wanted > newest => Err(Refusal::plain(format!(
                    "failed to create config: agent-version ({version}) cannot be greater than the controller ({controller})"
                ))),
                (Ok(_), _) => Err(Refusal::plain(format!(
                    "failed to create config: no agent binaries found for version {version}"
                ))),
                (Err(_), _) => Err(Refusal::plain(format!("failed to create config: invalid version {version:?}"))),
            }
        }
        _ => Ok(controller.to_owned()),
    }
}
