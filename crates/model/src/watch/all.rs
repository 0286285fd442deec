//! All that is in a model, or in every model, and how it changes, for the clients' AllWatcher and AllModelWatcher (`wire/protocol.md` 4.4).
//! It knows no wire: it names entities and hands their records over.
//! The surprise: it keeps no queue. What it owes is a set of ids, read anew when asked, so a slow reader costs one id per changed entity
//! and sees each entity's latest state once; what was made and removed in between it never sees. That an agent is missed is no change of the
//! store: it is looked for when agents came or left, and when one that left has been away for too long.

use crate::beliefs::{AMachine, Beliefs, InModel, Stored};
use crate::key::{self, Name};
use crate::presence::{GRACE, Presence};
use crate::query::machine::{Contact, contact};
use crate::record::annotation::Annotations;
use crate::record::block::{Block, BlockKind};
use crate::record::network::Network;
use crate::record::task::Task;
use crate::state::{Read, State};
use base::{MachineId, ModelUuid, TaskId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use store::{Batch, Feed, Lost, Stopped};
use tokio::sync::watch;
use tokio::time::Instant;

/// Agents come and leave in flocks: their presence is looked at so seldom, whatever happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    Model,
    Machine(MachineId),
    Task(TaskId),
    Annotation(String),
    Block(BlockKind),
}

/// Which thing of which model.
type Key = (ModelUuid, Id);

/// The thing as it is. Sharing, not copying.
#[derive(Debug, Clone)]
pub enum Entity {
    Model(Arc<InModel>),
    /// With the spaces that its addresses are in.
    Machine(MachineId, Arc<AMachine>, Contact, Option<Stored<Network>>),
    Task(Stored<Task>),
    Annotation(String, Stored<Annotations>),
    Block(Stored<Block>),
}

#[derive(Debug, Clone)]
pub enum Delta {
    Change(Entity),
    /// As it last was.
    Remove(Entity),
}

/// Why a watcher tells no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The model is gone, and the reader was told so.
    #[error("model is gone")]
    Gone,
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// One watcher, on one model or on all.
pub struct AllWatcher {
    /// Nothing: every model.
    only: Option<ModelUuid>,
    feed: Feed<Beliefs>,
    latest: Read,
    /// What the reader has been told of, as it was then.
    told: BTreeMap<Key, Entity>,
    /// What it must be told, in the order of the last change.
    owed: Owed,
    begun: bool,
    presence: Presence,
    came_or_left: watch::Receiver<()>,
    looked: Instant,
    /// When to look at agents' presence next.
    look: Option<Instant>,
}

impl AllWatcher {
    /// On one model.
    pub fn new(state: &State, model: ModelUuid) -> AllWatcher {
        AllWatcher::of(state, Some(model))
    }

    /// On every model that is there, and on those that come.
    pub fn of_all_models(state: &State) -> AllWatcher {
        AllWatcher::of(state, None)
    }

    fn of(state: &State, only: Option<ModelUuid>) -> AllWatcher {
        let (latest, feed) = state.follow();
        let presence = state.presence().clone();
        AllWatcher {
            only,
            feed,
            latest,
            told: BTreeMap::new(),
            owed: Owed::default(),
            begun: false,
            came_or_left: presence.news(),
            presence,
            looked: Instant::now(),
            look: None,
        }
    }

