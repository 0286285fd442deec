//! Facade `MachineManager`: adding machines, and asking for their end.

use crate::call::Call;
use crate::error::{IntoItem, item};
use base::{Constraints, Kind, MachineId, OsBase, Refusal, Tag};
use model::change::enrolment;
use model::change::machine::{self, AddMachine, Destroy, Existing, MAX_AT_ONCE, Where};
use model::query::{network, storage};
use model::record::address::Address;
use model::record::instance::MANUAL;
use model::{InModel, settings};
use std::time::Duration;
use wire::Error;
use wire::facade::machine_manager::*;

/// A machine of the last LTS, where neither the request nor the model nor the cloud says otherwise.
const FALLBACK: (&str, &str) = ("ubuntu", "24.04");
/// More at once are asked for by mistake.
const MOST: usize = 5000;

pub async fn add_machines(call: Call, params: AddMachines) -> Result<AddMachinesResults, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let (within, record) = read.model(model)?;
    model::change::block::check(within, model::record::block::BlockKind::Change)?;
    if params.params.len() > MOST {
        return Err(Refusal::plain(format!("cannot add more than {MOST} machines at once")));
    }
    let default_base = default_base(&call, within, record.account());
    let asked =
        Asked { call: &call, within, model_name: &record.name, model_uuid: model.to_string(), cloud: record.account() };
    let wanted: Vec<Result<AddMachine, Refusal>> = params.params.into_iter().map(|one| asked.read(one)).collect();
    let good: Vec<AddMachine> = wanted.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
    let mut added = Vec::new();
    for some in good.chunks(MAX_AT_ONCE) {
        let add = call.state().change(|beliefs, given| machine::add(beliefs, model, some, &default_base, given)).await;
        match add {
            Ok(outcome) => added.extend(outcome),
            Err(refusal) => added.extend(some.iter().map(|_| Err(refusal.clone()))),
        }
    }
    let mut added = added.into_iter();
    let machines = wanted.into_iter().map(|one| {
        let outcome = one.and_then(|_| added.next().unwrap_or_else(|| Err(Refusal::plain("machine was not added"))));
        match outcome.into_item() {
            Ok(id) => AddMachinesResult { machine: id.to_string(), error: None },
            Err(error) => AddMachinesResult { machine: String::new(), error: Some(error) },
        }
    });
    Ok(AddMachinesResults { machines: machines.collect() })
}

/// Wishes for spaces that can never be met.
fn check_spaces(within: &InModel, wanted: &Constraints) -> Result<(), Refusal> {
    let check = network::check(&within.network(), wanted.spaces.as_deref().unwrap_or_default());
    check.map_err(|refusal| {
        Refusal::new(refusal.kind(), format!("invalid constraint value: spaces: {}", refusal.words()))
    })
}

/// `cloud`: the model's account there, since two of a server may see other images.
fn default_base(call: &Call, within: &InModel, cloud: &str) -> OsBase {
    let set = settings::text(within, "default-base");
    let fallback = || OsBase::new(FALLBACK.0, FALLBACK.1).ok();
    OsBase::parse(&set)
        .ok()
        .or_else(|| call.session.shared().advice.default_base(cloud))
        .or_else(fallback)
        .unwrap_or(OsBase { name: FALLBACK.0.into(), channel: format!("{}/stable", FALLBACK.1) })
}

/// What one item is read with.
struct Asked<'a> {
    call: &'a Call,
    within: &'a InModel,
    model_name: &'a str,
    model_uuid: String,
    cloud: &'a str,
}

