//! `constraints`: what new machines of an application ask for; beyond the original, what one machine asked for.
//!
//! The surprise: a machine is told from an application by its name alone, since no application's is a number.

use base::{Constraints, MachineId};
use serde_json::{Value, json};
use wire::facade::client::{FullStatus, MachineStatus};

use crate::command::application::is_name;
use crate::command::model::constraints;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "constraints",
    args: "<application>|<machine>",
    arguments: &[&[Noun::Machine, Noun::Application]],
    purpose: "Displays machine constraints for an application.",
    doc: "Shows constraints that have been set for an application with 'juju set-constraints'.\n\n\
          Of a machine it shows those with which it was started: its own, and where it had none, those of the model at\n\
          that time. They cannot be changed.",
    examples: "\n    juju constraints mysql\n    juju constraints 0\n    juju constraints 0/lxd/1 --format json",
    see_also: &["set-constraints", "model-constraints"],
    formats: &["constraints", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no application name specified"));
    };
    let machine = name.parse::<MachineId>().ok();
    if machine.is_none() && !is_name(&name) {
        return Err(Error::usage(format!("invalid application name {name:?}")));
    }
    context.args.at_most(1)?;
    if let Some(machine) = machine {
        return of_machine(context, &machine).await;
    }
    let api = context.model_api().await?;
    let params = json!({"entities": [{"tag": format!("application-{name}")}]});
    let result = api.call_one("Application", "GetConstraints", params).await;
    let result = result.map_err(|e| e.context(&format!("unable to get constraints for {name:?}")))?;
    let found = result.get("constraints").cloned().unwrap_or_else(|| json!({}));
    constraints::print(context, if found.is_null() { Value::Object(serde_json::Map::new()) } else { found })
}

async fn of_machine(context: &mut Context, id: &MachineId) -> Result<()> {
    let api = context.model_api().await?;
    let status: FullStatus = api.call("Client", "FullStatus", json!({"patterns": [id.as_str()]})).await?;
    let Some(machine) = status.machines.values().find_map(|machine| find(machine, id)) else {
        return Err(Error::failed(format!("machine {id} not found")));
    };
    // A later server's words that this client does not know are shown as they came.
    match Constraints::parse(&machine.constraints) {
        Ok(read) => constraints::print(context, serde_json::to_value(read).unwrap_or_default()),
        Err(_) => context.result(format!("{}\n", machine.constraints)),
    }
}

/// The machine, or a container in it.
fn find<'s>(machine: &'s MachineStatus, id: &MachineId) -> Option<&'s MachineStatus> {
    if machine.id == id.as_str() {
        return Some(machine);
    }
    machine.containers.values().find_map(|inner| find(inner, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_found_wherever_it_lives() {
        let named = |id: &str| MachineStatus { id: id.into(), ..MachineStatus::default() };
        let mut inner = named("0/lxd/0");
        inner.containers.insert("0/lxd/0/lxd/1".into(), named("0/lxd/0/lxd/1"));
        let mut host = named("0");
        host.containers.insert("0/lxd/0".into(), inner);
        for (id, there) in [("0", true), ("0/lxd/0", true), ("0/lxd/0/lxd/1", true), ("0/lxd/1", false), ("1", false)] {
            let found = find(&host, &id.parse().expect("an id"));
            assert_eq!(found.map(|machine| machine.id.as_str()), there.then_some(id), "{id}");
        }
    }
}