    /// Everything on the first call, even when that is nothing; later waits until there is something. Dropping the future loses nothing.
    /// Each change with the model that it is in.
    pub async fn next(&mut self) -> Result<(Vec<(ModelUuid, Delta)>, Read), Ended> {
        if !self.begun {
            self.begun = true;
            self.owe_all();
            let deltas = self.pay();
            self.look_at_presence();
            return Ok((deltas, self.latest.clone()));
        }
        loop {
            let deltas = self.pay();
            if !deltas.is_empty() {
                return Ok((deltas, self.latest.clone()));
            }
            if self.only.is_some_and(|model| !self.latest.models.contains_key(&model)) {
                return Err(Ended::Gone);
            }
            let look = self.look;
            let time_to_look = async {
                match look {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                step = self.feed.next() => match step {
                    Ok(step) => {
                        for batch in &step.batches {
                            self.owe(batch);
                        }
                        self.latest = Read::of(step.state);
                    }
                    Err(Lost::Behind) => {
                        self.latest = Read::of(self.feed.resync());
                        self.owe_all();
                    }
                    Err(Lost::Stopped(stopped)) => return Err(stopped.into()),
                },
                // Its sender is in `self.presence`: it never ends.
                _ = self.came_or_left.changed() => {
                    let soon = Instant::now().max(self.looked + LOOK_EVERY);
                    self.look = Some(self.look.map_or(soon, |at| at.min(soon)));
                }
                () = time_to_look => self.look_at_presence(),
            }
        }
    }

    /// How many entities it keeps in mind, for bounds in tests.
    pub fn size(&self) -> usize {
        self.told.len() + self.owed.order.len()
    }

    /// Owes the machines whose agents are missed and were not, or the other way round.
    fn look_at_presence(&mut self) {
        self.looked = Instant::now();
        self.look = None;
        let latest = self.latest.clone();
        for (model, within) in self.seen(&latest) {
            for (id, all, machine) in within.machines() {
                let key = (model, Id::Machine(id.clone()));
                if let Some(Entity::Machine(_, _, told, _)) = self.told.get(&key)
                    && *told != contact(model, machine, all, &self.presence)
                {
                    self.owed.push(key);
                }
                if let Some(left) = self.presence.absent(model, id).and_then(|absent| GRACE.checked_sub(absent)) {
                    let missed = self.looked + left + Duration::from_millis(1);
                    self.look = Some(self.look.map_or(missed, |at| at.min(missed)));
                }
            }
        }
    }

    /// The models that it is about.
    fn seen<'a>(&self, latest: &'a Read) -> impl Iterator<Item = (ModelUuid, &'a Arc<InModel>)> + use<'a> {
        let only = self.only;
        let one = only.and_then(|model| latest.models.get(&model).map(|within| (model, within)));
        let all = latest.models.iter().map(|(model, within)| (*model, within)).filter(move |_| only.is_none());
        one.into_iter().chain(all)
    }

    fn owe(&mut self, batch: &Batch) {
        for change in &batch.changes {
            let Some((model, name)) = Name::of(&change.key).and_then(of_model) else { continue };
            if self.only.is_some_and(|only| only != model) {
                continue;
            }
            match name {
                Some(key::InModel::Network) => self.owe_all_of(model),
                name => id_of(name).into_iter().for_each(|id| self.owed.push((model, id))),
            }
        }
    }

    /// Everything that is there, and everything that was told and may be gone.
    fn owe_all(&mut self) {
        let latest = self.latest.clone();
        let told: Vec<Key> = self.told.keys().cloned().collect();
        told.into_iter().for_each(|key| self.owed.push(key));
        for (model, within) in self.seen(&latest) {
            all_ids(within).into_iter().for_each(|id| self.owed.push((model, id)));
        }
    }

    fn owe_all_of(&mut self, model: ModelUuid) {
        let told: Vec<Key> = self.told.keys().filter(|(of, _)| *of == model).cloned().collect();
        let present = self.latest.models.get(&model).map(all_ids).unwrap_or_default();
        told.into_iter().chain(present.into_iter().map(|id| (model, id))).for_each(|key| self.owed.push(key));
    }

    fn pay(&mut self) -> Vec<(ModelUuid, Delta)> {
        let mut deltas = Vec::new();
        for key in self.owed.take() {
            let model = key.0;
            let within = self.latest.models.get(&model);
            let now = within.and_then(|within| entity(model, within, &key.1, &self.presence));
            match (now, self.told.get(&key)) {
                (Some(now), Some(then)) if same(&now, then) => {}
                (Some(now), _) => {
                    self.told.insert(key, now.clone());
                    deltas.push((model, Delta::Change(now)));
                }
                (None, Some(_)) => deltas.extend(self.told.remove(&key).map(|last| (model, Delta::Remove(last)))),
                (None, None) => {}
            }
        }
        deltas
    }
}

/// A set that remembers which was put in last.
#[derive(Debug, Default)]
struct Owed {
    place: HashMap<Key, u64>,
    order: BTreeMap<u64, Key>,
    next: u64,
}

impl Owed {
    fn push(&mut self, id: Key) {
        if let Some(before) = self.place.insert(id.clone(), self.next) {
            self.order.remove(&before);
        }
        self.order.insert(self.next, id);
        self.next += 1;
    }