impl Asked<'_> {
    fn read(&self, one: AddMachineParams) -> Result<AddMachine, Refusal> {
        let base = match &one.base {
            Some(base) if !base.name.is_empty() => {
                let read = OsBase::new(&base.name, &base.channel);
                Some(read.map_err(|error| Refusal::plain(error.to_string()))?)
            }
            _ => None,
        };
        let place = self.place(&one)?;
        if one.instance_id.is_empty() || place != Where::Anywhere {
            self.check_cloud(&place)?;
        }
        self.check_hosts(&place)?;
        if let Where::Directive(directive) = &place {
            self.call.session.shared().advice.check_placement(self.cloud, directive)?;
        }
        if one.disks.iter().any(|disk| disk.count == 0) {
            return Err(Refusal::plain("invalid volume params: count not specified"));
        }
        let disks: Vec<_> = one.disks.iter().map(asked_disks).collect::<Result<_, _>>()?;
        if !disks.is_empty() {
            if !one.instance_id.is_empty() {
                return Err(Refusal::plain(
                    "cannot add a new machine: a host that is there already has the disks that it has",
                ));
            }
            let wanted = storage::wanted(self.within, &disks);
            let checked = wanted.and_then(|wanted| self.call.session.shared().advice.check_disks(self.cloud, &wanted));
            checked.map_err(|refusal| {
                Refusal::new(refusal.kind(), format!("cannot add a new machine: {}", refusal.words()))
            })?;
        }
        check_values(&one.constraints)?;
        let merged = machine::asked_for(self.within, &one.constraints, &place);
        let warnings = self.call.session.shared().advice.check(self.cloud, &merged)?;
        for warning in &warnings {
            tracing::warn!(model = %self.model_uuid, "machine asked for: {warning}");
        }
        if one.instance_id.is_empty() && matches!(place, Where::Anywhere | Where::Directive(_)) {
            check_spaces(self.within, &merged)?;
        }
        if one.instance_id.is_empty() != one.nonce.is_empty() && place == Where::Anywhere {
            return Err(Refusal::plain(
                "cannot add a new machine: cannot add a machine with an instance id and no nonce",
            ));
        }
        let existing = (!one.instance_id.is_empty() && place == Where::Anywhere).then(|| Existing {
            instance_id: one.instance_id.clone(),
            addresses: one.addresses.iter().map(|address| Address::of(&address.value)).collect(),
            hardware: hardware(one.hardware_characteristics),
        });
        let program = self.call.session.shared().takes_in.arch();
        if let Some(arch) = existing
            .as_ref()
            .filter(|one| one.instance_id.starts_with(MANUAL))
            .and_then(|one| one.hardware.arch.as_deref())
            && arch != program
        {
            let words = format!(
                "cannot add a new machine: no agent binaries for {arch}: this controller has them for {program}"
            );
            return Err(Refusal::plain(words));
        }
        Ok(AddMachine { base, constraints: one.constraints, place, jobs: jobs(&one.jobs), disks, warnings, existing })
    }

    /// A cloud that makes no machines makes no containers on them either.
    fn check_cloud(&self, place: &Where) -> Result<(), Refusal> {
        self.call.session.shared().advice.check_makes_machines(self.cloud).map_err(|instead| {
            let words = match place {
                Where::On(kind, host) => format!("machine {host} cannot host {kind} containers"),
                _ => instead.words().to_owned(),
            };
            Refusal::plain(format!("cannot add a new machine: {words}"))
        })
    }

    /// Juju's words, and why.
    fn check_hosts(&self, place: &Where) -> Result<(), Refusal> {
        let (host, kind) = match place {
            Where::Anywhere | Where::Directive(_) => return Ok(()),
            Where::InNew(kind) => ("a new machine".to_owned(), kind),
            Where::On(kind, host) => (format!("machine {host}"), kind),
        };
        self.call.session.shared().advice.check_hosts(self.cloud, kind).map_err(|why| {
            Refusal::plain(format!("cannot add a new machine: {host} cannot host {kind} containers: {}", why.words()))
        })
    }

    fn place(&self, one: &AddMachineParams) -> Result<Where, Refusal> {
        let placement =
            one.placement.as_ref().filter(|placement| !placement.scope.is_empty() || !placement.directive.is_empty());
        if !one.parent_id.is_empty() && one.container_type.is_empty() {
            return Err(Refusal::plain("parent machine specified without container type"));
        }
        if !one.container_type.is_empty() && placement.is_some() {
            return Err(Refusal::plain("container type and placement are mutually exclusive"));
        }
        match placement {
            None if one.container_type.is_empty() => Ok(Where::Anywhere),
            None => container(&one.container_type, &one.parent_id),
            Some(placement) if matches!(placement.scope.as_str(), "lxd" | "kvm") => {
                container(&placement.scope, &placement.directive)
            }
            // Clients that do not know the model's uuid send the words for it.
            Some(placement)
                if [self.model_name, &self.model_uuid, "model-uuid"].contains(&placement.scope.as_str()) =>
            {
                Ok(Where::Directive(placement.directive.clone()))
            }
            Some(placement) => Err(Refusal::plain(format!("invalid model name {:?}", placement.scope))),
        }
    }
}

fn asked_disks(disk: &wire::facade::machine_manager::Constraints) -> Result<storage::Asked, Refusal> {
    match (u64::try_from(disk.size), u64::try_from(disk.count)) {
        (Ok(size), Ok(count)) => Ok(storage::Asked { pool: disk.pool.clone(), size, count }),
        _ => Err(Refusal::plain("cannot add a new machine: invalid volume params: size or count below zero")),
    }
}

/// What whoever brings a host found on it.
fn hardware(found: HardwareCharacteristics) -> base::Hardware {
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let number = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    base::Hardware {
        arch: text(found.arch),
        cpu_cores: number(found.cpu_cores),
        cpu_power: number(found.cpu_power),
        mem: number(found.mem),
        root_disk: number(found.root_disk),
        root_disk_source: text(found.root_disk_source),
        tags: found.tags,
        availability_zone: text(found.availability_zone),
        virt_type: text(found.virt_type),
    }
}

