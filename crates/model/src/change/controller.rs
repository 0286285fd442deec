//! The controller's own records: its beginning, its addresses, its settings, its end.

use super::model::{DestroyModel, Own, dying, own, write_model};
use super::{Decision, Given, TxnExt, cloud, model_defaults};
use crate::beliefs::Beliefs;
use crate::controller_config::{self, is_updatable};
use crate::key::{self, Object};
use crate::record::access::Access;
use crate::record::address::Endpoint;
use crate::record::agent::Agent;
use crate::record::cloud::Cloud;
use crate::record::controller::Controller;
use crate::record::credential::Credential;
use crate::record::encode;
use crate::record::instance::{Instance, MANUAL, MANUALLY};
use crate::record::key::Keys;
use crate::record::machine::{Machine, Removal};
use crate::record::model::Model;
use crate::record::model_defaults::ModelDefaults;
use crate::record::sequence::Sequence;
use crate::record::settings::{ModelConstraints, Settings};
use crate::record::status::{AgentStatus, InstanceStatus, ModelStatus, Status};
use crate::record::user::User;
use crate::settings;
use base::{Constraints, Hardware, Kind, Life, MachineId, ModelUuid, OsBase, Refusal, Secret};
use serde_json::Value;
use std::collections::BTreeMap;
use store::Txn;

/// Everything that a controller begins with.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    pub uuid: String,
    pub name: String,
    pub model_uuid: ModelUuid,
    pub cloud: Cloud,
    pub region: String,
    /// Its owner is the first user.
    pub credential: Option<Credential>,
    pub ca_cert: String,
    pub endpoints: Vec<Endpoint>,
    pub config: BTreeMap<String, Value>,
    pub model_config: BTreeMap<String, Value>,
    /// What models of its cloud begin with, its own too.
    pub model_defaults: BTreeMap<String, Value>,
    /// Of the controller's model.
    pub constraints: Constraints,
    pub version: String,
    /// The first user, superuser.
    pub user: String,
    /// An argon2id hash in PHC form.
    pub password_hash: Secret,
    /// Lines for `authorized_keys`.
    pub keys: Vec<String>,
    /// The machine it runs on.
    pub machine: ControllerMachine,
}

#[derive(Debug, Clone)]
pub struct ControllerMachine {
    pub base: OsBase,
    /// What it was asked to be, the model's included.
    pub constraints: Constraints,
    pub instance_id: String,
    pub hostname: String,
    pub hardware: Hardware,
}

/// Refused when there is a controller already.
pub fn bootstrap(beliefs: &Beliefs, with: &Bootstrap, given: Given<'_>) -> Result<Decision, Refusal> {
    if beliefs.controller.is_some() {
        return Err(Refusal::new(Kind::AlreadyExists, "controller is bootstrapped already"));
    }
    let now = given.now;
    let Settled { cloud, config, own, defaults, mut settings } = Said::of(with).settle()?;
    let mut txn = Txn::new();
    txn.add(
        key::controller(),
        &Controller {
            uuid: with.uuid.clone(),
            name: with.name.clone(),
            model_uuid: with.model_uuid,
            cloud: with.cloud.name.clone(),
            region: with.region.clone(),
            ca_cert: with.ca_cert.clone(),
            endpoints: with.endpoints.clone(),
            config,
            life: Life::Alive,
            created: now,
            version: with.version.clone(),
            removal: None,
        },
    );
    txn.add(key::cloud(&cloud.name), &cloud);
    if let Some(credential) = &with.credential {
        txn.add(key::credential(&credential.cloud, &credential.owner, &credential.name), credential);
    }
    let user = User {
        name: with.user.clone(),
        display_name: with.user.clone(),
        created_by: with.user.clone(),
        created: now,
        password_hash: Some(with.password_hash.clone()),
        registration: String::new(),
        disabled: false,
        removed: false,
    };
    txn.add(key::user(&with.user), &user);
    txn.add(key::access(&Object::Controller, &with.user), &Access { level: "superuser".into() });
    txn.add(key::access(&Object::Cloud(with.cloud.name.clone()), &with.user), &Access { level: "admin".into() });
    let model = Model {
        uuid: with.model_uuid,
        name: "controller".into(),
        owner: with.user.clone(),
        cloud: with.cloud.name.clone(),
        region: with.region.clone(),
        credential: with.credential.as_ref().map(Credential::id).unwrap_or_default(),
        life: Life::Alive,
        status: Status::new(ModelStatus::Available, "", now),
        created: now,
        agent_version: with.version.clone(),
        removal: None,
    };
    if !defaults.is_empty() {
        txn.add(key::model_defaults(&with.cloud.name), &defaults);
    }
    settings.0.insert("type".into(), with.cloud.kind.clone().into());
    let mut keys = Keys(with.keys.clone());
    keys.0.extend(own.keys.0.into_iter().filter(|key| !with.keys.contains(key)));
    write_model(&mut txn, &model, &settings, &keys);
    if with.constraints != Constraints::default() {
        txn.add(key::constraints(model.uuid), &ModelConstraints(with.constraints.clone()));
    }
    machine_zero(&mut txn, with, given);
    Ok(Decision::new(txn, ()))
}

