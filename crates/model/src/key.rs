//! Every key of the state, written in one place. They are read by operators too (`sqlite3`, `etcdctl`), so they are words and slashes.
//! The surprise: machine ids stand in keys with dashes (`0-lxd-1`), as in tags, so that nothing is escaped.
//!
//! ```text
//! /controller                              /model/<uuid>                      /model/<uuid>/operation/<n>
//! /cloud/<name>                            /model/<uuid>/machine/<id>         /model/<uuid>/task/<n>
//! /credential/<cloud>/<owner>/<name>       /model/<uuid>/instance/<id>        /model/<uuid>/annotation/<tag>
//! /user/<name>                             /model/<uuid>/agent/<id>           /model/<uuid>/block/<kind>
//! /login/<user>[/<model uuid>]             /model/<uuid>/enrolment/<id>       /model/<uuid>/sequence/<what>
//! /access/<object>/<user>                  /model/<uuid>/settings             /model/<uuid>/constraints
//! /model-name/<owner>/<name>               /model/<uuid>/keys                  /model/<uuid>/network
//! /model-defaults/<cloud>                  /model/<uuid>/pools
//! /bakery
//! ```

use crate::record::block::BlockKind;
use base::{MachineId, ModelUuid, OperationId, TaskId};
use store::{Key, Prefix};

pub fn controller() -> Key {
    Key::of(["controller"])
}

pub fn bakery() -> Key {
    Key::of(["bakery"])
}

pub fn cloud(name: &str) -> Key {
    Key::of(["cloud", name])
}

pub fn model_defaults(cloud: &str) -> Key {
    Key::of(["model-defaults", cloud])
}

pub fn credential(cloud: &str, owner: &str, name: &str) -> Key {
    Key::of(["credential", cloud, owner, name])
}

pub fn user(name: &str) -> Key {
    Key::of(["user", name])
}

pub fn login(user: &str, model: Option<ModelUuid>) -> Key {
    match model {
        Some(model) => Key::of(["login", user, &model.to_string()]),
        None => Key::of(["login", user]),
    }
}

pub fn access(object: &Object, user: &str) -> Key {
    let object = match object {
        Object::Controller => "controller".to_owned(),
        Object::Model(uuid) => format!("model-{uuid}"),
        Object::Cloud(name) => format!("cloud-{name}"),
    };
    Key::of(["access", &object, user])
}

pub fn model_name(owner: &str, name: &str) -> Key {
    Key::of(["model-name", owner, name])
}

pub fn model(model: ModelUuid) -> Key {
    Key::of(["model", &model.to_string()])
}

/// Everything that is in a model (not the model's own record).
pub fn in_model(model: ModelUuid) -> Prefix {
    Prefix::of(["model", &model.to_string()])
}

fn of_model(model: ModelUuid, noun: &str, id: impl AsRef<str>) -> Key {
    Key::of(["model", &model.to_string(), noun, id.as_ref()])
}

pub fn machine(model: ModelUuid, id: &MachineId) -> Key {
    of_model(model, "machine", id.dashed())
}

pub fn instance(model: ModelUuid, id: &MachineId) -> Key {
    of_model(model, "instance", id.dashed())
}

pub fn agent(model: ModelUuid, id: &MachineId) -> Key {
    of_model(model, "agent", id.dashed())
}

pub fn enrolment(model: ModelUuid, id: &MachineId) -> Key {
    of_model(model, "enrolment", id.dashed())
}

pub fn settings(model: ModelUuid) -> Key {
    Key::of(["model", &model.to_string(), "settings"])
}

pub fn constraints(model: ModelUuid) -> Key {
    Key::of(["model", &model.to_string(), "constraints"])
}

pub fn keys(model: ModelUuid) -> Key {
    Key::of(["model", &model.to_string(), "keys"])
}

pub fn network(model: ModelUuid) -> Key {
    Key::of(["model", &model.to_string(), "network"])
}

pub fn pools(model: ModelUuid) -> Key {
    Key::of(["model", &model.to_string(), "pools"])
}

pub fn operation(model: ModelUuid, id: OperationId) -> Key {
    of_model(model, "operation", id.to_string())
}

pub fn task(model: ModelUuid, id: TaskId) -> Key {
    of_model(model, "task", id.to_string())
}

/// `tag`: `machine-0`, `model-<uuid>`.
pub fn annotation(model: ModelUuid, tag: &str) -> Key {
    of_model(model, "annotation", tag)
}

pub fn block(model: ModelUuid, kind: BlockKind) -> Key {
    of_model(model, "block", kind.slug())
}

/// `machine`, `container-0-lxd`, `operation` (tasks count along), `block`, `disk`.
pub fn sequence(model: ModelUuid, what: &str) -> Key {
    of_model(model, "sequence", what)
}

/// What access is given to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    Controller,
    Model(ModelUuid),
    Cloud(String),
}

