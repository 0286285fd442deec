//! Asking for a machine's end, and the steps that the reconciler then takes: dead, removed.
//! The surprise: a forced removal does not kill the machine here. It sets a time after which nothing is waited for any more.

use crate::beliefs::{AMachine, Beliefs, InModel, Stored};
use crate::change::machine::upgrade::check_not_held;
use crate::change::{Decision, Given, TxnExt, block};
use crate::key;
use crate::record::block::BlockKind;
use crate::record::instance::Instance;
use crate::record::machine::{Machine, Removal};
use base::{Kind, Life, MachineId, ModelUuid, Refusal};
use std::time::Duration;
use store::Txn;

/// How long a forced removal waits for an orderly one, unless told otherwise.
pub const FORCE_WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, Default)]
pub struct Destroy {
    pub force: bool,
    pub keep_instance: bool,
    pub max_wait: Option<Duration>,
}

/// What goes: the machine, and the containers on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    pub machine: MachineId,
    pub containers: Vec<MachineId>,
}

/// What `destroy` would do. It changes nothing.
pub fn preview(beliefs: &Beliefs, model: ModelUuid, id: &MachineId) -> Result<Destroyed, Refusal> {
    let (within, _) = beliefs.model(model)?;
    within.machine(id)?;
    Ok(Destroyed { machine: id.clone(), containers: within.under(id).map(|machine| machine.id.clone()).collect() })
}

pub fn destroy(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    how: Destroy,
    given: Given<'_>,
) -> Result<Decision<Destroyed>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Remove)?;
    let (_, machine) = within.machine(id)?;
    if machine.is_controller() {
        return Err(Refusal::plain(format!(
            "machine {id} is required by the model: controller {id} is the only controller"
        )));
    }
    if !how.force {
        check_not_held(machine)?;
    }
    let containers: Vec<&Stored<Machine>> = within.under(id).collect();
    let mut answer = Destroyed { machine: id.clone(), containers: Vec::new() };
    if !how.force && !containers.is_empty() {
        let ids: Vec<_> = containers.iter().map(|machine| machine.id.as_str()).collect();
        let words = format!("machine {id} is hosting containers {:?}", ids.join(","));
        return Err(Refusal::new(Kind::HasContainers, words));
    }
    let mut txn = Txn::new();
    // A hundred containers on one machine are more than one transaction holds; the rest follow when the reconciler sees their host dying.
    for container in containers.iter().take(100) {
        if let Some(dying) = dying(container, how, given) {
            txn.update(key::machine(model, &container.id), container, &dying);
        }
    }
    answer.containers = containers.iter().map(|machine| machine.id.clone()).collect();
    if let Some(dying) = dying(machine, how, given) {
        txn.update(key::machine(model, id), machine, &dying);
    }
    Ok(Decision::new(txn, answer))
}

/// The record of a machine that is to go, or nothing when that is known already.
fn dying(machine: &Stored<Machine>, how: Destroy, given: Given<'_>) -> Option<Machine> {
    let mut record = machine.to_record();
    record.life = record.life.max(Life::Dying);
    record.keep_instance |= how.keep_instance;
    let removal = record.removal.get_or_insert(Removal { asked: given.now, force: false, force_at: None });
    if how.force {
        let at = given.now.plus(how.max_wait.unwrap_or(FORCE_WAIT));
        removal.force = true;
        removal.force_at = Some(removal.force_at.map_or(at, |before| before.min(at)));
    }
    (record != **machine).then_some(record)
}

/// Only notes that the instance is to stay.
pub fn set_keep(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, _: Given<'_>) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    let (_, machine) = within.machine(id)?;
    let mut txn = Txn::new();
    let record = Machine { keep_instance: true, ..machine.to_record() };
    txn.update(key::machine(model, id), machine, &record);
    Ok(Decision::new(txn, ()))
}

/// Nothing is on the machine any more: its agent stops for good, its instance may go. For the reconciler.
pub fn mark_dead(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, _: Given<'_>) -> Result<Decision, Refusal> {
    let Some((_, machine)) = still_there(beliefs, model, id) else { return Ok(Decision::nothing(())) };
    if machine.life == Life::Dead {
        return Ok(Decision::nothing(()));
    }
    let mut txn = Txn::new();
    txn.update(key::machine(model, id), machine, &Machine { life: Life::Dead, ..machine.to_record() });
    Ok(Decision::new(txn, ()))
}

/// The instance is gone: so are all its records. For the reconciler; the machine must be dead, or its forced time over.
pub fn remove_record(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let Some((within, machine)) = still_there(beliefs, model, id) else { return Ok(Decision::nothing(())) };
    let over = machine.removal.as_ref().and_then(|removal| removal.force_at).is_some_and(|at| at <= given.now);
    if machine.life != Life::Dead && !over {
        return Err(Refusal::plain(format!("machine {id} is {}, not dead", machine.life)));
    }
    if within.under(id).next().is_some() {
        return Err(Refusal::new(Kind::HasContainers, format!("machine {id} is hosting containers")));
    }
    let Some(all) = within.machines.get(id) else { return Ok(Decision::nothing(())) };
    let mut txn = Txn::new();
    if let Some(machine) = &all.machine {
        txn.remove(key::machine(model, id), machine.revision);
    }
    txn.delete(key::instance(model, id));
    txn.delete(key::agent(model, id));
    // Of a machine that is forgotten before its agent is gone it is the word for an agent that comes later.
    if !agent_is_left(all) {
        txn.delete(key::enrolment(model, id));
    }
    txn.delete(key::annotation(model, &format!("machine-{}", id.dashed())));
    Ok(Decision::new(txn, ()))
}

/// Whether an agent that enrolled is still on a host that was taken in: nobody but itself can take it off.
fn agent_is_left(all: &AMachine) -> bool {
    let manual = all.instance.as_deref().is_some_and(Instance::is_manual);
    let enrolled = all.enrolment.as_ref().is_some_and(|enrolment| enrolment.bound_key.is_some());
    manual && enrolled && !all.agent.as_ref().is_some_and(|agent| agent.has_left)
}

fn still_there<'a>(
    beliefs: &'a Beliefs,
    model: ModelUuid,
    id: &MachineId,
) -> Option<(&'a InModel, &'a Stored<Machine>)> {
    let within = beliefs.models.get(&model)?;
    Some((within, within.machines.get(id)?.machine.as_ref()?))
}
