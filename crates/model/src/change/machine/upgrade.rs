//! The steps of a machine's upgrade to another release (`record/upgrade.rs` draws them).
//! The surprise: the operating system stays the same by the wire itself, which names only a channel.

use crate::beliefs::{Beliefs, InModel, Stored};
use crate::change::{Decision, Given, TxnExt, block};
use crate::key;
use crate::record::block::BlockKind;
use crate::record::machine::Machine;
use crate::record::upgrade::{Phase, Upgrade};
use base::{Kind, Life, MachineId, ModelUuid, OsBase, Refusal};
use std::cmp::Ordering;
use store::Txn;

/// Systems that are brought to their next release in place.
const UPGRADABLE: [&str; 2] = ["ubuntu", "debian"];

/// Whether a machine may be prepared for `channel` (`22.04/stable`) of its operating system; where it comes from and goes to.
pub fn validate(within: &InModel, id: &MachineId, channel: &str, force: bool) -> Result<(OsBase, OsBase), Refusal> {
    let (all, machine) = within.machine(id)?;
    let tag = format!("machine-{}", id.dashed());
    if machine.is_controller() {
        return Err(Refusal::plain(format!("{tag} is a controller and cannot be targeted for series upgrade")));
    }
    if machine.life != Life::Alive {
        return Err(Refusal::plain(format!("machine {id} is {}", machine.life)));
    }
    if let Some(open) = open(machine) {
        let words =
            format!("upgrade series lock found for \"{id}\"; series upgrade is in the \"{}\" state", open.phase);
        return Err(Refusal::plain(words));
    }
    let seen = all.agent.as_ref().and_then(|agent| OsBase::parse(&agent.base).ok());
    let from = seen.unwrap_or_else(|| machine.base.clone());
    let to = OsBase::new(&from.name, channel).map_err(|error| Refusal::new(Kind::NotValid, error.to_string()))?;
    if !UPGRADABLE.contains(&from.name.as_str()) {
        let words = format!("{tag} is running {from}: only {} are upgraded in place", UPGRADABLE.join(" and "));
        return Err(Refusal::plain(words));
    }
    match by_release(&from, &to) {
        Ordering::Equal => return Err(Refusal::plain(format!("{tag} is already running base {to}"))),
        Ordering::Greater if !force => {
            return Err(Refusal::plain(format!("machine {tag} is running {from} which is a newer base than {to}.")));
        }
        Ordering::Greater | Ordering::Less => {}
    }
    Ok((from, to))
}

/// `9.10` is older than `22.04`, and `9` than `12`.
fn by_release(a: &OsBase, b: &OsBase) -> Ordering {
    let numbers =
        |base: &OsBase| -> Vec<u32> { base.track().split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    numbers(a).cmp(&numbers(b))
}

/// The machine is held from now on, and its agent makes it ready.
pub fn prepare(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    channel: &str,
    force: bool,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let (from, to) = validate(within, id, channel, force)?;
    let (_, machine) = within.machine(id)?;
    let text = format!(
        "machine-{} started upgrade from \"{}@{}\" to \"{}@{}\"",
        id.dashed(),
        from.name,
        from.channel,
        to.name,
        to.channel
    );
    let upgrade =
        Upgrade { from, to, phase: Phase::PrepareStarted, since: given.now, messages: vec![text], told_before: 0 };
    Ok(put(model, machine, Some(upgrade)))
}

/// The operating system has been upgraded: the machine goes back into service.
pub fn complete(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, given: Given<'_>) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let (_, machine) = within.machine(id)?;
    let Some(open) = open(machine).filter(|open| open.phase == Phase::PrepareCompleted) else {
        let words = format!("machine \"{id}\" can not complete, it is either not prepared or already completed");
        return Err(Refusal::plain(words));
    };
    let mut upgrade = open.clone();
    upgrade.told_before = upgrade.messages.len();
    next(&mut upgrade, Phase::CompleteStarted, &format!("machine-{} complete phase started", id.dashed()), given);
    Ok(put(model, machine, Some(upgrade)))
}

/// Puts a machine that was prepared back in service, as it is.
pub fn cancel(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, _: Given<'_>) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let (_, machine) = within.machine(id)?;
    match open(machine) {
        Some(_) => Ok(put(model, machine, None)),
        None => Err(Refusal::new(Kind::NotFound, format!("machine \"{id}\" is not being upgraded"))),
    }
}

/// The agent has done its part of a step, on a machine that runs `now`. One that comes late changes nothing.
pub fn agent_did(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    step: Phase,
    now: Option<OsBase>,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let machine = beliefs.models.get(&model).and_then(|within| within.machines.get(id)?.machine.as_ref());
    let Some((machine, mut upgrade)) =
        machine.and_then(|machine| Some((machine, open(machine).filter(|open| open.phase == step)?.clone())))
    else {
        return Ok(Decision::nothing(()));
    };
    let tag = format!("machine-{}", id.dashed());
    let mut record = machine.to_record();
    match step {
        Phase::PrepareStarted => {
            next(&mut upgrade, Phase::PrepareCompleted, &format!("{tag} binaries and service files written"), given);
        }
        Phase::CompleteStarted => {
            next(&mut upgrade, Phase::Completed, &format!("{tag} series upgrade complete"), given);
            record.base = now.unwrap_or(record.base);
        }
        Phase::PrepareCompleted | Phase::Completed => return Ok(Decision::nothing(())),
    }
    record.upgrade = Some(Box::new(upgrade));
    let mut txn = Txn::new();
    txn.update(key::machine(model, id), machine, &record);
    Ok(Decision::new(txn, ()))
}

/// A machine that is held takes nothing new, and is not removed without force.
pub fn check_not_held(machine: &Stored<Machine>) -> Result<(), Refusal> {
    match open(machine) {
        Some(_) => Err(Refusal::plain(format!("machine \"{}\" is locked for series upgrade", machine.id))),
        None => Ok(()),
    }
}

fn open(machine: &Machine) -> Option<&Upgrade> {
    machine.upgrade.as_deref().filter(|upgrade| upgrade.is_open())
}

fn next(upgrade: &mut Upgrade, phase: Phase, message: &str, given: Given<'_>) {
    upgrade.phase = phase;
    upgrade.since = given.now;
    upgrade.messages.push(message.to_owned());
}

fn put(model: ModelUuid, machine: &Stored<Machine>, upgrade: Option<Upgrade>) -> Decision {
    let mut txn = Txn::new();
    let record = Machine { upgrade: upgrade.map(Box::new), ..machine.to_record() };
    txn.update(key::machine(model, &machine.id), machine, &record);
    Decision::new(txn, ())
}
