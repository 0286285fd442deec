//! Status histories: each status that a batch changed, as a line for the append store. It keeps nothing itself.
//! The surprise: it sees only states, so two changes that the store delivered together are one line.

use crate::beliefs::{Beliefs, InModel};
use crate::key::{self, Name};
use crate::record::status::{Status, StatusEntry};
use crate::state::{Read, State};
use base::{MachineId, ModelUuid};
use std::collections::BTreeSet;
use std::fmt::Display;
use store::append::History;
use store::{Key, Lost};

/// The lines that changes of these keys add, each with its model. `before` and `after` are the states around all of them.
pub fn lines(before: &Beliefs, after: &Beliefs, keys: &BTreeSet<Key>) -> Vec<(ModelUuid, StatusEntry)> {
    let mut lines = Vec::new();
    for key in keys {
        let (model, line) = match Name::of(key) {
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

/// Where an entity's history is kept in the append store.
pub fn key(model: ModelUuid, kind: &str, id: &str) -> Key {
    Key::of(["status", &model.to_string(), kind, id])
}

/// Everything kept of a model's histories.
pub fn all_of_model(model: ModelUuid) -> store::Prefix {
    store::Prefix::of(["status", &model.to_string()])
}

/// How many statuses are kept of each entity.
const KEPT: usize = 500;

/// Writes histories for as long as the store is followed. A history that cannot be written is logged and lost: no state hangs on it.
pub async fn record(state: State, history: History) {
    let (mut before, mut feed) = state.follow();
    loop {
        match feed.next().await {
            Ok(step) => {
                let after = Read::of(step.state);
                let changes = step.batches.iter().flat_map(|batch| &batch.changes);
                let keys: BTreeSet<Key> = changes.map(|change| change.key.clone()).collect();
                for (model, line) in lines(&before, &after, &keys) {
                    append(&history, model, &line).await;
                }
                before = after;
            }
            Err(Lost::Behind) => before = Read::of(feed.resync()),
            Err(Lost::Stopped(_)) => return,
        }
    }
}

async fn append(history: &History, model: ModelUuid, line: &StatusEntry) {
    let at = i64::try_from(line.since.unix_nanos() / 1000).unwrap_or(0);
    let Ok(body) = store::Value::of(line) else { return };
    if let Err(error) = history.append(&key(model, &line.kind, &line.id), at, body, KEPT).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "status history is not written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{a_model, a_state};
    use base::OsBase;
    use base::status::InstanceStatus;

    #[tokio::test]
    async fn what_changed_together_is_one_line_and_what_did_not_change_is_none() {
        let state = a_state().await;
        let model = a_model(&state, "m").await;
        let (base, id) = (OsBase::parse("ubuntu@24.04").expect("valid"), MachineId::top(0));
        let one = [crate::change::machine::AddMachine::default()];
        state.change(|b, g| crate::change::machine::add(b, model, &one, &base, g)).await.expect("is added");
        let before = state.read();
        for (word, message) in [(InstanceStatus::Allocating, "starting"), (InstanceStatus::Running, "Running")] {
            let says = |record: &mut crate::record::instance::Instance, given: crate::Given<'_>| {
                record.says(word, message, given)
            };
            state.change(|b, g| crate::change::instance::set(b, model, &id, g, says)).await.expect("says so");
        }
        let after = state.read();
        let keys = [key::instance(model, &id), key::agent(model, &id), key::machine(model, &id)].into();
        let lines = lines(&before, &after, &keys);
        let shown: Vec<_> =
            lines.iter().map(|(_, line)| (line.kind.as_str(), line.status.as_str(), line.message.as_str())).collect();
        assert_eq!(shown, [("machine", "running", "Running")]);
        assert!(super::lines(&after, &after, &keys).is_empty());
    }
}
