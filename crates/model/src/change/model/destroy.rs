//! A model's end, step by step.

use crate::beliefs::{Beliefs, InModel};
use crate::change::credential::try_again;
use crate::change::{Decision, Given, TxnExt, block};
use crate::key::{self, Object};
use crate::record::block::BlockKind;
use crate::record::machine::Removal;
use crate::record::model::Model;
use crate::record::status::{ModelStatus, Status, says};
use base::{Life, ModelUuid, Refusal};
use std::time::Duration;
use store::Txn;

#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyModel {
    pub force: bool,
    pub max_wait: Option<Duration>,
}

/// It is to go, with all that is in it. Asked again with `force`, it goes faster.
pub fn destroy(beliefs: &Beliefs, model: ModelUuid, how: DestroyModel, given: Given<'_>) -> Result<Decision, Refusal> {
    let (within, record) = beliefs.model(model)?;
    if beliefs.controller()?.model_uuid == model {
        return Err(Refusal::plain(
            "cannot destroy model: controller model cannot be destroyed, destroy the controller",
        ));
    }
    block::check(within, BlockKind::Destroy)?;
    if record.status.current == ModelStatus::Suspended && !how.force {
        return Err(Refusal::plain("invalid cloud credential, use --force"));
    }
    let mut txn = Txn::new();
    dying(&mut txn, model, record, how, given);
    machines_dying(&mut txn, model, within, how, given);
    Ok(Decision::new(txn, ()))
}

/// Marks one model as dying; used for a whole controller's end too.
pub(crate) fn dying(
    txn: &mut Txn,
    model: ModelUuid,
    read: &crate::beliefs::Stored<Model>,
    how: DestroyModel,
    given: Given<'_>,
) {
    let mut record = read.to_record();
    record.life = record.life.max(Life::Dying);
    let removal = record.removal.get_or_insert(Removal { asked: given.now, force: false, force_at: None });
    if how.force {
        let at = given.now.plus(how.max_wait.unwrap_or(crate::change::machine::FORCE_WAIT));
        removal.force = true;
        removal.force_at = Some(removal.force_at.map_or(at, |before| before.min(at)));
    }
    if !says(&record.status, ModelStatus::Destroying, &record.status.message) {
        record.status = Status::new(ModelStatus::Destroying, "", given.now);
    }
    if record != **read {
        txn.update(key::model(model), read, &record);
    }
}

/// Room left for the machines of one step.
const MACHINES_A_STEP: usize = 100;

fn machines_dying(txn: &mut Txn, model: ModelUuid, within: &InModel, how: DestroyModel, given: Given<'_>) {
    for (id, _, machine) in within.machines() {
        let mut record = machine.to_record();
        record.life = record.life.max(Life::Dying);
        let removal = record.removal.get_or_insert(Removal { asked: given.now, force: false, force_at: None });
        if how.force && !removal.force {
            removal.force = true;
            removal.force_at = Some(given.now.plus(how.max_wait.unwrap_or(crate::change::machine::FORCE_WAIT)));
        }
        if record != **machine && txn.operations() < MACHINES_A_STEP {
            txn.update(key::machine(model, id), machine, &record);
        }
    }
}

/// Machines of a dying model that do not know yet that they are to go; called again until it answers 0.
pub fn end_machines(beliefs: &Beliefs, model: ModelUuid, given: Given<'_>) -> Result<Decision<usize>, Refusal> {
    let Some(within) = beliefs.models.get(&model) else { return Ok(Decision::nothing(0)) };
    let Some(record) = within.model.as_ref().filter(|record| record.life != Life::Alive) else {
        return Ok(Decision::nothing(0));
    };
    let removal = record.removal.as_ref();
    let force = removal.is_some_and(|removal| removal.force);
    let max_wait = removal.and_then(|removal| removal.force_at).map(|at| at.since(given.now));
    let mut txn = Txn::new();
    machines_dying(&mut txn, model, within, DestroyModel { force, max_wait }, given);
    let marked = txn.operations();
    Ok(Decision::new(txn, marked))
}

