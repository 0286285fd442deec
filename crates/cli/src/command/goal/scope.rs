//! Entities of a model as its watcher tells them, and what their names mean in queries (`wire/commands-machines.md` 19).
//!
//! Must not know queries. The surprise: what a watcher leaves out when it is empty is there all the same, empty.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value as Json;
use wire::yaml::natural_cmp;

use super::query::{Scope, Value};

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Application,
    Machine,
    Model,
    Unit,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Application, Kind::Machine, Kind::Model, Kind::Unit];

    pub fn word(self) -> &'static str {
        match self {
            Kind::Application => "application",
            Kind::Machine => "machine",
            Kind::Model => "model",
            Kind::Unit => "unit",
        }
    }

    fn type_name(self) -> &'static str {
        match self {
            Kind::Application => "ApplicationInfo",
            Kind::Machine => "MachineInfo",
            Kind::Model => "ModelInfo",
            Kind::Unit => "UnitInfo",
        }
    }

    /// Under which key an entity says what it is called.
    fn key(self) -> &'static str {
        match self {
            Kind::Machine => "id",
            Kind::Application | Kind::Model | Kind::Unit => "name",
        }
    }

    /// Texts that are empty unless told.
    fn texts(self) -> &'static [&'static str] {
        match self {
            Kind::Application => &["charm-url", "life", "name", "workload-version"],
            Kind::Machine => &["base", "container-type", "hostname", "id", "instance-id", "life", "model-uuid"],
            Kind::Model => &["life", "name"],
            Kind::Unit => &[
                "application",
                "base",
                "charm-url",
                "life",
                "machine-id",
                "name",
                "principal",
                "private-address",
                "public-address",
            ],
        }
    }

    /// Statuses: the name in queries, and the key whose `current` it is.
    fn statuses(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Kind::Application | Kind::Model => &[("status", "status")],
            Kind::Machine => {
                &[("agent-status", "agent-status"), ("instance-status", "instance-status"), ("status", "agent-status")]
            }
            Kind::Unit => &[("agent-status", "agent-status"), ("workload-status", "workload-status")],
        }
    }

    fn booleans(self) -> &'static [&'static str] {
        match self {
            Kind::Application => &["exposed", "subordinate"],
            Kind::Machine => &["has-vote", "supported-containers-known", "wants-vote"],
            Kind::Model => &["is-controller"],
            Kind::Unit => &["subordinate"],
        }
    }

    /// Anything else, as it comes.
    fn others(self) -> Vec<(&'static str, Value)> {
        let (map, list) = (Value::Map(BTreeMap::new()), Value::List(Vec::new()));
        match self {
            Kind::Application => vec![("min-units", Value::Int(0))],
            Kind::Machine => vec![("config", map), ("supported-containers", list)],
            Kind::Model => vec![("config", map)],
            Kind::Unit => Vec::new(),
        }
    }
}

/// What is known of a model.
#[derive(Debug, Default)]
pub struct World {
    entities: BTreeMap<(Kind, String), Json>,
}

impl World {
    /// Takes over `["machine", "change", {...}]`; others are passed over.
    pub fn take(&mut self, delta: &Json) {
        let Some(kind) = Kind::ALL.into_iter().find(|kind| delta[0] == kind.word()) else { return };
        let Some(id) = delta[2][kind.key()].as_str() else { return };
        let key = (kind, id.to_owned());
        match delta[1].as_str() {
            Some("remove") => drop(self.entities.remove(&key)),
            _ => drop(self.entities.insert(key, delta[2].clone())),
        }
    }

    /// What names mean on this one; `None` while it is not there.
    pub fn scope(&self, kind: Kind, id: &str) -> Option<Scope> {
        let entity = self.entities.get(&(kind, id.to_owned()))?;
        let mut scope = own_names(kind, id, entity);
        let mut put = |name: &str, of: Kind, which: &dyn Fn(&str, &Json) -> bool| {
            scope.names.insert(name.to_owned(), Value::List(self.all(of, which)));
        };
        match kind {
            Kind::Machine => {}
            Kind::Application => put("units", Kind::Unit, &|_, unit| unit["application"] == id),
            Kind::Unit => {
                let machine = entity["machine-id"].as_str().unwrap_or_default();
                put("machines", Kind::Machine, &|id, _| id == machine);
            }
            Kind::Model => {
                put("applications", Kind::Application, &|_, _| true);
                put("machines", Kind::Machine, &|_, _| true);
                put("units", Kind::Unit, &|_, _| true);
            }
        }
        if kind == Kind::Application && scope.names.get("status").is_some_and(is_unset) {
            scope.names.insert("status".to_owned(), Value::Text(self.worst_of_units(id)));
        }
        Some(scope)
    }

