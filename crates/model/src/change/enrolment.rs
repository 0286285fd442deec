//! Tokens with which machines enrol. The token is made here and never stored; its hash is given by the caller, who has the hash function.

use super::{Decision, Given, TxnExt, block};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::block::BlockKind;
use crate::record::enrolment::Enrolment;
use base::{Kind, Life, MachineId, ModelUuid, Refusal};
use std::time::Duration;
use store::{Guard, Txn};

/// A token's first use must come within this time of the machine's start. Days, so that a controller's clock that is a day wrong, or was,
/// strands no machine that is just starting.
pub const VALID: Duration = Duration::from_secs(7 * 24 * 3600);

/// A new token for a machine that is about to be started: what was issued before is worth nothing from now on.
pub fn issue(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    token_hash: &str,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    let (all, _) = within.machine(id)?;
    let record = Enrolment { token_hash: token_hash.to_owned(), expires: given.now.plus(VALID), bound_key: None };
    let mut txn = Txn::new();
    txn.upsert(key::enrolment(model, id), all.enrolment.as_ref(), &record);
    txn.guard(key::machine(model, id), Guard::Present);
    Ok(Decision::new(txn, ()))
}

/// A token for a host that is being taken in. Refused when it has been used already: whoever asks now would put a second host in its place.
pub fn issue_to_host(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    token_hash: &str,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let (all, machine) = within.machine(id)?;
    let instance = all.instance.as_deref().filter(|instance| instance.is_provisioned());
    let Some(instance) = instance else {
        return Err(Refusal::new(Kind::NotProvisioned, format!("machine {id} not provisioned")));
    };
    if machine.is_controller() {
        let words = format!("machine {id} is the controller's own host: it has no agent of its own");
        return Err(Refusal::new(Kind::NotSupported, words));
    }
    if !instance.is_manual() {
        let words =
            format!("machine {id} is instance {:?} of its cloud: no script is needed for it", instance.instance_id);
        return Err(Refusal::new(Kind::NotSupported, words));
    }
    if machine.life != Life::Alive {
        return Err(Refusal::plain(format!("machine {id} is {}", machine.life)));
    }
    if all.enrolment.as_ref().is_some_and(|known| known.bound_key.is_some()) {
        return Err(Refusal::new(Kind::AlreadyExists, format!("machine {id} is provisioned already")));
    }
    issue(beliefs, model, id, token_hash, given)
}

/// A machine shows its token and its public key. Refused as `Unauthorized` (unknown or late), `AlreadyExists` (bound to another key),
/// `NotFound` (the machine is dead or gone).
pub fn bind(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    token_hash: &str,
    key_hash: &str,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    let (all, machine) = within.machine(id)?;
    if machine.life == Life::Dead {
        return Err(Refusal::new(Kind::NotFound, format!("machine {id} is dead")));
    }
    let unknown = || Refusal::new(Kind::Unauthorized, "enrolment token is not valid");
    let read = all.enrolment.as_ref().ok_or_else(unknown)?;
    if !same(&read.token_hash, token_hash) {
        return Err(unknown());
    }
    match &read.bound_key {
        Some(bound) if bound == key_hash => Ok(Decision::nothing(())),
        Some(_) => Err(Refusal::new(Kind::AlreadyExists, "enrolment token is bound to another key")),
        None if read.expires < given.now => Err(unknown().with_context("token expired")),
        None => {
            let mut txn = Txn::new();
            let record = Enrolment { bound_key: Some(key_hash.to_owned()), ..read.to_record() };
            txn.update(key::enrolment(model, id), read, &record);
            Ok(Decision::new(txn, ()))
        }
    }
}

/// An agent has left its host. When its machine was forgotten before, nothing is kept for it any more.
pub fn agent_left(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, _: Given<'_>) -> Result<Decision, Refusal> {
    let mut txn = Txn::new();
    if beliefs.models.get(&model).is_some_and(|within| within.is_left_behind(id)) {
        txn.delete(key::enrolment(model, id));
        txn.guard(key::machine(model, id), Guard::Absent);
    }
    Ok(Decision::new(txn, ()))
}

/// In a time that tells nothing of where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