/// Deletes what a dead model left, some of it at a time; answers whether all is gone. For the reconciler, once no machine is left and the
/// cloud has given up what the model shared.
pub fn remove_some(beliefs: &Beliefs, model: ModelUuid, _: Given<'_>) -> Result<Decision<bool>, Refusal> {
    let Some(within) = beliefs.models.get(&model) else { return Ok(Decision::nothing(true)) };
    if let Some(record) = within.model.as_ref().filter(|record| record.life == Life::Alive) {
        return Err(Refusal::plain(format!("model {:?} is alive", record.name)));
    }
    if within.machines().next().is_some() {
        return Err(Refusal::plain("model still has machines"));
    }
    let mut keys: Vec<store::Key> = Vec::new();
    keys.extend(within.tasks.keys().map(|id| key::task(model, *id)));
    keys.extend(within.operations.keys().map(|id| key::operation(model, *id)));
    keys.extend(within.annotations.keys().map(|tag| key::annotation(model, tag)));
    keys.extend(within.sequences.keys().map(|what| key::sequence(model, what)));
    keys.extend(within.blocks.keys().map(|kind| key::block(model, *kind)));
    for id in within.machines.keys() {
        keys.extend([key::instance(model, id), key::agent(model, id), key::enrolment(model, id)]);
    }
    keys.extend(beliefs.access_on(&Object::Model(model)).map(|(user, _)| key::access(&Object::Model(model), user)));
    keys.extend(beliefs.logins.keys().filter(|(_, of)| *of == Some(model)).map(|(user, of)| key::login(user, *of)));
    keys.extend([
        key::settings(model),
        key::constraints(model),
        key::keys(model),
        key::network(model),
        key::pools(model),
    ]);
    let mut txn = Txn::new();
    let done = keys.len() <= MACHINES_A_STEP;
    for key in keys.into_iter().take(MACHINES_A_STEP) {
        txn.delete(key);
    }
    if let Some(record) = within.model.as_ref().filter(|_| done) {
        txn.delete(key::model_name(&record.owner, &record.name));
        txn.remove(key::model(model), record.revision);
    }
    Ok(Decision::new(txn, done))
}

/// What the reconcilers say of a model: its end's progress, a cloud that does not answer.
pub fn set_status(
    beliefs: &Beliefs,
    model: ModelUuid,
    current: ModelStatus,
    message: &str,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let Some(read) = beliefs.models.get(&model).and_then(|within| within.model.as_ref()) else {
        return Ok(Decision::nothing(()));
    };
    if says(&read.status, current, message) {
        return Ok(Decision::nothing(()));
    }
    let mut txn = Txn::new();
    let status = Status::new(current, message, given.now);
    txn.update(key::model(model), read, &Model { status, ..read.to_record() });
    Ok(Decision::new(txn, ()))
}

/// Another credential for the model's cloud.
pub fn set_credential(
    beliefs: &Beliefs,
    model: ModelUuid,
    (cloud, owner, name): (&str, &str, &str),
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, read) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let id = (cloud.to_owned(), owner.to_owned(), name.to_owned());
    let Some(credential) = beliefs.credentials.get(&id) else {
        return Err(Refusal::new(
            base::Kind::NotFound,
            format!("cloud credential \"{cloud}/{owner}/{name}\" not found"),
        ));
    };
    if read.cloud != cloud {
        return Err(Refusal::plain(format!("credential {name:?} is for cloud {cloud:?}, not {:?}", read.cloud)));
    }
    let mut txn = Txn::new();
    txn.rests_on(key::credential(cloud, owner, name), credential);
    let mut record = Model { credential: credential.id(), ..read.to_record() };
    if record.status.current == ModelStatus::Suspended && !credential.invalid {
        record.status = Status::new(ModelStatus::Available, "", given.now);
        try_again(&mut txn, within, model);
    }
    txn.update(key::model(model), read, &record);
    Ok(Decision::new(txn, ()))
}
