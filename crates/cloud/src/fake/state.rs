//! What exists in the fake cloud.
//! It must not know of faults: it is the truth behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::Event;
use crate::{
    Address, AddressScope, Constraints, Disk, Error, Hardware, InstanceId, InstanceInfo, InstanceStatus, MadeDisk,
    ModelRef, StartRequest, Started, Thing,
};

/// MiB that a machine of this cloud can have at most.
const MOST_MEM: u64 = 1 << 20;

#[derive(Default)]
pub(super) struct State {
    /// Controller and model.
    networks: BTreeSet<(String, String)>,
    instances: BTreeMap<String, Instance>,
    /// Let go: they run, and are nobody's.
    kept: BTreeSet<String>,
    made: u32,
    news: Vec<Event>,
}

struct Instance {
    request: StartRequest,
    started: Started,
}

pub(super) fn check(wanted: &Constraints) -> Result<Vec<&'static str>, Error> {
    if let Some(mem) = wanted.mem.filter(|mem| *mem > MOST_MEM) {
        return Err(Error::unmet("mem", format!("no machine can have mem={mem}M: the cloud has {MOST_MEM}M")));
    }
    let unsupported = [
        ("tags", wanted.tags.as_ref().is_some_and(|tags| !tags.is_empty())),
        ("cpu-power", wanted.cpu_power.is_some()),
        ("virt-type", wanted.virt_type.is_some()),
    ];
    Ok(unsupported.into_iter().filter_map(|(name, is)| is.then_some(name)).collect())
}

/// The cloud has zones, of any name if none were given to it, and knows no other placement.
pub(super) fn check_placement(directive: &str, zones: &[String]) -> Result<(), Error> {
    match directive.strip_prefix("zone=") {
        Some(zone) if zones.iter().any(|known| known == zone) => Ok(()),
        Some(zone) if !zone.is_empty() && zones.is_empty() => Ok(()),
        _ => Err(Error::unmet("placement", format!("unknown placement directive: {directive}"))),
    }
}

/// An instance that a liar speaks of.
pub(super) fn answer(request: &StartRequest) -> Started {
    let made = |disk: &Disk| MadeDisk {
        id: disk.id.clone(),
        provider_id: format!("fake-{}", disk.volume_name()),
        mount_point: format!("/disks/{}", disk.volume_name()),
    };
    Started {
        id: InstanceId(request.name.clone()),
        display_name: request.name.clone(),
        hardware: Hardware::default(),
        addresses: Vec::new(),
        disks: request.disks.iter().map(made).collect(),
    }
}

/// The cloud has disks of two providers, and none larger than a terabyte.
pub(super) fn check_disks(disks: &[Disk]) -> Result<(), Error> {
    let wrong = disks.iter().find(|disk| disk.provider == "rootfs" || disk.size > 1 << 20);
    wrong.map_or(Ok(()), |disk| {
        Err(Error::unmet("disks", format!("no disk of {}M can be had of provider {}", disk.size, disk.provider)))
    })
}

const NETWORK: &str = "network";

/// The name of a model's network.
fn network(model: &str) -> String {
    format!("net-{model}")
}

impl State {
    pub(super) fn prepare(&mut self, model: &ModelRef) {
        self.networks.insert((model.controller.clone(), model.model.clone()));
    }

