//! The current state, decoded: what every question is answered from. The store's view keeps it in step, one batch at a time.
//! It knows no wire. The surprise: a clone costs a few pointers (maps share what is equal, records are behind `Arc`), so that every reader
//! holds a state of its own, which nobody changes under it. A record that cannot be read is logged and left out; it stops nothing else.

mod apply;
mod memo;

pub use memo::Memo;

use crate::key::Object;
use crate::record::agent::Agent;
use crate::record::annotation::Annotations;
use crate::record::bakery::Bakery;
use crate::record::block::{Block, BlockKind};
use crate::record::cloud::Cloud;
use crate::record::controller::Controller;
use crate::record::credential::Credential;
use crate::record::enrolment::Enrolment;
use crate::record::instance::Instance;
use crate::record::key::Keys;
use crate::record::machine::Machine;
use crate::record::model::Model;
use crate::record::model_defaults::ModelDefaults;
use crate::record::network::Network;
use crate::record::operation::Operation;
use crate::record::settings::{ModelConstraints, Settings};
use crate::record::storage::Pools;
use crate::record::task::Task;
use crate::record::user::User;
use base::clock::Time;
use base::{Kind, MachineId, ModelUuid, OperationId, Refusal, TaskId};
use imbl::OrdMap;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;
use store::Revision;

/// A record and the revision that wrote it, for guards.
#[derive(Debug)]
pub struct Stored<R> {
    record: Arc<R>,
    pub revision: Revision,
}

impl<R> Clone for Stored<R> {
    fn clone(&self) -> Stored<R> {
        Stored { record: self.record.clone(), revision: self.revision }
    }
}

impl<R> Deref for Stored<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.record
    }
}

impl<R: Clone> Stored<R> {
    pub fn new(record: R, revision: Revision) -> Stored<R> {
        Stored { record: Arc::new(record), revision }
    }

    /// A copy to change and put back.
    pub fn to_record(&self) -> R {
        R::clone(&self.record)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Beliefs {
    pub controller: Option<Stored<Controller>>,
    pub bakery: Option<Stored<Bakery>>,
    pub clouds: OrdMap<String, Stored<Cloud>>,
    /// By cloud.
    pub model_defaults: OrdMap<String, Stored<ModelDefaults>>,
    /// By cloud, owner, name.
    pub credentials: OrdMap<(String, String, String), Stored<Credential>>,
    pub users: OrdMap<String, Stored<User>>,
    pub logins: OrdMap<(String, Option<ModelUuid>), Time>,
    pub access: OrdMap<(Object, String), Stored<String>>,
    pub names: OrdMap<(String, String), ModelUuid>,
    pub models: OrdMap<ModelUuid, Arc<InModel>>,
}

/// A model and all that is in it.
#[derive(Debug, Clone, Default)]
pub struct InModel {
    /// Absent only while its last parts are being removed.
    pub model: Option<Stored<Model>>,
    pub settings: Option<Stored<Settings>>,
    pub constraints: Option<Stored<ModelConstraints>>,
    pub keys: Option<Stored<Keys>>,
    /// Absent until its cloud was asked for subnets.
    pub network: Option<Stored<Network>>,
    /// Absent until somebody makes a storage pool.
    pub pools: Option<Stored<Pools>>,
    pub machines: OrdMap<MachineId, Arc<AMachine>>,
    pub operations: OrdMap<OperationId, Stored<Operation>>,
    pub tasks: OrdMap<TaskId, Stored<Task>>,
    pub annotations: OrdMap<String, Stored<Annotations>>,
    pub blocks: OrdMap<BlockKind, Stored<Block>>,
    pub sequences: OrdMap<String, Stored<u64>>,
}

/// The records of one machine.
#[derive(Debug, Clone, Default)]
pub struct AMachine {
    pub machine: Option<Stored<Machine>>,
    pub instance: Option<Stored<Instance>>,
    pub agent: Option<Stored<Agent>>,
    pub enrolment: Option<Stored<Enrolment>>,
    /// How it is shown to clients, as JSON: a status shows a thousand of them, of which few have changed since the last.
    pub shown: Memo<Box<serde_json::value::RawValue>>,
}

impl Beliefs {
    /// The controller's record; a store without one was never bootstrapped.
    pub fn controller(&self) -> Result<&Stored<Controller>, Refusal> {
        self.controller
            .as_ref()
            .ok_or_else(|| Refusal::internal("controller is not bootstrapped", "no record under /controller"))
    }

    pub fn in_model(&self, uuid: ModelUuid) -> Result<&Arc<InModel>, Refusal> {
        self.models
            .get(&uuid)
            .filter(|model| model.model.is_some())
            .ok_or_else(|| Refusal::new(Kind::ModelNotFound, format!("model {:?} not found", uuid.to_string())))
    }

    /// A model and its own record.
    pub fn model(&self, uuid: ModelUuid) -> Result<(&InModel, &Stored<Model>), Refusal> {
        let model = self.in_model(uuid)?;
        match &model.model {
            Some(record) => Ok((model, record)),
            None => Err(Refusal::new(Kind::ModelNotFound, format!("model {:?} not found", uuid.to_string()))),
        }
    }

    /// All models with a record, by uuid.
    pub fn models(&self) -> impl Iterator<Item = (&InModel, &Stored<Model>)> {
        self.models.values().filter_map(|model| Some((&**model, model.model.as_ref()?)))
    }

    pub fn access_of(&self, object: &Object, user: &str) -> Option<&str> {
        self.access.get(&(object.clone(), user.to_owned())).map(|level| level.as_str())
    }

    /// All that was given on an object, by user.
    pub fn access_on<'a>(&'a self, object: &Object) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let object = object.clone();
        self.access
            .range((object.clone(), String::new())..)
            .take_while(move |((of, _), _)| *of == object)
            .map(|((_, user), level)| (user.as_str(), level.as_str()))
    }
}

impl InModel {
    /// Machines with a record, in the order people count.
    pub fn machines(&self) -> impl Iterator<Item = (&MachineId, &AMachine, &Stored<Machine>)> {
        self.machines.iter().filter_map(|(id, machine)| Some((id, &**machine, machine.machine.as_ref()?)))
    }

    pub fn machine(&self, id: &MachineId) -> Result<(&AMachine, &Stored<Machine>), Refusal> {
        self.machines
            .get(id)
            .and_then(|machine| Some((&**machine, machine.machine.as_ref()?)))
            .ok_or_else(|| Refusal::new(Kind::NotFound, format!("machine {id} not found")))
    }

    /// Whether a machine was forgotten before its agent had left the host: its enrolment alone is kept, so that the agent is told.
    pub fn is_left_behind(&self, id: &MachineId) -> bool {
        self.machines.get(id).is_some_and(|all| all.machine.is_none() && all.enrolment.is_some())
    }

    /// The containers on a machine, those in them included. They follow their host in the order of ids.
    pub fn under<'a>(&'a self, id: &'a MachineId) -> impl Iterator<Item = &'a Stored<Machine>> + use<'a> {
        let prefix = format!("{id}/");
        let after = self.machines.range(id.clone()..).filter(move |(of, _)| *of != id);
        after
            .take_while(move |(of, _)| of.as_str().starts_with(&prefix))
            .filter_map(|(_, machine)| machine.machine.as_ref())
    }

    /// Spaces and subnets as they are known by now.
    pub fn network(&self) -> Cow<'_, Network> {
        self.network.as_deref().map_or_else(|| Cow::Owned(Network::default()), Cow::Borrowed)
    }

    pub fn sequence(&self, what: &str) -> u64 {
        self.sequences.get(what).map_or(0, |next| **next)
    }
}