/// What its user says of a controller's settings, and of those of its model.
pub struct Said<'a> {
    pub cloud: &'a Cloud,
    pub region: &'a str,
    pub config: &'a BTreeMap<String, Value>,
    pub model_config: &'a BTreeMap<String, Value>,
    pub model_defaults: &'a BTreeMap<String, Value>,
    pub version: &'a str,
}

/// The same as it is kept.
struct Settled {
    cloud: Cloud,
    config: BTreeMap<String, Value>,
    own: Own,
    defaults: ModelDefaults,
    settings: Settings,
}

impl<'a> Said<'a> {
    fn of(with: &'a Bootstrap) -> Said<'a> {
        Said {
            cloud: &with.cloud,
            region: &with.region,
            config: &with.config,
            model_config: &with.model_config,
            model_defaults: &with.model_defaults,
            version: &with.version,
        }
    }

    /// Refused as `bootstrap` refuses it, before anything is begun.
    pub fn check(&self) -> Result<(), Refusal> {
        self.settle().map(drop)
    }

    fn settle(&self) -> Result<Settled, Refusal> {
        let cloud = cloud::checked(self.cloud)?;
        let mut own = own(self.model_config, self.version)?;
        let config = self.config.iter().map(|(name, value)| match is_updatable(name) {
            Some(true) => Ok((name.clone(), controller_config::check(name, value)?)),
            _ => Ok((name.clone(), value.clone())),
        });
        let config = config.collect::<Result<BTreeMap<_, _>, Refusal>>()?;
        let defaults = model_defaults::first(self.model_defaults, &cloud.name)?;
        let mut settings = Settings(settings::merged(Some(&defaults), Some(&cloud)).in_region(self.region));
        settings.0.append(&mut own.config);
        settings::check_together(&settings.0)?;
        Ok(Settled { cloud, config, own, defaults, settings })
    }
}

fn machine_zero(txn: &mut Txn, with: &Bootstrap, given: Given<'_>) {
    let (model, id, now) = (with.model_uuid, MachineId::top(0), given.now);
    let machine = Machine {
        id: id.clone(),
        life: Life::Alive,
        base: with.machine.base.clone(),
        constraints: with.machine.constraints.clone(),
        placement: String::new(),
        jobs: vec!["JobManageModel".into()],
        disks: Vec::new(),
        created: now,
        warnings: Vec::new(),
        keep_instance: false,
        removal: None,
        retry: false,
        upgrade: None,
    };
    let addresses: Vec<_> = with.endpoints.iter().map(|endpoint| endpoint.address.clone()).collect();
    let running = if with.machine.instance_id.starts_with(MANUAL) { MANUALLY } else { "Running" };
    let instance = Instance {
        instance_id: with.machine.instance_id.clone(),
        status: Status::new(InstanceStatus::Running, running, now),
        hardware: with.machine.hardware.clone(),
        addresses,
        ..Instance::pending(now)
    };
    let agent = Agent {
        status: Status::new(AgentStatus::Started, "", now),
        version: with.version.clone(),
        hostname: with.machine.hostname.clone(),
        ..Agent::pending(now)
    };
    txn.add(key::machine(model, &id), &machine);
    txn.add(key::instance(model, &id), &instance);
    txn.add(key::agent(model, &id), &agent);
    txn.create(key::sequence(model, "machine"), encode(&Sequence(1)));
}

/// Where the API is now. Agents and clients follow.
pub fn set_endpoints(beliefs: &Beliefs, endpoints: &[Endpoint], _: Given<'_>) -> Result<Decision, Refusal> {
    let read = beliefs.controller()?;
    let mut txn = Txn::new();
    if read.endpoints != endpoints {
        let record = Controller { endpoints: endpoints.to_vec(), ..read.to_record() };
        txn.update(key::controller(), read, &record);
        let id = MachineId::top(0);
        let zero = beliefs.models.get(&read.model_uuid).and_then(|within| within.machines.get(&id));
        if let Some(instance) = zero.and_then(|zero| zero.instance.as_ref()) {
            let addresses = endpoints.iter().map(|endpoint| endpoint.address.clone()).collect();
            txn.update(key::instance(read.model_uuid, &id), instance, &Instance { addresses, ..instance.to_record() });
        }
    }
    Ok(Decision::new(txn, ()))
}

/// The CAs that count now, PEM, the newest first. Agents follow.
pub fn set_ca_cert(beliefs: &Beliefs, ca_cert: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let read = beliefs.controller()?;
    let mut txn = Txn::new();
    if read.ca_cert != ca_cert {
        txn.update(key::controller(), read, &Controller { ca_cert: ca_cert.to_owned(), ..read.to_record() });
    }
    Ok(Decision::new(txn, ()))
}

/// What this controller now runs; its own machine's agent with it.
pub fn set_version(beliefs: &Beliefs, version: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let read = beliefs.controller()?;
    let mut txn = Txn::new();
    if read.version != version {
        txn.update(key::controller(), read, &Controller { version: version.to_owned(), ..read.to_record() });
        if let Some(model) = beliefs.models.get(&read.model_uuid).and_then(|within| within.model.as_ref()) {
            txn.update(
                key::model(read.model_uuid),
                model,
                &Model { agent_version: version.to_owned(), ..model.to_record() },
            );
        }
        let id = MachineId::top(0);
        let zero = beliefs.models.get(&read.model_uuid).and_then(|within| within.machines.get(&id));
        if let Some(agent) = zero.and_then(|zero| zero.agent.as_ref()) {
            txn.update(
                key::agent(read.model_uuid, &id),
                agent,
                &Agent { version: version.to_owned(), ..agent.to_record() },
            );
        }
    }
    Ok(Decision::new(txn, ()))
}

pub fn set_config(beliefs: &Beliefs, values: &BTreeMap<String, Value>, _: Given<'_>) -> Result<Decision, Refusal> {
    let read = beliefs.controller()?;
    let mut record = read.to_record();
    for (name, value) in values {
        match crate::controller_config::is_updatable(name) {
            Some(true) => {
                record.config.insert(name.clone(), crate::controller_config::check(name, value)?);
            }
            Some(false) => return Err(Refusal::plain(format!("can't change {name:?} after bootstrap"))),
            None => return Err(Refusal::plain(format!("unknown controller config setting {name:?}"))),
        }
    }
    let mut txn = Txn::new();
    if record != **read {
        txn.update(key::controller(), read, &record);
    }
    Ok(Decision::new(txn, ()))
}

#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyController {
    pub destroy_models: bool,
    pub how: DestroyModel,
}

