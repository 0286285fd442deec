//! A model as `dump-model` and `dump-db` show it: its records by noun and id, the nouns of `model::key`, the fields of `model::record`.
//! What Juju's own description of a model looks like is not documented (`wire/commands-controllers.md` 8.6), so this is Grigri's, and stable.
//! The surprise: no secret is in it. How an agent gets in (`enrolment`) is left out, and so are the settings that are private keys.

use base::ModelUuid;
use model::key::Object;
use model::record::Record;
use model::{AMachine, Beliefs, InModel, Stored};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use wire::yaml::{Node, print};

/// Records by noun, then by id. What there is one of in a model has no ids: its fields stand there.
pub type Dump = BTreeMap<String, Map<String, Value>>;

/// Settings that are secret whatever their value is.
const SECRET: &[&str] = &["syslog-client-key"];

/// How much of a model is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    All,
    /// Without what was done: operations and tasks.
    Simplified,
}

pub fn dump(beliefs: &Beliefs, uuid: ModelUuid, within: &InModel, extent: Extent) -> Dump {
    let mut all = Dump::new();
    single(&mut all, "model", within.model.as_ref());
    single(&mut all, "settings", within.settings.as_ref());
    single(&mut all, "constraints", within.constraints.as_ref());
    single(&mut all, "network", within.network.as_ref());
    single(&mut all, "pools", within.pools.as_ref());
    if let Some(settings) = all.get_mut("settings") {
        settings.retain(|name, _| !SECRET.contains(&name.as_str()));
    }
    if let Some(keys) = &within.keys {
        // Public keys, in the order of the machines' files.
        all.insert("keys".into(), Map::from_iter([("authorized-keys".to_owned(), json!(keys.0))]));
    }
    let access = beliefs.access_on(&Object::Model(uuid)).map(|(user, level)| (user.to_owned(), json!(level)));
    many(&mut all, "access", access);
    let of_machines = |one: fn(&AMachine) -> Option<Value>| {
        within.machines.iter().filter_map(move |(id, machine)| Some((id.to_string(), one(machine)?)))
    };
    many(&mut all, "machine", of_machines(|all| all.machine.as_ref().map(value)));
    many(&mut all, "instance", of_machines(|all| all.instance.as_ref().map(value)));
    many(&mut all, "agent", of_machines(|all| all.agent.as_ref().map(value)));
    many(&mut all, "annotation", within.annotations.iter().map(|(tag, record)| (tag.clone(), value(record))));
    many(&mut all, "block", within.blocks.iter().map(|(kind, record)| (kind.slug().to_owned(), value(record))));
    many(&mut all, "sequence", within.sequences.iter().map(|(what, next)| (what.clone(), json!(**next))));
    if extent == Extent::All {
        many(&mut all, "operation", within.operations.iter().map(|(id, record)| (id.to_string(), value(record))));
        many(&mut all, "task", within.tasks.iter().map(|(id, record)| (id.to_string(), value(record))));
    }
    all
}

/// The same as a YAML document, keys in natural order.
pub fn document(dump: &Dump) -> String {
    let nouns = dump.iter().map(|(noun, records)| (noun.clone(), Node::from(&Value::Object(records.clone()))));
    print(&Node::Map(nouns.collect()).sorted())
}

fn value<R: Record>(record: &Stored<R>) -> Value {
    // Records are plain data with text keys, which JSON can always hold.
    serde_json::to_value(&**record).unwrap_or_default()
}

fn single<R: Record>(all: &mut Dump, noun: &str, record: Option<&Stored<R>>) {
    if let Some(Value::Object(fields)) = record.map(value) {
        all.insert(noun.to_owned(), fields);
    }
}

/// None of a noun are no entry.
fn many(all: &mut Dump, noun: &str, records: impl Iterator<Item = (String, Value)>) {
    let records: Map<String, Value> = records.collect();
    if !records.is_empty() {
        all.insert(noun.to_owned(), records);
    }
}