    fn all(&self, kind: Kind, which: &dyn Fn(&str, &Json) -> bool) -> Vec<Value> {
        let of_kind = self.entities.iter().filter(|((one, id), entity)| *one == kind && which(id, entity));
        let mut all: Vec<(&String, &Json)> = of_kind.map(|((_, id), entity)| (id, entity)).collect();
        all.sort_by(|a, b| natural_cmp(a.0, b.0));
        all.into_iter().map(|(id, entity)| Value::Thing(Rc::new(own_names(kind, id, entity)))).collect()
    }

    /// An application that says nothing of itself is as its worst unit.
    fn worst_of_units(&self, application: &str) -> String {
        const ORDER: [&str; 7] = ["error", "blocked", "maintenance", "waiting", "active", "terminated", "unknown"];
        let units =
            self.entities.iter().filter(|((kind, _), unit)| *kind == Kind::Unit && unit["application"] == application);
        let statuses: Vec<&str> = units.filter_map(|(_, unit)| unit["workload-status"]["current"].as_str()).collect();
        ORDER.into_iter().find(|word| statuses.contains(word)).unwrap_or("unknown").to_owned()
    }
}

fn is_unset(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.is_empty() || text == "unset")
}

fn own_names(kind: Kind, id: &str, entity: &Json) -> Scope {
    let mut names = BTreeMap::new();
    let text = |value: &Json| Value::Text(value.as_str().unwrap_or_default().to_owned());
    for name in kind.texts() {
        names.insert((*name).to_owned(), text(&entity[*name]));
    }
    for (name, key) in kind.statuses() {
        names.insert((*name).to_owned(), text(&entity[*key]["current"]));
    }
    if kind == Kind::Unit {
        names.insert("workload-message".to_owned(), text(&entity["workload-status"]["message"]));
    }
    for name in kind.booleans() {
        names.insert((*name).to_owned(), Value::Bool(entity[*name].as_bool().unwrap_or(false)));
    }
    for (name, usual) in kind.others() {
        names.insert(name.to_owned(), value(&entity[name]).unwrap_or(usual));
    }
    Scope { kind: kind.type_name(), id: id.to_owned(), names }
}

fn value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(0.0)),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().filter_map(value).collect()),
        Json::Object(map) => Value::Map(map.iter().filter_map(|(key, one)| Some((key.clone(), value(one)?))).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_mean_what_the_watcher_told_last() {
        let mut world = World::default();
        world.take(&json!(["machine", "change", {"id": "0", "life": "alive", "agent-status": {"current": "pending"}}]));
        world.take(&json!(["machine", "change", {"id": "10", "life": "alive"}]));
        world.take(&json!(["machine", "change", {"id": "9", "life": "alive"}]));
        world.take(&json!(["machine", "change", {"id": "0", "life": "dying", "agent-status": {"current": "started"}}]));
        world.take(
            &json!(["model", "change", {"name": "m", "life": "alive", "is-controller": true, "config": {"a": 1}}]),
        );
        world.take(&json!(["remoteApplication", "change", {"name": "x"}]));
        for odd in [json!(null), json!([]), json!(["machine"]), json!(["machine", "change", {"id": 7}]), json!("x")] {
            world.take(&odd);
        }
        let machine = world.scope(Kind::Machine, "0").expect("there");
        let text = |name: &str| match &machine.names[name] {
            Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            ["life", "status", "agent-status", "instance-status", "base"].map(text),
            ["dying", "started", "started", "", ""]
        );
        let model = world.scope(Kind::Model, "m").expect("there");
        let Value::List(machines) = &model.names["machines"] else { panic!("a list") };
        let ids: Vec<&str> =
            machines.iter().map(|one| if let Value::Thing(one) = one { one.id.as_str() } else { "?" }).collect();
        assert_eq!(ids, ["0", "9", "10"]);
        assert_eq!(
            (&model.names["is-controller"], &model.names["units"]),
            (&Value::Bool(true), &Value::List(Vec::new()))
        );
        world.take(&json!(["machine", "remove", {"id": "0"}]));
        assert!(world.scope(Kind::Machine, "0").is_none() && world.scope(Kind::Unit, "x/0").is_none());
    }

    #[test]
    fn an_application_is_as_its_worst_unit() {
        let mut world = World::default();
        world.take(&json!(["application", "change", {"name": "web", "status": {"current": "unset"}}]));
        let status = |world: &World| world.scope(Kind::Application, "web").expect("there").names["status"].clone();
        assert_eq!(status(&world), Value::Text("unknown".into()));
        for (unit, word, expected) in
            [("web/0", "active", "active"), ("web/1", "blocked", "blocked"), ("db/0", "error", "blocked")]
        {
            let application = unit.split('/').next();
            let delta = json!(["unit", "change", {"name": unit, "application": application, "workload-status": {"current": word}}]);
            world.take(&delta);
            assert_eq!(status(&world), Value::Text(expected.into()));
        }
    }
}
