//! Ends that follow from other ends: a dying controller's models, a dying model's or host's machines. It knows no cloud.
//! The surprise: each is done a portion at a time, since a thousand machines do not fit into one transaction.

use super::{Decision, Given, TxnExt};
use crate::beliefs::{Beliefs, InModel, Stored};
use crate::key;
use crate::record::controller::Controller;
use crate::record::machine::{Machine, Removal};
use crate::record::model::Model;
use base::clock::Time;
use base::{Life, MachineId, ModelUuid, Refusal};
use store::{MAX_OPERATIONS, Txn};

/// Whether there are machines that must die because of others: all, when the model `ends`; else containers whose host dies.
pub fn has_machines_to_die(within: &InModel, ends: bool) -> bool {
    to_die(within, ends).next().is_some()
}

fn to_die(within: &InModel, ends: bool) -> impl Iterator<Item = &Stored<Machine>> {
    let alive = within.machines().map(|(.., machine)| machine).filter(|m| m.life == Life::Alive && !m.is_controller());
    alive.filter(move |machine| ends || host(within, &machine.id).is_some_and(|host| host.life != Life::Alive))
}

fn host<'a>(within: &'a InModel, id: &MachineId) -> Option<&'a Stored<Machine>> {
    within.machines.get(&id.parent()?)?.machine.as_ref()
}

/// Those machines die, a portion at a time.
pub fn machines_die(beliefs: &Beliefs, model: ModelUuid, given: Given<'_>) -> Result<Decision, Refusal> {
    let Some(within) = beliefs.models.get(&model) else { return Ok(Decision::nothing(())) };
    let controller = beliefs.controller.as_ref();
    let with_it = controller.filter(|controller| controller.life != Life::Alive && controller.model_uuid == model);
    let ends = within.model.as_ref().is_none_or(|model| model.life != Life::Alive) || with_it.is_some();
    let why =
        within.model.as_ref().and_then(|model| model.removal.clone()).or(with_it.and_then(|with| with.removal.clone()));
    let mut txn = Txn::new();
    for machine in to_die(within, ends).take(MAX_OPERATIONS / 2) {
        let mut dying = machine.to_record();
        dying.life = Life::Dying;
        let of_host = host(within, &machine.id).and_then(|host| host.removal.clone());
        let plain = Removal { asked: given.now, force: false, force_at: None };
        dying.removal = Some(of_host.or(why.clone()).map_or(plain, |removal| Removal { asked: given.now, ..removal }));
        txn.update(key::machine(model, &machine.id), machine, &dying);
    }
    Ok(Decision::new(txn, ()))
}

/// A dying controller takes its models with it, one at a time.
pub fn models_die(beliefs: &Beliefs, given: Given<'_>) -> Result<Decision, Refusal> {
    let Some(controller) = beliefs.controller.as_ref().filter(|controller| controller.life == Life::Dying) else {
        return Ok(Decision::nothing(()));
    };
    let mut txn = Txn::new();
    for (_, model) in beliefs.models().filter(|(_, model)| model.life == Life::Alive).take(MAX_OPERATIONS / 2) {
        if model.uuid == controller.model_uuid {
            continue;
        }
        let mut dying = model.to_record();
        dying.life = Life::Dying;
        let asked = controller.removal.clone();
        dying.removal = Some(asked.unwrap_or(Removal { asked: given.now, force: false, force_at: None }));
        txn.update(key::model(model.uuid), model, &dying);
    }
    Ok(Decision::new(txn, ()))
}

/// Whether there are removals whose times mean nothing any more, since the clock was set back.
pub fn are_ahead(beliefs: &Beliefs, now: Time) -> bool {
    let ahead = |removal: &Option<Removal>| removal.as_ref().is_some_and(|removal| removal.is_ahead_of(now));
    beliefs.controller.as_ref().is_some_and(|controller| ahead(&controller.removal))
        || beliefs.models().any(|(within, model)| {
            ahead(&model.removal) || within.machines().any(|(.., machine)| ahead(&machine.removal))
        })
}

/// Removals that were asked for in what is the future now are as if they were asked for now; a portion at a time.
pub fn set_right(beliefs: &Beliefs, given: Given<'_>) -> Result<Decision, Refusal> {
    let right = |removal: &Option<Removal>| {
        removal.as_ref().filter(|removal| removal.is_ahead_of(given.now)).map(|removal| removal.as_of(given.now))
    };
    let mut txn = Txn::new();
    if let Some(controller) = &beliefs.controller
        && let Some(removal) = right(&controller.removal)
    {
        txn.update(key::controller(), controller, &Controller { removal: Some(removal), ..controller.to_record() });
    }
    for (within, model) in beliefs.models() {
        if txn.operations() >= MAX_OPERATIONS / 2 {
            break;
        }
        if let Some(removal) = right(&model.removal) {
            txn.update(key::model(model.uuid), model, &Model { removal: Some(removal), ..model.to_record() });
        }
        for (id, _, machine) in within.machines() {
            if let Some(removal) = right(&machine.removal).filter(|_| txn.operations() < MAX_OPERATIONS / 2) {
                let record = Machine { removal: Some(removal), ..machine.to_record() };
                txn.update(key::machine(model.uuid, id), machine, &record);
            }
        }
    }
    Ok(Decision::new(txn, ()))
}

/// A dying controller that has nothing left in any cloud is dead: its process may go.
pub fn controller_dead(beliefs: &Beliefs) -> Result<Decision, Refusal> {
    let Some(controller) = beliefs.controller.as_ref().filter(|controller| controller.life == Life::Dying) else {
        return Ok(Decision::nothing(()));
    };
    let mut dead = controller.to_record();
    dead.life = Life::Dead;
    let mut txn = Txn::new();
    txn.update(key::controller(), controller, &dead);
    Ok(Decision::new(txn, ()))
}
