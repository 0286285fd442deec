//! Every key of the state, written in one place. They are read by operators too (`sqlite3`, `etcdctl`), so they are words and slashes.
//! The surprise: machine ids stand in keys with dashes (`0-lxd-1`), since a slash there would look like another level.
//!
//! ```text
//! controller                              model/<uuid>                      model/<uuid>/operation/<n>
//! cloud/<name>                            model/<uuid>/machine/<id>         model/<uuid>/task/<n>
//! credential/<cloud>/<owner>/<name>       model/<uuid>/instance/<id>        model/<uuid>/annotation/<tag>
//! user/<name>                             model/<uuid>/agent/<id>           model/<uuid>/block/<kind>
//! login/<user>[/<model uuid>]             model/<uuid>/enrolment/<id>       model/<uuid>/sequence/<what>
//! access/<object>/<user>                  model/<uuid>/settings             model/<uuid>/constraints
//! model-name/<owner>/<name>               model/<uuid>/keys
//! ```

use base::{MachineId, ModelUuid, OperationId, TaskId};

pub const CONTROLLER: &str = "controller";

pub fn cloud(name: &str) -> String {
    format!("cloud/{name}")
}

pub fn credential(cloud: &str, owner: &str, name: &str) -> String {
    format!("credential/{cloud}/{owner}/{name}")
}

pub fn user(name: &str) -> String {
    format!("user/{name}")
}

pub fn login(user: &str, model: Option<ModelUuid>) -> String {
    match model {
        Some(model) => format!("login/{user}/{model}"),
        None => format!("login/{user}"),
    }
}

pub fn controller_access(user: &str) -> String {
    format!("access/controller/{user}")
}

pub fn model_access(model: ModelUuid, user: &str) -> String {
    format!("access/model-{model}/{user}")
}

pub fn cloud_access(cloud: &str, user: &str) -> String {
    format!("access/cloud-{cloud}/{user}")
}

pub fn model_name(owner: &str, name: &str) -> String {
    format!("model-name/{owner}/{name}")
}

pub fn model(model: ModelUuid) -> String {
    format!("model/{model}")
}

/// Before everything that is in a model (not the model's own record).
pub fn in_model(model: ModelUuid) -> String {
    format!("model/{model}/")
}

pub fn machine(model: ModelUuid, id: &MachineId) -> String {
    format!("model/{model}/machine/{}", id.dashed())
}

pub fn instance(model: ModelUuid, id: &MachineId) -> String {
    format!("model/{model}/instance/{}", id.dashed())
}

pub fn agent(model: ModelUuid, id: &MachineId) -> String {
    format!("model/{model}/agent/{}", id.dashed())
}

pub fn enrolment(model: ModelUuid, id: &MachineId) -> String {
    format!("model/{model}/enrolment/{}", id.dashed())
}

pub fn settings(model: ModelUuid) -> String {
    format!("model/{model}/settings")
}

pub fn constraints(model: ModelUuid) -> String {
    format!("model/{model}/constraints")
}

pub fn keys(model: ModelUuid) -> String {
    format!("model/{model}/keys")
}

pub fn operation(model: ModelUuid, id: OperationId) -> String {
    format!("model/{model}/operation/{id}")
}

pub fn task(model: ModelUuid, id: TaskId) -> String {
    format!("model/{model}/task/{id}")
}

/// `tag`: `machine-0`, `model-<uuid>`.
pub fn annotation(model: ModelUuid, tag: &str) -> String {
    format!("model/{model}/annotation/{tag}")
}

pub fn block(model: ModelUuid, kind: crate::record::block::BlockKind) -> String {
    format!("model/{model}/block/{}", kind.slug())
}

/// `machine`, `container-0-lxd`, `operation` (tasks count along), `block`.
pub fn sequence(model: ModelUuid, what: &str) -> String {
    format!("model/{model}/sequence/{what}")
}

/// What a key names. Keys of newer releases are none of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Controller,
    Cloud(String),
    Credential { cloud: String, owner: String, name: String },
    User(String),
    Login { user: String, model: Option<ModelUuid> },
    ControllerAccess(String),
    ModelAccess(ModelUuid, String),
    CloudAccess(String, String),
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
    Operation(OperationId),
    Task(TaskId),
    Annotation(String),
    Block(String),
    Sequence(String),
}

impl Key {
    pub fn parse(text: &str) -> Option<Key> {
        let parts: Vec<&str> = text.split('/').collect();
        Some(match parts.as_slice() {
            ["controller"] => Key::Controller,
            ["cloud", name] => Key::Cloud((*name).into()),
            ["credential", cloud, owner, name] => {
                Key::Credential { cloud: (*cloud).into(), owner: (*owner).into(), name: (*name).into() }
            }
            ["user", name] => Key::User((*name).into()),
            ["login", user] => Key::Login { user: (*user).into(), model: None },
            ["login", user, model] => Key::Login { user: (*user).into(), model: Some(model.parse().ok()?) },
            ["access", "controller", user] => Key::ControllerAccess((*user).into()),
            ["access", object, user] => match object.split_once('-')? {
                ("model", uuid) => Key::ModelAccess(uuid.parse().ok()?, (*user).into()),
                ("cloud", name) => Key::CloudAccess(name.into(), (*user).into()),
                _ => return None,
            },
            ["model-name", owner, name] => Key::ModelName { owner: (*owner).into(), name: (*name).into() },
            ["model", uuid] => Key::Model(uuid.parse().ok()?),
            ["model", uuid, rest @ ..] => Key::In(uuid.parse().ok()?, InModel::parse(rest)?),
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
            ["operation", id] => InModel::Operation(id.parse().ok()?),
            ["task", id] => InModel::Task(id.parse().ok()?),
            ["annotation", tag] => InModel::Annotation((*tag).into()),
            ["block", kind] => InModel::Block((*kind).into()),
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
        let check = |text: String, expected: Key| assert_eq!(Key::parse(&text), Some(expected), "{text}");
        check(CONTROLLER.into(), Key::Controller);
        check(cloud("a.b"), Key::Cloud("a.b".into()));
        check(user("bob@ldap"), Key::User("bob@ldap".into()));
        check(login("bob", None), Key::Login { user: "bob".into(), model: None });
        check(login("bob", Some(uuid)), Key::Login { user: "bob".into(), model: Some(uuid) });
        check(controller_access("bob"), Key::ControllerAccess("bob".into()));
        check(model_access(uuid, "bob"), Key::ModelAccess(uuid, "bob".into()));
        check(cloud_access("my-cloud", "bob"), Key::CloudAccess("my-cloud".into(), "bob".into()));
        check(model_name("bob", "m"), Key::ModelName { owner: "bob".into(), name: "m".into() });
        check(model(uuid), Key::Model(uuid));
        check(machine(uuid, &id), Key::In(uuid, InModel::Machine(id.clone())));
        check(instance(uuid, &id), Key::In(uuid, InModel::Instance(id.clone())));
        check(agent(uuid, &id), Key::In(uuid, InModel::Agent(id.clone())));
        check(enrolment(uuid, &id), Key::In(uuid, InModel::Enrolment(id)));
        check(task(uuid, TaskId(8)), Key::In(uuid, InModel::Task(TaskId(8))));
        check(operation(uuid, OperationId(7)), Key::In(uuid, InModel::Operation(OperationId(7))));
        check(annotation(uuid, "machine-0"), Key::In(uuid, InModel::Annotation("machine-0".into())));
        for unknown in ["", "model", "model/x", "model/6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11/new/1", "zzz/1"] {
            assert_eq!(Key::parse(unknown), None, "{unknown}");
        }
    }
}