fn container(kind: &str, parent: &str) -> Result<Where, Refusal> {
    if kind != "lxd" {
        return Err(Refusal::plain(format!("cannot add a new machine: invalid container type {kind:?}")));
    }
    match parent {
        "" => Ok(Where::InNew(kind.to_owned())),
        parent => {
            let host: MachineId = parent
                .parse()
                .map_err(|invalid: base::id::IdError| Refusal::plain(format!("cannot add a new machine: {invalid}")))?;
            Ok(Where::On(kind.to_owned(), host))
        }
    }
}

/// Unknown jobs are passed over, as Juju does; a controller's job is not to be had this way.
fn jobs(asked: &[String]) -> Vec<String> {
    asked.iter().filter(|job| *job == "JobHostUnits").cloned().collect()
}

/// Values that no cloud has.
pub fn check_values(constraints: &Constraints) -> Result<(), Refusal> {
    match &constraints.arch {
        Some(arch) if !arch.is_empty() && !base::constraints::ARCHES.contains(&arch.as_str()) => {
            let words = format!(
                "invalid constraint value: arch={arch}\nvalid values are: {}",
                base::constraints::ARCHES.join(" ")
            );
            Err(Refusal::plain(words))
        }
        _ => Ok(()),
    }
}

pub async fn destroy(call: Call, params: DestroyMachinesParams) -> Result<DestroyMachineResults, Refusal> {
    let max_wait = params.max_wait.map(|nanos| Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)));
    let how = Destroy { force: params.force, keep_instance: params.keep, max_wait };
    let mut results = Vec::new();
    for tag in &params.machine_tags {
        results.push(match one_destroyed(&call, tag, how, params.dry_run).await {
            Ok(info) => DestroyMachineResult { info: Some(info), error: None },
            Err(error) => DestroyMachineResult { info: None, error: Some(error) },
        });
    }
    Ok(DestroyMachineResults { results })
}

async fn one_destroyed(call: &Call, tag: &str, how: Destroy, dry_run: bool) -> Result<DestroyMachineInfo, Error> {
    let id = machine_of(tag).into_item()?;
    let model = call.model().into_item()?;
    let destroyed = match dry_run {
        true => machine::preview(&call.read(), model, &id),
        false => call.state().change(|beliefs, given| machine::destroy(beliefs, model, &id, how, given)).await,
    };
    let destroyed = destroyed.into_item()?;
    let containers = destroyed.containers.iter().map(|id| DestroyMachineResult {
        info: Some(DestroyMachineInfo { machine_id: id.to_string(), ..DestroyMachineInfo::default() }),
        error: None,
    });
    let containers = containers.filter(|_| how.force || dry_run).collect();
    Ok(DestroyMachineInfo {
        machine_id: id.to_string(),
        destroyed_containers: containers,
        ..DestroyMachineInfo::default()
    })
}

/// Tags of containers come with dashes, and from python-libjuju with slashes.
pub fn machine_of(tag: &str) -> Result<MachineId, Refusal> {
    let slashed = tag.strip_prefix("machine-").and_then(|id| id.parse::<MachineId>().ok());
    match slashed {
        Some(id) => Ok(id),
        None => Tag::machine(tag).map_err(|invalid| Refusal::plain(invalid.to_string())),
    }
}

/// The script that makes a host the machine: whoever asked for the machine runs it there, as root.
pub async fn provisioning_script(
    call: Call,
    params: ProvisioningScriptParams,
) -> Result<ProvisioningScriptResult, Refusal> {
    let model = call.model()?;
    let id: MachineId = params.machine_id.parse().map_err(|e: base::id::IdError| Refusal::plain(e.to_string()))?;
    let takes_in = call.session.shared().takes_in.clone();
    let hash = takes_in.token_hash(model, &id);
    call.state().change(|beliefs, given| enrolment::issue_to_host(beliefs, model, &id, &hash, given)).await?;
    let read = call.read();
    let script = takes_in.script(read.controller()?, model, &id)?;
    Ok(ProvisioningScriptResult { script })
}

pub async fn retry_provisioning(call: Call, params: RetryProvisioningArgs) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut ids = Vec::new();
    let mut results = Vec::new();
    for tag in &params.machines {
        match machine_of(tag) {
            Ok(id) => ids.push(id),
            Err(refusal) => results.push(ErrorResult { error: item::<()>(Err(refusal)) }),
        }
    }
    let refusals =
        call.state().change(|beliefs, given| machine::retry(beliefs, model, &ids, params.all, given)).await?;
    results.extend(refusals.into_iter().map(|refusal| ErrorResult { error: item::<()>(Err(refusal)) }));
    Ok(ErrorResults { results })
}

pub async fn instance_types(_: Call, params: ModelInstanceTypesConstraints) -> Result<InstanceTypesResults, Refusal> {
    let none = || InstanceTypesResult {
        error: item::<()>(Err(Refusal::new(Kind::NotSupported, "InstanceTypes not supported"))),
        ..InstanceTypesResult::default()
    };
    Ok(InstanceTypesResults { results: params.constraints.iter().map(|_| none()).collect() })
}
