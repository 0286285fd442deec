//! Entities of the AllWatcher (`wire/protocol.md` 4.5). Every one carries its model's uuid.
//! The surprise: a `model` entity without `config` ends python-libjuju's watcher, so even a removed model's carries one.

use super::address::address;
use super::status::info;
use super::task::zero;
use base::{Hardware, ModelUuid};
use model::query::machine::{self as query, Contact};
use model::record::network::Network;
use model::record::status::{InstanceStatus, Status};
use model::watch::all::{Delta, Entity};
use model::{AMachine, Beliefs, InModel, settings};
use serde_json::{Map, Value, json};

pub fn delta(beliefs: &Beliefs, model: ModelUuid, delta: &Delta) -> wire::delta::Delta {
    let (removed, entity) = match delta {
        Delta::Change(entity) => (false, entity),
        Delta::Remove(entity) => (true, entity),
    };
    let (kind, mut value) = match entity {
        Entity::Model(within) => ("model", self::model(beliefs, within)),
        Entity::Machine(_, all, contact, network) => {
            ("machine", machine(network.as_deref().unwrap_or(&Network::default()), all, *contact))
        }
        Entity::Task(task) => (
            "action",
            json!({
                "id": task.id, "receiver": task.machine, "name": "juju-exec", "status": task.status, "message": task.message,
                "enqueued": task.enqueued, "started": task.started.or_else(zero), "completed": task.completed.or_else(zero),
            }),
        ),
        Entity::Annotation(tag, all) => ("annotation", json!({ "tag": tag, "annotations": all.0 })),
        Entity::Block(block) => (
            "block",
            json!({
                "id": block.id, "type": block.kind.word(), "message": block.message, "tag": format!("model-{model}"),
            }),
        ),
    };
    if let Some(value) = value.as_object_mut() {
        value.insert("model-uuid".into(), json!(model));
    }
    wire::delta::Delta { kind: kind.to_owned(), removed, entity: value }
}

fn machine(network: &Network, all: &AMachine, contact: Contact) -> Value {
    let Some(machine) = &all.machine else { return json!({}) };
    let pending_instance = Status::new(InstanceStatus::Pending, "", machine.created);
    let agent = all.agent.as_ref();
    let instance = all.instance.as_ref();
    let is_controller = machine.is_controller();
    let addresses: Vec<_> = query::addresses(all).iter().map(|one| address(network, one)).collect();
    let mut value = json!({
        "id": machine.id,
        "instance-id": instance.map(|instance| instance.instance_id.as_str()).unwrap_or_default(),
        "agent-status": info(
            &query::agent_status_by(contact, machine, all),
            agent.map(|agent| agent.version.as_str()).unwrap_or_default(),
        ),
        "instance-status": info(instance.map_or(&pending_instance, |instance| &instance.status), ""),
        "life": machine.life,
        "base": machine.base.to_string(),
        "container-type": machine.id.container_type().unwrap_or_default(),
        "supported-containers": if query::hosts_containers(all) { vec!["lxd"] } else { Vec::new() },
        "supported-containers-known": true,
        "jobs": machine.jobs,
        "addresses": addresses,
        "has-vote": is_controller,
        "wants-vote": is_controller,
    });
    if let Some(value) = value.as_object_mut() {
        let hardware = hardware(&query::hardware(all));
        if !hardware.is_empty() {
            value.insert("hardware-characteristics".into(), Value::Object(hardware));
        }
        if let Some(agent) = agent.filter(|agent| !agent.hostname.is_empty()) {
            value.insert("hostname".into(), json!(agent.hostname));
        }
    }
    value
}

fn hardware(hardware: &Hardware) -> Map<String, Value> {
    match serde_json::to_value(hardware) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn model(beliefs: &Beliefs, within: &InModel) -> Value {
    let Some(model) = &within.model else { return json!({ "config": {} }) };
    let config: Map<String, Value> = settings::values(within).into_iter().collect();
    let constraints = within.constraints.as_ref().map(|all| &all.0);
    let controller = beliefs.controller.as_ref();
    json!({
        "name": model.name,
        "life": model.life,
        "owner": model.owner,
        "controller-uuid": controller.map(|controller| controller.uuid.as_str()).unwrap_or_default(),
        "is-controller": controller.is_some_and(|controller| controller.model_uuid == model.uuid),
        "config": config,
        "status": info(&model.status, ""),
        "constraints": constraints.map_or_else(|| json!({}), |all| json!(all)),
        "sla": { "level": "unsupported", "owner": "" },
        "type": "iaas",
        "cloud": model.cloud,
        "cloud-region": model.region,
        "version": model.agent_version,
    })
}
