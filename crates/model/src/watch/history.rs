//! Status histories: each status that a batch changed, as a line for the append store. It keeps nothing itself.
//! The surprise: it sees only states, so two changes that the store delivered together are one line.

use crate::beliefs::{Beliefs, InModel};
use crate::key::{self, Name};
use crate::record::status::{Status, StatusEntry};
use base::{MachineId, ModelUuid};
use std::fmt::Display;
use store::Batch;

/// The lines that a batch adds, each with its model. `before` and `after` are the states around it.
pub fn lines(before: &Beliefs, after: &Beliefs, batch: &Batch) -> Vec<(ModelUuid, StatusEntry)> {
    let mut lines = Vec::new();
    for change in &batch.changes {
        let (model, line) = match Name::of(&change.key) {
            Some(Name::Model(uuid)) => (uuid, of_model(before, after, uuid)),
            Some(Name::In(uuid, key::InModel::Instance(id))) => (uuid, of_instance(before, after, uuid, &id)),
            Some(Name::In(uuid, key::InModel::Agent(id))) => (uuid, of_agent(before, after, uuid, &id)),
            _ => continue,
        };
        lines.extend(line.map(|line| (model, line)));
    }
    lines
}

fn changed<S: Display + PartialEq>(
    kind: &str,
    id: String,
    before: Option<&Status<S>>,
    after: &Status<S>,
) -> Option<StatusEntry> {
    if before == Some(after) {
        return None;
    }
    Some(StatusEntry {
        kind: kind.to_owned(),
        id,
        status: after.current.to_string(),
        message: after.message.clone(),
        since: after.since,
        data: after.data.clone(),
    })
}

fn of_model(before: &Beliefs, after: &Beliefs, uuid: ModelUuid) -> Option<StatusEntry> {
    let record = |beliefs: &Beliefs| beliefs.models.get(&uuid).and_then(|within| within.model.clone());
    let (then, now) = (record(before), record(after)?);
    changed("model", uuid.to_string(), then.as_ref().map(|model| &model.status), &now.status)
}

fn within(beliefs: &Beliefs, uuid: ModelUuid) -> Option<&InModel> {
    beliefs.models.get(&uuid).map(|within| &**within)
}

fn of_instance(before: &Beliefs, after: &Beliefs, uuid: ModelUuid, id: &MachineId) -> Option<StatusEntry> {
    let kind = if id.parent().is_some() { "container" } else { "machine" };
    let then = within(before, uuid).and_then(|within| within.machines.get(id)?.instance.as_ref());
    let now = within(after, uuid)?.machines.get(id)?.instance.as_ref()?;
    changed(kind, id.to_string(), then.map(|instance| &instance.status), &now.status)
}

fn of_agent(before: &Beliefs, after: &Beliefs, uuid: ModelUuid, id: &MachineId) -> Option<StatusEntry> {
    let kind = if id.parent().is_some() { "juju-container" } else { "juju-machine" };
    let then = within(before, uuid).and_then(|within| within.machines.get(id)?.agent.as_ref());
    let now = within(after, uuid)?.machines.get(id)?.agent.as_ref()?;
    changed(kind, id.to_string(), then.map(|agent| &agent.status), &now.status)
}