/// What a key names. Keys of newer releases are none of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    Controller,
    Bakery,
    Cloud(String),
    ModelDefaults(String),
    Credential { cloud: String, owner: String, name: String },
    User(String),
    Login { user: String, model: Option<ModelUuid> },
    Access(Object, String),
    ModelName { owner: String, name: String },
    Model(ModelUuid),
    In(ModelUuid, InModel),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InModel {
    Machine(MachineId),
    Instance(MachineId),
    Agent(MachineId),
    Enrolment(MachineId),
    Settings,
    Constraints,
    Keys,
    Network,
    Pools,
    Operation(OperationId),
    Task(TaskId),
    Annotation(String),
    Block(BlockKind),
    Sequence(String),
}

impl Name {
    pub fn of(key: &Key) -> Option<Name> {
        let parts: Vec<_> = key.segments().collect();
        let parts: Vec<&str> = parts.iter().map(|part| part.as_ref()).collect();
        Some(match parts.as_slice() {
            ["controller"] => Name::Controller,
            ["bakery"] => Name::Bakery,
            ["cloud", name] => Name::Cloud((*name).into()),
            ["model-defaults", cloud] => Name::ModelDefaults((*cloud).into()),
            ["credential", cloud, owner, name] => {
                Name::Credential { cloud: (*cloud).into(), owner: (*owner).into(), name: (*name).into() }
            }
            ["user", name] => Name::User((*name).into()),
            ["login", user] => Name::Login { user: (*user).into(), model: None },
            ["login", user, model] => Name::Login { user: (*user).into(), model: Some(model.parse().ok()?) },
            ["access", "controller", user] => Name::Access(Object::Controller, (*user).into()),
            ["access", object, user] => {
                let object = match object.split_once('-')? {
                    ("model", uuid) => Object::Model(uuid.parse().ok()?),
                    ("cloud", name) => Object::Cloud(name.into()),
                    _ => return None,
                };
                Name::Access(object, (*user).into())
            }
            ["model-name", owner, name] => Name::ModelName { owner: (*owner).into(), name: (*name).into() },
            ["model", uuid] => Name::Model(uuid.parse().ok()?),
            ["model", uuid, rest @ ..] => Name::In(uuid.parse().ok()?, InModel::parse(rest)?),
            _ => return None,
        })
    }
}

impl InModel {
    fn parse(parts: &[&str]) -> Option<InModel> {
        let machine = |text: &str| text.replace('-', "/").parse::<MachineId>().ok();
        Some(match parts {
            ["machine", id] => InModel::Machine(machine(id)?),
            ["instance", id] => InModel::Instance(machine(id)?),
            ["agent", id] => InModel::Agent(machine(id)?),
            ["enrolment", id] => InModel::Enrolment(machine(id)?),
            ["settings"] => InModel::Settings,
            ["constraints"] => InModel::Constraints,
            ["keys"] => InModel::Keys,
            ["network"] => InModel::Network,
            ["pools"] => InModel::Pools,
            ["operation", id] => InModel::Operation(id.parse().ok()?),
            ["task", id] => InModel::Task(id.parse().ok()?),
            ["annotation", tag] => InModel::Annotation((*tag).into()),
            ["block", kind] => InModel::Block(BlockKind::ALL.into_iter().find(|k| k.slug() == *kind)?),
            ["sequence", what] => InModel::Sequence((*what).into()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_what_it_was_made_of() {
        let uuid: ModelUuid = "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid");
        let id: MachineId = "0/lxd/1".parse().expect("valid");
        let check = |key: Key, expected: Name| assert_eq!(Name::of(&key), Some(expected), "{key}");
        check(controller(), Name::Controller);
        check(bakery(), Name::Bakery);
        check(cloud("a.b"), Name::Cloud("a.b".into()));
        check(model_defaults("a.b"), Name::ModelDefaults("a.b".into()));
        check(user("bob@ldap"), Name::User("bob@ldap".into()));
        check(login("bob", None), Name::Login { user: "bob".into(), model: None });
        check(login("bob", Some(uuid)), Name::Login { user: "bob".into(), model: Some(uuid) });
        for object in [Object::Controller, Object::Model(uuid), Object::Cloud("my-cloud".into())] {
            check(access(&object, "bob"), Name::Access(object.clone(), "bob".into()));
        }
        check(model_name("bob", "m"), Name::ModelName { owner: "bob".into(), name: "m".into() });
        check(model(uuid), Name::Model(uuid));
        let within = |name| Name::In(uuid, name);
        check(machine(uuid, &id), within(InModel::Machine(id.clone())));
        check(instance(uuid, &id), within(InModel::Instance(id.clone())));
        check(agent(uuid, &id), within(InModel::Agent(id.clone())));
        check(enrolment(uuid, &id), within(InModel::Enrolment(id)));
        check(network(uuid), within(InModel::Network));
        check(pools(uuid), within(InModel::Pools));
        check(task(uuid, TaskId(8)), within(InModel::Task(TaskId(8))));
        check(operation(uuid, OperationId(7)), within(InModel::Operation(OperationId(7))));
        check(annotation(uuid, "machine-0"), within(InModel::Annotation("machine-0".into())));
        check(block(uuid, BlockKind::Remove), within(InModel::Block(BlockKind::Remove)));
        for unknown in ["/model", "/model/x", "/model/6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11/new/1", "/zzz/1"] {
            assert_eq!(Name::of(&Key::parse(unknown).expect("a key")), None, "{unknown}");
        }
    }
}