/// It is to go. With `destroy_models` all its models go first; without, it refuses while there are any with something in them.
pub fn destroy(beliefs: &Beliefs, wanted: DestroyController, given: Given<'_>) -> Result<Decision, Refusal> {
    let read = beliefs.controller()?;
    if beliefs.models().any(|(within, _)| !within.blocks.is_empty()) {
        return Err(Refusal::new(Kind::Blocked, "found blocks in controller models"));
    }
    let hosted: Vec<_> = beliefs.models().filter(|(_, model)| model.uuid != read.model_uuid).collect();
    let in_use = hosted.iter().filter(|(within, _)| within.machines().next().is_some()).count();
    if !wanted.destroy_models && in_use > 0 {
        return Err(Refusal::new(
            Kind::HasHostedModels,
            format!("hosting {} other model{}", hosted.len(), if hosted.len() == 1 { "" } else { "s" }),
        ));
    }
    let mut txn = Txn::new();
    for (_, model) in hosted {
        // More models than one transaction holds are marked when the client asks again, as it does every two seconds.
        if txn.operations() < store::MAX_OPERATIONS - 1 {
            dying(&mut txn, model.uuid, model, wanted.how, given);
        }
    }
    let mut record = read.to_record();
    record.life = Life::Dying;
    record.removal.get_or_insert(Removal { asked: given.now, force: wanted.how.force, force_at: None });
    if record != **read {
        txn.update(key::controller(), read, &record);
    }
    Ok(Decision::new(txn, ()))
}
