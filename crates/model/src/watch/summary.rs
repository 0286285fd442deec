//! What is to be said of each model in a line, and how that changes, for the clients' ModelSummaryWatcher (`wire/protocol.md` 4.7).
//!
//! It knows no wire. The surprise: whose eyes it looks with matters. A model that a user may not see any more is told as gone, one that the user
//! may see now as new; and what it owes is a set of models, so that a slow reader costs one uuid for each model.

use crate::access;
use crate::beliefs::{Beliefs, InModel};
use crate::key::{Name, Object};
use crate::state::{Read, State};
use base::ModelUuid;
use base::status::InstanceStatus;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::{Batch, Feed, Lost, Stopped};

/// A machine that needs somebody: which, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub machine: String,
    pub words: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub uuid: ModelUuid,
    pub name: String,
    pub owner: String,
    pub admins: Vec<String>,
    pub cloud: String,
    pub region: String,
    pub credential: String,
    pub machines: usize,
    pub containers: usize,
    /// Some machine is not there yet.
    pub is_busy: bool,
    pub troubles: Vec<Trouble>,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Is(Box<Summary>),
    Gone(ModelUuid),
}

pub struct SummaryWatcher {
    /// Nothing: everybody's models.
    user: Option<String>,
    feed: Feed<Beliefs>,
    latest: Read,
    told: HashMap<ModelUuid, Summary>,
    owed: BTreeSet<ModelUuid>,
    begun: bool,
}

impl SummaryWatcher {
    /// With the eyes of `user`; of nobody in particular when there is none.
    pub fn new(state: &State, user: Option<String>) -> SummaryWatcher {
        let (latest, feed) = state.follow();
        SummaryWatcher { user, feed, latest, told: HashMap::new(), owed: BTreeSet::new(), begun: false }
    }

    /// Everything on the first call; later waits until there is something. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Vec<Told>, Stopped> {
        if !self.begun {
            self.begun = true;
            self.owe_all();
            return Ok(self.pay());
        }
        loop {
            let told = self.pay();
            if !told.is_empty() {
                return Ok(told);
            }
            match self.feed.next().await {
                Ok(step) => {
                    step.batches.iter().for_each(|batch| self.owe(batch));
                    self.latest = Read::of(step.state);
                }
                Err(Lost::Behind) => {
                    self.latest = Read::of(self.feed.resync());
                    self.owe_all();
                }
                Err(Lost::Stopped(stopped)) => return Err(stopped),
            }
        }
    }

    fn owe(&mut self, batch: &Batch) {
        for change in &batch.changes {
            match Name::of(&change.key) {
                Some(Name::Model(model) | Name::In(model, _) | Name::Access(Object::Model(model), _)) => {
                    self.owed.insert(model);
                }
                // Who becomes superuser, or is one no more, sees other models.
                Some(Name::Access(Object::Controller, user)) if self.user.as_ref() == Some(&user) => self.owe_all(),
                _ => {}
            }
        }
    }

    fn owe_all(&mut self) {
        self.owed.extend(self.told.keys().copied());
        self.owed.extend(self.latest.models.keys().copied());
    }

    fn pay(&mut self) -> Vec<Told> {
        let mut all = Vec::new();
        for model in std::mem::take(&mut self.owed) {
            let sees = self.user.as_ref().is_none_or(|user| access::on_model(&self.latest, user, model).is_some());
            let within = self.latest.models.get(&model).filter(|_| sees);
            match within.and_then(|within| summary(&self.latest, within)) {
                Some(now) if self.told.get(&model) == Some(&now) => {}
                Some(now) => {
                    self.told.insert(model, now.clone());
                    all.push(Told::Is(Box::new(now)));
                }
                None => all.extend(self.told.remove(&model).map(|_| Told::Gone(model))),
            }
        }
        all
    }
}

