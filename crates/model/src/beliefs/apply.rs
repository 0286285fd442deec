//! How a batch of the store's becomes decoded records. It judges nothing. The surprise: keys that this release does not know are left
//! alone, so that a newer controller beside it can already write them.

use super::{AMachine, Beliefs, InModel, Memo, Stored};
use crate::key::{self, Name};
use crate::record::Record;
use crate::record::access::Access;
use crate::record::model::ModelName;
use crate::record::sequence::Sequence;
use crate::record::user::LastLogin;
use base::{MachineId, ModelUuid};
use imbl::OrdMap;
use std::sync::Arc;
use store::{Batch, Entries, Key, Revision, Value};

impl store::Project for Beliefs {
    fn load(entries: &Entries) -> Beliefs {
        let mut beliefs = Beliefs::default();
        for (key, entry) in entries {
            beliefs.take(key, Some(&entry.value), entry.revision);
        }
        beliefs
    }

    fn apply(&mut self, batch: &Batch, _before: &Entries) {
        for change in &batch.changes {
            self.take(&change.key, change.value.as_ref(), batch.revision);
        }
    }
}

/// A record of the value, if there is one and it can be read.
fn read<R: Record>(key: &Key, value: Option<&Value>, revision: Revision) -> Option<Stored<R>> {
    match value?.decode::<R>() {
        Ok(record) => Some(Stored::new(record, revision)),
        Err(error) => {
            tracing::error!(%key, noun = R::NOUN, error = &error as &dyn std::error::Error, "stored record cannot be read");
            None
        }
    }
}

fn set<K: Ord + Clone, V: Clone>(map: &mut OrdMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

impl Beliefs {
    fn take(&mut self, key: &Key, value: Option<&Value>, at: Revision) {
        let Some(name) = Name::of(key) else { return };
        match name {
            Name::Controller => self.controller = read(key, value, at),
            Name::Bakery => self.bakery = read(key, value, at),
            Name::Cloud(name) => set(&mut self.clouds, name, read(key, value, at)),
            Name::ModelDefaults(cloud) => set(&mut self.model_defaults, cloud, read(key, value, at)),
            Name::Credential { cloud, owner, name } => {
                set(&mut self.credentials, (cloud, owner, name), read(key, value, at));
            }
            Name::User(name) => set(&mut self.users, name, read(key, value, at)),
            Name::Login { user, model } => {
                set(&mut self.logins, (user, model), read::<LastLogin>(key, value, at).map(|login| login.at));
            }
            Name::Access(object, user) => {
                let level = read::<Access>(key, value, at).map(|access| Stored::new(access.level.clone(), at));
                set(&mut self.access, (object, user), level);
            }
            Name::ModelName { owner, name } => {
                set(&mut self.names, (owner, name), read::<ModelName>(key, value, at).map(|name| name.0));
            }
            Name::Model(uuid) => {
                let record = read(key, value, at);
                self.within(uuid, |model| model.model = record);
            }
            Name::In(uuid, name) => self.within(uuid, |model| model.take(name, key, value, at)),
        }
    }

    /// Changes a model's part of the state; a model of which nothing is left is forgotten.
    fn within(&mut self, uuid: ModelUuid, change: impl FnOnce(&mut InModel)) {
        let mut model = self.models.get(&uuid).cloned().unwrap_or_default();
        change(Arc::make_mut(&mut model));
        set(&mut self.models, uuid, (!model.is_empty()).then_some(model));
    }
}

impl InModel {
    fn take(&mut self, name: key::InModel, key: &Key, value: Option<&Value>, at: Revision) {
        match name {
            key::InModel::Machine(id) => {
                let record = read(key, value, at);
                self.of_machine(id, |machine| machine.machine = record);
            }
            key::InModel::Instance(id) => {
                let record = read(key, value, at);
                self.of_machine(id, |machine| machine.instance = record);
            }
            key::InModel::Agent(id) => {
                let record = read(key, value, at);
                self.of_machine(id, |machine| machine.agent = record);
            }
            key::InModel::Enrolment(id) => {
                let record = read(key, value, at);
                self.of_machine(id, |machine| machine.enrolment = record);
            }
            key::InModel::Settings => self.settings = read(key, value, at),
            key::InModel::Constraints => self.constraints = read(key, value, at),
            key::InModel::Keys => self.keys = read(key, value, at),
            key::InModel::Network => {
                self.network = read(key, value, at);
                self.show_anew();
            }
            key::InModel::Pools => self.pools = read(key, value, at),
            key::InModel::Operation(id) => set(&mut self.operations, id, read(key, value, at)),
            key::InModel::Task(id) => set(&mut self.tasks, id, read(key, value, at)),
            key::InModel::Annotation(tag) => set(&mut self.annotations, tag, read(key, value, at)),
            key::InModel::Block(kind) => set(&mut self.blocks, kind, read(key, value, at)),
            key::InModel::Sequence(what) => {
                let next = read::<Sequence>(key, value, at).map(|next| Stored::new(next.0, at));
                set(&mut self.sequences, what, next);
            }
        }
    }

    /// What is shown of machines names their spaces.
    fn show_anew(&mut self) {
        let ids: Vec<MachineId> = self.machines.keys().cloned().collect();
        ids.into_iter().for_each(|id| self.of_machine(id, |_| ()));
    }

    fn of_machine(&mut self, id: MachineId, change: impl FnOnce(&mut AMachine)) {
        let mut machine = self.machines.get(&id).cloned().unwrap_or_default();
        let records = Arc::make_mut(&mut machine);
        records.shown = Memo::default();
        change(records);
        set(&mut self.machines, id, (!machine.is_empty()).then_some(machine));
    }

    fn is_empty(&self) -> bool {
        self.model.is_none()
            && self.settings.is_none()
            && self.constraints.is_none()
            && self.keys.is_none()
            && self.network.is_none()
            && self.pools.is_none()
            && self.machines.is_empty()
            && self.operations.is_empty()
            && self.tasks.is_empty()
            && self.annotations.is_empty()
            && self.blocks.is_empty()
            && self.sequences.is_empty()
    }
}

impl AMachine {
    fn is_empty(&self) -> bool {
        self.machine.is_none() && self.instance.is_none() && self.agent.is_none() && self.enrolment.is_none()
    }
}