    /// What happened since this was last asked.
    pub(super) fn news(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn start(&mut self, request: &StartRequest) -> Result<Started, Error> {
        check(&request.constraints)?;
        check_disks(&request.disks)?;
        if let Some(there) = self.instances.get(&request.name) {
            let marks = |of: &StartRequest| (of.model.controller.clone(), of.model.model.clone(), of.machine.clone());
            let is_it = marks(&there.request) == marks(request);
            return match is_it {
                true => Ok(there.started.clone()),
                false => Err(Error::permanent(format!("instance {} is another machine's", request.name))),
            };
        }
        if !self.networks.contains(&(request.model.controller.clone(), request.model.model.clone())) {
            return Err(Error::permanent(format!("model {} has no network", request.model.name)));
        }
        if let Some(host) = request.parent.as_ref().filter(|host| !self.instances.contains_key(&host.0)) {
            return Err(Error::transient(format!("its host {host} does not run")));
        }
        self.made += 1;
        let [_, b, c, d] = self.made.to_be_bytes();
        let mut started = answer(request);
        started.hardware = Hardware {
            arch: Some(request.constraints.arch.clone().unwrap_or_else(|| "amd64".into())),
            cpu_cores: Some(request.constraints.cores.unwrap_or(1)),
            mem: Some(request.constraints.mem.unwrap_or(1024)),
            availability_zone: request.zone.clone(),
            ..Hardware::default()
        };
        started.addresses =
            vec![Address { value: IpAddr::V4(Ipv4Addr::new(10, b, c, d)), scope: AddressScope::CloudLocal }];
        self.instances.insert(request.name.clone(), Instance { request: request.clone(), started: started.clone() });
        self.news.push(Event::Started(started.id.clone(), Box::new(request.clone())));
        Ok(started)
    }

    pub(super) fn instances(&self, controller: &str) -> Vec<InstanceInfo> {
        let ours = self.instances.values().filter(|one| one.request.model.controller == controller);
        ours.map(|one| InstanceInfo {
            id: one.started.id.clone(),
            model: one.request.model.model.clone(),
            machine: one.request.machine.clone(),
            status: InstanceStatus::Running,
            detail: "Running".into(),
            addresses: one.started.addresses.clone(),
            since: None,
        })
        .collect()
    }

    pub(super) fn things(&self, controller: &str) -> Vec<Thing> {
        let ours = self.networks.iter().filter(|(owner, _)| owner == controller);
        ours.map(|(_, model)| Thing { kind: NETWORK.into(), id: network(model), model: model.clone(), since: None })
            .collect()
    }

    pub(super) fn remove_thing(&mut self, controller: &str, thing: &Thing) {
        let is_it = |model: &str| thing.kind == NETWORK && thing.id == network(model);
        self.networks.retain(|(owner, model)| owner != controller || !is_it(model));
    }

    pub(super) fn has(&self, controller: &str, id: &InstanceId) -> bool {
        self.instances.get(&id.0).is_some_and(|one| one.request.model.controller == controller)
    }

    pub(super) fn stop(&mut self, controller: &str, id: &InstanceId) {
        if self.has(controller, id) {
            self.remove(id);
        }
    }

    pub(super) fn release(&mut self, controller: &str, id: &InstanceId) {
        if self.has(controller, id) {
            self.instances.remove(&id.0);
            self.kept.insert(id.0.clone());
        }
    }

    pub(super) fn kept(&self) -> Vec<InstanceId> {
        self.kept.iter().cloned().map(InstanceId).collect()
    }

    /// With it goes what is inside.
    pub(super) fn remove(&mut self, id: &InstanceId) {
        let inside = self.instances.values().filter(|one| one.request.parent.as_ref() == Some(id));
        let inside: Vec<InstanceId> = inside.map(|one| one.started.id.clone()).collect();
        inside.iter().for_each(|inner| self.remove(inner));
        if let Some(one) = self.instances.remove(&id.0) {
            self.news.push(Event::Stopped(one.started.id));
        }
    }

    pub(super) fn destroy_model(&mut self, model: &ModelRef) {
        self.networks.remove(&(model.controller.clone(), model.model.clone()));
        self.sweep(|request| request.model.controller == model.controller && request.model.model == model.model);
    }

    pub(super) fn destroy_controller(&mut self, controller: &str) {
        self.networks.retain(|(owner, _)| owner != controller);
        self.sweep(|request| request.model.controller == controller);
    }

    fn sweep(&mut self, which: impl Fn(&StartRequest) -> bool) {
        let gone = self.instances.values().filter(|one| which(&one.request));
        let gone: Vec<InstanceId> = gone.map(|one| one.started.id.clone()).collect();
        gone.iter().for_each(|id| self.remove(id));
    }

    pub(super) fn request(&self, id: &InstanceId) -> Option<StartRequest> {
        self.instances.get(&id.0).map(|one| one.request.clone())
    }

    pub(super) fn objects(&self) -> Vec<String> {
        let networks = self.networks.iter().map(|(controller, model)| format!("network {controller} {model}"));
        let instances = self.instances.keys().map(|name| format!("instance {name}"));
        let disks = self.instances.values().flat_map(|one| &one.request.disks);
        let disks = disks.map(|disk| format!("disk {} {}M", disk.id, disk.size));
        let mut all: Vec<String> = instances.chain(networks).chain(disks).collect();
        all.sort();
        all
    }
}