fn summary(beliefs: &Beliefs, within: &InModel) -> Option<Summary> {
    let model = within.model.as_ref()?;
    let mut admins: Vec<String> = beliefs
        .access_on(&Object::Model(model.uuid))
        .filter(|(_, level)| *level == "admin")
        .map(|(user, _)| user.to_owned())
        .collect();
    admins.sort();
    let (mut machines, mut containers, mut is_busy, mut troubles) = (0, 0, false, Vec::new());
    for (id, whole, _) in within.machines() {
        match id.parent() {
            Some(_) => containers += 1,
            None => machines += 1,
        }
        let status = whole.instance.as_ref().map(|instance| &instance.status);
        match status.map(|status| status.current) {
            Some(InstanceStatus::ProvisioningError | InstanceStatus::Error) => {
                let words = status.map(|status| status.message.clone()).unwrap_or_default();
                troubles.push(Trouble { machine: id.to_string(), words });
            }
            Some(InstanceStatus::Running) => {}
            _ => is_busy = true,
        }
    }
    let own = within.annotations.get(&format!("model-{}", model.uuid));
    Some(Summary {
        uuid: model.uuid,
        name: model.name.clone(),
        owner: model.owner.clone(),
        admins,
        cloud: model.cloud.clone(),
        region: model.region.clone(),
        credential: model.credential.clone(),
        machines,
        containers,
        is_busy,
        troubles,
        annotations: own.map(|own| own.0.clone()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::machine::{AddMachine, add};
    use crate::change::user::{self, Proof};
    use crate::change::{annotation, instance};
    use crate::tests::{a_model, a_state};
    use base::{MachineId, OsBase, Secret, Tag};

    fn shown(told: Vec<Told>) -> Vec<String> {
        let one = |told: Told| match told {
            Told::Is(one) => format!("{} {} {} {}", one.name, one.machines, one.is_busy, one.troubles.len()),
            Told::Gone(_) => "gone".to_owned(),
        };
        told.into_iter().map(one).collect()
    }

    async fn quiet(watcher: &mut SummaryWatcher) -> bool {
        tokio::select! {
            biased;
            told = watcher.next() => panic!("told {told:?}"),
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test]
    async fn a_line_is_told_when_it_is_another() {
        let state = a_state().await;
        let model = a_model(&state, "m").await;
        let mut watcher = SummaryWatcher::new(&state, None);
        assert_eq!(shown(watcher.next().await.expect("there")).len(), 2);
        let base = OsBase::parse("ubuntu@24.04").expect("valid");
        state.change(|b, g| add(b, model, &[AddMachine::default()], &base, g)).await.expect("added");
        assert_eq!(shown(watcher.next().await.expect("there")), ["m 1 true 0"]);
        let id = MachineId::top(0);
        let says = async |word: InstanceStatus| {
            let said = state.change(|b, g| instance::set(b, model, &id, g, |record, g| record.says(word, "why", g)));
            said.await.expect("says");
        };
        says(InstanceStatus::Allocating).await;
        assert!(quiet(&mut watcher).await);
        says(InstanceStatus::ProvisioningError).await;
        assert_eq!(shown(watcher.next().await.expect("there")), ["m 1 false 1"]);
        says(InstanceStatus::Running).await;
        assert_eq!(shown(watcher.next().await.expect("there")), ["m 1 false 0"]);
        let pairs = [("k".to_owned(), "v".to_owned())].into();
        state.change(|b, g| annotation::set(b, model, &Tag::Model(model), &pairs, g)).await.expect("annotated");
        assert_eq!(watcher.next().await.expect("there").len(), 1);
    }

    #[tokio::test]
    async fn a_user_sees_models_come_and_go_with_the_right_to_see_them() {
        let state = a_state().await;
        let model = a_model(&state, "m").await;
        let proof = Proof::Password(Secret::new("x"));
        state.change(|b, g| user::add(b, "bob", "", &proof, "admin", g)).await.expect("a user");
        let mut watcher = SummaryWatcher::new(&state, Some("bob".into()));
        assert_eq!(shown(watcher.next().await.expect("there")), Vec::<String>::new());
        let object = Object::Model(model);
        state.change(|b, g| user::grant(b, &object, "bob", "read", g)).await.expect("granted");
        assert_eq!(shown(watcher.next().await.expect("there")), ["m 0 false 0"]);
        state.change(|b, g| user::revoke(b, &object, "bob", "read", g)).await.expect("revoked");
        assert_eq!(shown(watcher.next().await.expect("there")), ["gone"]);
        state.change(|b, g| user::grant(b, &Object::Controller, "bob", "superuser", g)).await.expect("granted");
        assert_eq!(watcher.next().await.expect("there").len(), 2);
    }
}
