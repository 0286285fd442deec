//! A machine, as FullStatus and as lists of models show it.

use super::status::detailed;
use base::{Hardware, ModelUuid};
use model::query::machine::{self as query, Contact};
use model::query::network::space_name_of;
use model::record::address::Address;
use model::record::agent::Interface;
use model::record::machine::Machine;
use model::record::network::{ALPHA, Network};
use model::{AMachine, Presence, Stored};
use std::collections::BTreeMap;
use wire::facade::client::{Base, DetailedStatus, MachineStatus, NetworkInterface};
use wire::shared::{MachineHardware, ModelMachineInfo};

/// What everything in one answer is seen with.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub model: ModelUuid,
    pub presence: &'a Presence,
}

pub fn full(network: &Network, contact: Contact, all: &AMachine, machine: &Stored<Machine>) -> MachineStatus {
    let agent = query::agent_status_by(contact, machine, all);
    let version = all.agent.as_ref().map(|agent| agent.version.as_str()).unwrap_or_default();
    let instance = all.instance.as_ref();
    let instance_id = instance.map(|instance| instance.instance_id.as_str()).filter(|id| !id.is_empty());
    let outside = query::outside_addresses(all);
    let is_controller = machine.is_controller();
    MachineStatus {
        agent_status: detailed(&agent, machine.life, version),
        instance_status: instance_status(all, machine),
        modification_status: DetailedStatus {
            status: "idle".into(),
            since: machine.created,
            ..DetailedStatus::default()
        },
        hostname: all.agent.as_ref().map(|agent| agent.hostname.clone()).unwrap_or_default(),
        dns_name: outside.first().map(|address| address.value.clone()).unwrap_or_default(),
        ip_addresses: outside.iter().map(|address| address.value.clone()).collect(),
        instance_id: instance_id.unwrap_or("pending").to_owned(),
        display_name: instance.map(|instance| instance.display_name.clone()).unwrap_or_default(),
        base: Base { name: machine.base.name.clone(), channel: machine.base.channel.clone() },
        id: machine.id.to_string(),
        network_interfaces: interfaces(network, all),
        containers: BTreeMap::new(),
        constraints: machine.constraints.to_string(),
        hardware: query::hardware(all).to_string(),
        jobs: machine.jobs.clone(),
        has_vote: is_controller,
        wants_vote: is_controller,
        ..MachineStatus::default()
    }
}

/// With what the start waits for, when it failed: since when one sees, and when it is tried again one reads.
fn instance_status(all: &AMachine, machine: &Stored<Machine>) -> DetailedStatus {
    let mut status = detailed(&query::instance_status(machine, all), machine.life, "");
    if status.info.is_empty()
        && !machine.warnings.is_empty()
        && all.instance.as_ref().is_none_or(|one| !one.is_provisioned())
    {
        status.info = machine.warnings.join("; ");
    }
    if let Some(upgrade) = machine.upgrade.as_deref().filter(|upgrade| upgrade.is_open()) {
        status.info = upgrade.shown();
    }
    status
}

fn interfaces(network: &Network, all: &AMachine) -> BTreeMap<String, NetworkInterface> {
    let known = all.agent.as_ref().map(|agent| agent.interfaces.as_slice()).unwrap_or_default();
    known
        .iter()
        .filter(|interface| interface.name != "lo" && !interface.addresses.is_empty())
        .map(|interface| {
            let shown = NetworkInterface {
                ip_addresses: interface.addresses.clone(),
                mac_address: interface.mac.clone(),
                is_up: interface.up,
                gateway: interface.gateway.clone().unwrap_or_default(),
                space: space_of(network, interface),
                ..NetworkInterface::default()
            };
            (interface.name.clone(), shown)
        })
        .collect()
}

/// The space of its first address; an interface that is in several is shown in one.
fn space_of(network: &Network, interface: &Interface) -> String {
    let outside = interface.addresses.iter().find(|one| Address::of(one).is_usable_from_outside());
    let first = outside.or(interface.addresses.first());
    first.map_or(ALPHA, |one| space_name_of(network, one)).to_owned()
}

fn number(value: Option<u64>) -> i64 {
    value.and_then(|value| i64::try_from(value).ok()).unwrap_or(0)
}

pub fn hardware(hardware: &Hardware) -> Option<MachineHardware> {
    (*hardware != Hardware::default()).then(|| MachineHardware {
        arch: hardware.arch.clone().unwrap_or_default(),
        availability_zone: hardware.availability_zone.clone().unwrap_or_default(),
        cores: number(hardware.cpu_cores),
        cpu_power: number(hardware.cpu_power),
        mem: number(hardware.mem),
        root_disk: number(hardware.root_disk),
        tags: hardware.tags.clone(),
        virt_type: hardware.virt_type.clone().unwrap_or_default(),
    })
}

/// One line of ModelStatus and ModelInfo.
pub fn in_model(seen: Seen<'_>, all: &AMachine, machine: &Stored<Machine>) -> ModelMachineInfo {
    let agent = query::agent_status(seen.model, machine, all, seen.presence);
    let instance = all.instance.as_ref();
    let failed = instance.map(|instance| &instance.status).filter(|status| {
        matches!(status.current, base::status::InstanceStatus::ProvisioningError | base::status::InstanceStatus::Error)
    });
    ModelMachineInfo {
        id: machine.id.to_string(),
        instance_id: instance.map(|instance| instance.instance_id.clone()).unwrap_or_default(),
        display_name: instance.map(|instance| instance.display_name.clone()).unwrap_or_default(),
        status: failed.map_or_else(|| agent.current.to_string(), |_| "error".to_owned()),
        message: failed.map(|status| status.message.clone()).unwrap_or_default(),
        hardware: hardware(&query::hardware(all)),
        has_vote: machine.is_controller(),
        wants_vote: machine.is_controller(),
        ..ModelMachineInfo::default()
    }
}
