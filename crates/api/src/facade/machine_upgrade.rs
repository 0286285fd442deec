//! A machine's upgrade to another release: methods of facade `MachineManager`, and `Cancel` of our own facade `MachineUpgrade`.
//! The surprise: the messages of a step are for everybody who watches it, not only for the first who asks, as in Juju.

use super::machine_manager::machine_of;
use crate::call::{Call, Nothing};
use crate::error::{self, IntoItem, item};
use crate::watcher::{Watched, unknown};
use base::{Kind, MachineId, ModelUuid, Refusal};
use model::beliefs::Beliefs;
use model::change::machine::upgrade;
use model::record::upgrade::{Phase, Upgrade};
use std::sync::atomic::{AtomicUsize, Ordering};
use wire::Error;
use wire::facade::machine_manager::*;

/// What one watcher has shown of a machine's upgrade.
pub struct Watch {
    model: ModelUuid,
    machine: MachineId,
    /// Messages that were read.
    read: AtomicUsize,
    /// Messages that `Next` told of, and one: zero before the first.
    told: AtomicUsize,
}

pub async fn prepare(call: Call, params: UpdateChannelArg) -> Result<ErrorResult, Refusal> {
    let model = call.model()?;
    let id = machine_of(&params.tag.tag)?;
    if let Some(phase) = open_phase(&call.read(), model, &id) {
        let held = upgrade::validate(call.read().in_model(model)?, &id, &params.channel, params.force);
        return Ok(ErrorResult { error: held.err().map(|refusal| with_status(&refusal, phase)) });
    }
    let prepared = call
        .state()
        .change(|beliefs, given| upgrade::prepare(beliefs, model, &id, &params.channel, params.force, given));
    whole(prepared.await)
}

pub async fn complete(call: Call, params: UpdateChannelArg) -> Result<ErrorResult, Refusal> {
    let model = call.model()?;
    let id = machine_of(&params.tag.tag)?;
    whole(call.state().change(|beliefs, given| upgrade::complete(beliefs, model, &id, given)).await)
}

/// A block and a lack of permission refuse the call; what is wrong with the machine is in the result.
fn whole(outcome: Result<(), Refusal>) -> Result<ErrorResult, Refusal> {
    match outcome {
        Err(refusal) if refusal.kind() == Kind::Blocked => Err(refusal),
        outcome => Ok(ErrorResult { error: item(outcome) }),
    }
}

/// `info.status` tells clients what to say of it.
fn with_status(refusal: &Refusal, phase: Phase) -> Error {
    let mut info = serde_json::Map::new();
    info.insert("status".into(), phase.to_string().into());
    Error { info: Some(info), ..error::wire(refusal) }
}

/// Checks as `prepare` does, and holds nothing. No machine has units yet.
pub async fn validate(call: Call, params: UpdateChannelArgs) -> Result<UpgradeSeriesUnitsResults, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let within = read.in_model(model)?;
    let one = |arg: &UpdateChannelArg| {
        let valid = machine_of(&arg.tag.tag).and_then(|id| upgrade::validate(within, &id, &arg.channel, arg.force));
        UpgradeSeriesUnitsResult { error: item(valid), unit_names: Vec::new() }
    };
    Ok(UpgradeSeriesUnitsResults { results: params.args.iter().map(one).collect() })
}

pub async fn watch(call: Call, params: Entities) -> Result<NotifyWatchResults, Refusal> {
    let model = call.model()?;
    let one = |entity: &Entity| {
        let machine = machine_of(&entity.tag)?;
        let read = call.read();
        read.in_model(model)?.machine(&machine)?;
        let told_before = of(&read, model, &machine).map_or(0, |upgrade| upgrade.told_before);
        let watch = Watch { model, machine, read: AtomicUsize::new(told_before), told: AtomicUsize::new(0) };
        call.session.watchers.open(Watched::Upgrade(watch))
    };
    let results = params.entities.iter().map(|entity| match one(entity).into_item() {
        Ok(notify_watcher_id) => NotifyWatchResult { notify_watcher_id, error: None },
        Err(error) => NotifyWatchResult { error: Some(error), ..NotifyWatchResult::default() },
    });
    Ok(NotifyWatchResults { results: results.collect() })
}

/// The messages that a watcher's owner has not read yet.
pub async fn messages(call: Call, params: UpgradeSeriesNotificationParams) -> Result<StringsResults, Refusal> {
    let model = call.model()?;
    let one = |param: &UpgradeSeriesNotificationParam| {
        let id = machine_of(&param.entity.tag)?;
        let read = call.read();
        read.in_model(model)?.machine(&id)?;
        let watcher = call.session.watchers.find(&param.watcher_id)?;
        let Watched::Upgrade(watch) = &watcher.kind else { return Err(unknown()) };
        if watch.machine != id || watch.model != model {
            return Err(unknown());
        }
        let all = of(&read, model, &id).map(|upgrade| upgrade.messages.as_slice()).unwrap_or_default();
        let from = watch.read.swap(all.len(), Ordering::Relaxed);
        Ok(all.get(from..).unwrap_or_default().to_vec())
    };
    let results = params.params.iter().map(|param| match one(param).into_item() {
        Ok(result) => StringsResult { result, error: None },
        Err(error) => StringsResult { error: Some(error), ..StringsResult::default() },
    });
    Ok(StringsResults { results: results.collect() })
}

/// Puts machines that were prepared back in service.
pub async fn cancel(call: Call, params: Entities) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::with_capacity(params.entities.len());
    for entity in &params.entities {
        let outcome = match machine_of(&entity.tag) {
            Ok(id) => call.state().change(|beliefs, given| upgrade::cancel(beliefs, model, &id, given)).await,
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(outcome) });
    }
    Ok(ErrorResults { results })
}

impl Watch {
    /// Returns when there is something to read; refused as stopped when nothing more will come.
    pub async fn next(&self, call: &Call) -> Result<Nothing, Refusal> {
        let stopped = || Refusal::new(Kind::Stopped, "watcher has been stopped");
        let mut changes = call.state().view().changes();
        loop {
            let now = {
                let read = call.read();
                of(&read, self.model, &self.machine).map(|upgrade| (upgrade.messages.len() + 1, upgrade.phase))
            };
            // None: it was cancelled, or the machine is gone.
            let Some((count, phase)) = now else { return Err(stopped()) };
            if self.told.swap(count, Ordering::Relaxed) != count {
                return Ok(Nothing {});
            }
            if phase.is_quiet() || changes.next().await.is_err() {
                return Err(stopped());
            }
        }
    }
}

fn of<'a>(beliefs: &'a Beliefs, model: ModelUuid, id: &MachineId) -> Option<&'a Upgrade> {
    beliefs.models.get(&model)?.machines.get(id)?.machine.as_ref()?.upgrade.as_deref()
}

fn open_phase(beliefs: &Beliefs, model: ModelUuid, id: &MachineId) -> Option<Phase> {
    of(beliefs, model, id).filter(|upgrade| upgrade.is_open()).map(|upgrade| upgrade.phase)
}
