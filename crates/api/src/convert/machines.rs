//! The machines of a model as FullStatus nests them, made one at a time while they are written: a thousand of them never lie in memory
//! at once, and none is moved about to keep an order. The surprise: it holds the beliefs that it reads, so it may outlive the call.

use super::machine::{self, Seen};
use base::{Life, MachineId, ModelUuid};
use model::query::machine::{self as query, Contact};
use model::record::machine::Machine;
use model::record::network::Network;
use model::{AMachine, InModel, Presence, Read, Stored};
use serde::ser::{Error, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use wire::facade::client::MachineStatus;

pub struct Machines {
    pub read: Read,
    pub model: ModelUuid,
    pub presence: Presence,
    /// Those that are shown; nothing when all are.
    pub kept: Option<BTreeSet<MachineId>>,
}

type Shown<'a> = (&'a AMachine, &'a Stored<Machine>);

/// What is shown, by the host that it is shown under.
struct Tree<'a> {
    seen: Seen<'a>,
    within: &'a InModel,
    network: Cow<'a, Network>,
    /// In the order of the ids as text, which is the one of JSON objects.
    tops: Vec<Shown<'a>>,
    under: BTreeMap<&'a MachineId, Vec<Shown<'a>>>,
}

impl Machines {
    fn tree(&self) -> Option<Tree<'_>> {
        let seen = Seen { model: self.model, presence: &self.presence };
        let within = self.read.in_model(self.model).ok()?;
        let mut tree = Tree { seen, within, network: within.network(), tops: Vec::new(), under: BTreeMap::new() };
        let is_shown = |id: &MachineId| self.kept.as_ref().is_none_or(|kept| kept.contains(id));
        for (id, all, one) in within.machines().filter(|(id, ..)| is_shown(id)) {
            // One whose host is not shown stands by itself.
            let host = id.parent().filter(is_shown).and_then(|host| within.machine(&host).ok());
            match host {
                Some((_, host)) => tree.under.entry(&host.id).or_default().push((all, one)),
                None => tree.tops.push((all, one)),
            }
        }
        tree.tops.sort_unstable_by(|(_, a), (_, b)| a.id.as_str().cmp(b.id.as_str()));
        Some(tree)
    }
}

impl Tree<'_> {
    fn contact(&self, (all, one): Shown<'_>) -> Contact {
        query::contact(self.seen.model, one, all, self.seen.presence)
    }

    /// The text of one that is shown as its records are: nothing of others but the model's spaces, nor of
    /// its agent's connection, is in it.
    fn text<'a>(&self, shown: Shown<'a>) -> Result<Option<&'a RawValue>, serde_json::Error> {
        let (all, one) = shown;
        if one.life != Life::Alive || self.under.contains_key(&one.id) || self.contact(shown) != Contact::Kept {
            return Ok(None);
        }
        let text =
            all.shown.of(|| serde_json::value::to_raw_value(&machine::full(&self.network, Contact::Kept, all, one)))?;
        Ok(Some(text))
    }

    fn status(&self, (all, one): Shown<'_>) -> MachineStatus {
        let mut status = machine::full(&self.network, self.contact((all, one)), all, one);
        if let Some(words) = query::removal_waits_for(self.within, one) {
            status.instance_status.info = words;
        }
        for within in self.under.get(&one.id).into_iter().flatten() {
            status.containers.insert(within.1.id.to_string(), self.status(*within));
        }
        status
    }
}

impl Serialize for Machines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A model that is gone has no machines.
        let Some(tree) = self.tree() else { return serializer.serialize_map(Some(0))?.end() };
        let mut map = serializer.serialize_map(Some(tree.tops.len()))?;
        for one in &tree.tops {
            match tree.text(*one).map_err(S::Error::custom)? {
                Some(text) => map.serialize_entry(one.1.id.as_str(), text)?,
                None => map.serialize_entry(one.1.id.as_str(), &tree.status(*one))?,
            }
        }
        map.end()
    }
}