    fn take(&mut self) -> Vec<Key> {
        // Its room, too: all of a model is owed once, and little ever after.
        self.place = HashMap::new();
        std::mem::take(&mut self.order).into_values().collect()
    }
}

/// The model that a key is of; with nothing it is the model's own record.
fn of_model(name: Name) -> Option<(ModelUuid, Option<key::InModel>)> {
    match name {
        Name::Model(uuid) => Some((uuid, None)),
        Name::In(uuid, name) => Some((uuid, Some(name))),
        _ => None,
    }
}

/// The entity that a key of a model belongs to, if clients see it.
fn id_of(name: Option<key::InModel>) -> Option<Id> {
    let Some(name) = name else { return Some(Id::Model) };
    match name {
        key::InModel::Machine(id) | key::InModel::Instance(id) | key::InModel::Agent(id) => Some(Id::Machine(id)),
        key::InModel::Settings | key::InModel::Constraints => Some(Id::Model),
        key::InModel::Task(id) => Some(Id::Task(id)),
        key::InModel::Annotation(tag) => Some(Id::Annotation(tag)),
        key::InModel::Block(kind) => Some(Id::Block(kind)),
        key::InModel::Enrolment(_)
        | key::InModel::Keys
        | key::InModel::Network
        | key::InModel::Pools
        | key::InModel::Operation(_)
        | key::InModel::Sequence(_) => None,
    }
}

/// In the order of the first load: the model, its machines, then the rest.
fn all_ids(within: &Arc<InModel>) -> Vec<Id> {
    let mut ids = vec![Id::Model];
    ids.extend(within.machines.keys().cloned().map(Id::Machine));
    ids.extend(within.tasks.keys().copied().map(Id::Task));
    ids.extend(within.annotations.keys().cloned().map(Id::Annotation));
    ids.extend(within.blocks.keys().copied().map(Id::Block));
    ids
}

fn entity(model: ModelUuid, within: &Arc<InModel>, id: &Id, presence: &Presence) -> Option<Entity> {
    match id {
        Id::Model => within.model.is_some().then(|| Entity::Model(within.clone())),
        Id::Machine(id) => {
            let all = within.machines.get(id)?;
            let contact = contact(model, all.machine.as_ref()?, all, presence);
            Some(Entity::Machine(id.clone(), all.clone(), contact, within.network.clone()))
        }
        Id::Task(id) => within.tasks.get(id).cloned().map(Entity::Task),
        Id::Annotation(tag) => within.annotations.get(tag).cloned().map(|all| Entity::Annotation(tag.clone(), all)),
        Id::Block(kind) => within.blocks.get(kind).cloned().map(Entity::Block),
    }
}

/// The one that every model begins with is as good as none.
fn network(stored: &Option<Stored<Network>>) -> Option<&Network> {
    stored.as_deref().filter(|network| !network.is_bare())
}

/// Written by the same revisions.
fn same(a: &Entity, b: &Entity) -> bool {
    fn at<R>(one: &Option<Stored<R>>) -> Option<store::Revision> {
        one.as_ref().map(|one| one.revision)
    }
    match (a, b) {
        (Entity::Model(a), Entity::Model(b)) => {
            (at(&a.model), at(&a.settings), at(&a.constraints)) == (at(&b.model), at(&b.settings), at(&b.constraints))
        }
        (Entity::Machine(_, a, then, before), Entity::Machine(_, b, now, after)) => {
            then == now
                && network(before) == network(after)
                && (at(&a.machine), at(&a.instance), at(&a.agent)) == (at(&b.machine), at(&b.instance), at(&b.agent))
        }
        (Entity::Task(a), Entity::Task(b)) => a.revision == b.revision,
        (Entity::Annotation(_, a), Entity::Annotation(_, b)) => a.revision == b.revision,
        (Entity::Block(a), Entity::Block(b)) => a.revision == b.revision,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
