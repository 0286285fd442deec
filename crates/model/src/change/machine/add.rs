//! Adding machines: ids, where they go, what they start with.
//! The surprise: several are added by one transaction, and one that is refused stops none of the others.

use crate::beliefs::{Beliefs, InModel, Stored};
use crate::change::machine::upgrade::check_not_held;
use crate::change::sequence::Counters;
use crate::change::{Decision, Given, TxnExt, block};
use crate::key;
use crate::query::machine::hosts_containers;
use crate::query::storage::{Asked, wanted as wanted_disks};
use crate::record::agent::Agent;
use crate::record::block::BlockKind;
use crate::record::instance::{Instance, MANUALLY};
use crate::record::machine::Machine;
use crate::record::model::Model;
use crate::record::status::{InstanceStatus, Status};
use base::storage::Disk;
use base::{Constraints, Kind, Life, MachineId, ModelUuid, OsBase, Refusal};
use store::Txn;

/// No more in one transaction: a container with a host of its own needs eight writes of 128.
pub const MAX_AT_ONCE: usize = 12;

/// One machine as asked for.
#[derive(Debug, Clone, Default)]
pub struct AddMachine {
    /// Absent: the model's default.
    pub base: Option<OsBase>,
    pub constraints: Constraints,
    pub place: Where,
    pub jobs: Vec<String>,
    /// Beside the root disk.
    pub disks: Vec<Asked>,
    /// What the cloud will not honour, in words.
    pub warnings: Vec<String>,
    /// It exists already (added by hand): its instance id, nonce and addresses.
    pub existing: Option<Existing>,
}

#[derive(Debug, Clone)]
pub struct Existing {
    pub instance_id: String,
    pub addresses: Vec<crate::record::address::Address>,
    pub hardware: base::Hardware,
}

/// Where it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Where {
    #[default]
    Anywhere,
    /// A directive for the cloud.
    Directive(String),
    /// A container of this type on a new machine.
    InNew(String),
    /// A container of this type on this machine.
    On(String, MachineId),
}

type Outcome = Vec<Result<MachineId, Refusal>>;

pub fn add(
    beliefs: &Beliefs,
    model: ModelUuid,
    wanted: &[AddMachine],
    default_base: &OsBase,
    given: Given<'_>,
) -> Result<Decision<Outcome>, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut adding =
        Adding { model, within, record, default_base, given, counters: Counters::new(model, within), txn: Txn::new() };
    let outcome: Outcome = wanted.iter().map(|one| adding.one(one)).collect();
    let Adding { mut txn, counters, .. } = adding;
    if outcome.iter().any(Result::is_ok) {
        counters.write(&mut txn);
        txn.rests_on(key::model(model), record);
    }
    Ok(Decision::new(txn, outcome))
}

struct Adding<'a> {
    model: ModelUuid,
    within: &'a InModel,
    record: &'a Stored<Model>,
    default_base: &'a OsBase,
    given: Given<'a>,
    counters: Counters<'a>,
    txn: Txn,
}

impl Adding<'_> {
    fn one(&mut self, wanted: &AddMachine) -> Result<MachineId, Refusal> {
        if self.record.life != Life::Alive {
            return Err(refused(format!("model {:?} is {}", self.record.name, self.record.life)));
        }
        let disks = wanted_disks(self.within, &wanted.disks).map_err(|refusal| {
            Refusal::new(refusal.kind(), format!("cannot add a new machine: {}", refusal.words()))
        })?;
        let id = match &wanted.place {
            Where::Anywhere | Where::Directive(_) => self.top(),
            Where::InNew(kind) => {
                let host = self.top();
                let bare = AddMachine { place: Where::Anywhere, existing: None, ..wanted.clone() };
                self.write(host.clone(), &bare, Vec::new());
                host.container(kind, self.counters.take(&container_counter(&host, kind)))
            }
            Where::On(kind, host) => {
                self.check_host(kind, host)?;
                host.container(kind, self.counters.take(&container_counter(host, kind)))
            }
        };
        self.write(id.clone(), wanted, disks);
        Ok(id)
    }

    fn top(&mut self) -> MachineId {
        MachineId::top(self.counters.take("machine"))
    }

    fn check_host(&mut self, kind: &str, host: &MachineId) -> Result<(), Refusal> {
        let (whole, record) = self.within.machine(host).map_err(|refusal| {
            Refusal::new(refusal.kind(), format!("cannot add a new machine: {}", refusal.words()))
        })?;
        if record.life != Life::Alive {
            return Err(refused(format!("machine {host} is not alive")));
        }
        check_not_held(record).map_err(|held| refused(held.words().to_owned()))?;
        if !hosts_containers(whole) {
            return Err(refused(format!("machine {host} cannot host {kind} containers")));
        }
        self.txn.rests_on(key::machine(self.model, host), record);
        Ok(())
    }

    fn write(&mut self, id: MachineId, wanted: &AddMachine, mut disks: Vec<Disk>) {
        let now = self.given.now;
        let placement = match &wanted.place {
            Where::Directive(directive) => directive.clone(),
            _ => String::new(),
        };
        let jobs = match wanted.jobs.is_empty() {
            true => vec!["JobHostUnits".to_owned()],
            false => wanted.jobs.clone(),
        };
        for disk in &mut disks {
            disk.id = format!("{id}/{}", self.counters.take("disk"));
        }
        let machine = Machine {
            id: id.clone(),
            disks,
            life: Life::Alive,
            base: wanted.base.clone().unwrap_or_else(|| self.default_base.clone()),
            constraints: asked_for(self.within, &wanted.constraints, &wanted.place),
            placement,
            jobs,
            created: now,
            warnings: wanted.warnings.clone(),
            keep_instance: false,
            removal: None,
            retry: false,
            upgrade: None,
        };
        let mut instance = Instance::pending(now);
        if let Some(existing) = &wanted.existing {
            instance.instance_id = existing.instance_id.clone();
            instance.addresses = existing.addresses.clone();
            instance.hardware = existing.hardware.clone();
            if instance.is_manual() {
                instance.status = Status::new(InstanceStatus::Running, MANUALLY, now);
            }
        }
        self.txn.add(key::machine(self.model, &id), &machine);
        self.txn.add(key::instance(self.model, &id), &instance);
        self.txn.add(key::agent(self.model, &id), &Agent::pending(now));
    }
}

/// What a machine asks for in the end: what its own constraints do not name the model's do, unless it was told where to go.
pub fn asked_for(within: &InModel, own: &Constraints, place: &Where) -> Constraints {
    match (place, &within.constraints) {
        (Where::Directive(_), _) | (_, None) => own.clone(),
        (_, Some(in_model)) => own.clone().or(&in_model.0),
    }
}

fn container_counter(host: &MachineId, kind: &str) -> String {
    format!("container-{}-{kind}", host.dashed())
}

fn refused(why: String) -> Refusal {
    Refusal::new(Kind::Plain, format!("cannot add a new machine: {why}"))
}
