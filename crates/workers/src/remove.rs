//! Ends machines: waits for their agents to have stopped, stops their instances, and forgets them, in this order.
//! It must not know any cloud. The surprise: the record outlives the instance, always; only a forced removal whose time is over forgets a
//! machine whose cloud did not confirm, and says so in the log.
//!
//! ```text
//!   dying --(no task runs there, or its time is over)--> dead: its agent is told, and ends --(cloud: it is gone)--> forgotten
//!     |                                                               |   (a host that was taken in: its agent: I am gone)
//!     |                                                               |  ^
//!     |                                                               +--+ cannot stop: the reason is on the record, again at next_try
//!     +--------(forced, and its time is over)--------------------------------------------------> forgotten
//!
//!   an instance that is kept is let go rather than stopped, and one that the model's harvest mode spares is left alone; all else is the same
//! ```

mod after;

use std::collections::HashSet;
use std::time::Duration;

use base::clock::Time;
use base::{Life, MachineId};
use cloud::{Cloud, Error, InstanceId, ModelRef, Retry};
use model::beliefs::{AMachine, Beliefs, InModel};
use model::change::{machine, start};
use model::presence::Presence;
use model::record::instance::{self, Instance};
use model::record::machine::{FAREWELL, Machine};
use model::record::status::AgentStatus;
use model::settings;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::parts::Parts;
use crate::place::{self, Place};
use after::After;
use cloud::turn::Turns;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A cloud that has not stopped an instance by then is asked again.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Remove {
    parts: Parts,
    turns: Turns<Place>,
}

impl Remove {
    pub(crate) fn new(parts: Parts, turns: Turns<Place>) -> Self {
        Remove { parts, turns }
    }
}

impl Worker for Remove {
    type Item = Place;

    fn name(&self) -> &'static str {
        "remove"
    }

    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<Place> {
        decide(beliefs, self.parts.state.presence(), now)
    }

    async fn act(&self, place: Place) -> Result<(), Failure> {
        let work = async {
            let _turn = self.turns.take(&place).await;
            self.end(&place).await
        };
        tokio::select! {
            done = work => done,
            () = self.time_is_over(&place) => {
                let after = After::of(&self.parts, &place);
                self.give_up(&place, "its cloud did not answer in time").await?;
                if let Some(after) = after {
                    after.go_on(self.turns.clone(), place);
                }
                Ok(())
            }
        }
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 32, slow_after: Duration::from_secs(30), give_up_after: PATIENCE * 2, ..Pace::default() }
    }
}

/// Machines to end now.
pub fn decide(beliefs: &Beliefs, presence: &Presence, now: Time) -> Decision<Place> {
    let mut decision = Decision::default();
    for (within, model) in beliefs.models() {
        let mut busy: Option<HashSet<&MachineId>> = None;
        for (id, whole, machine) in within.machines() {
            // The controller's own machine goes with the controller.
            if machine.life == Life::Alive || machine.is_controller() {
                continue;
            }
            let place = Place { model: model.uuid, machine: id.clone() };
            // Looked for only where something dies: tasks are many.
            let is_busy = busy.get_or_insert_with(|| open_tasks(within)).contains(id);
            match due(within, whole, machine, is_busy && presence.is_connected(model.uuid, id), now) {
                Due::Now => decision.due.push(place),
                Due::At(time) => decision.at(time),
                Due::OnNews => {}
            }
        }
    }
    decision
}

/// Machines with tasks that have no outcome.
fn open_tasks(within: &InModel) -> HashSet<&MachineId> {
    within.tasks.values().filter(|task| !task.status.is_final()).map(|task| &task.machine).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Time),
    /// Something else must change first.
    OnNews,
}

fn due(within: &InModel, whole: &AMachine, machine: &Machine, at_work: bool, now: Time) -> Due {
    let removal = machine.removal.as_ref();
    let force_at = removal.and_then(|removal| removal.force_at);
    let forced = removal.is_some_and(|removal| removal.force);
    // Containers go first, whatever happens: their records would name a host that nobody knows.
    if within.under(&machine.id).next().is_some() {
        return Due::OnNews;
    }
    if force_at.is_some_and(|at| at <= now) {
        return Due::Now;
    }
    let earliest = |time: Time| Due::At(force_at.map_or(time, |at| at.min(time)));
    if let Some(next) = whole.instance.as_deref().and_then(|instance| stopping_again(instance, now)) {
        return earliest(next);
    }
    if machine.life == Life::Dead && whole.instance.as_deref().is_some_and(is_leaving) && !has_left(whole) {
        return force_at.map_or(Due::OnNews, Due::At);
    }
    let stopped = whole.agent.as_ref().is_some_and(|agent| agent.status.current == AgentStatus::Stopped);
    if machine.life == Life::Dying && at_work && !stopped && !forced {
        let patience = removal.map_or(machine.created, |removal| removal.asked).plus(FAREWELL);
        if patience > now {
            return earliest(patience);
        }
    }
    Due::Now
}

fn is_leaving(instance: &Instance) -> bool {
    instance.is_manual() && instance.provisioning.step == start::LEAVING
}

/// Whether nothing of ours is on a host that was taken in: its agent never came, or said that it has left. One that comes after all is told
/// that its machine is dead, and leaves then.
fn has_left(whole: &AMachine) -> bool {
    whole.agent.as_ref().is_none_or(|agent| agent.has_left || agent.status.current == AgentStatus::Pending)
}

/// When a stop that failed is tried again, if that is still to come.
fn stopping_again(instance: &Instance, now: Time) -> Option<Time> {
    (instance.provisioning.step == start::STOPPING).then(|| instance.provisioning.waits_until(now))?
}

impl Remove {
    /// Returns when a forced removal's time is over, also when it was forced only meanwhile.
    async fn time_is_over(&self, place: &Place) {
        let mut changes = self.parts.state.view().changes();
        // A moment is granted in any case: most clouds need no more.
        let moment = self.parts.state.now().plus(Duration::from_secs(1));
        loop {
            let left = self.force_at(place).map(|at| at.max(moment).since(self.parts.state.now()));
            match left {
                Some(left) if left.is_zero() => return,
                Some(left) => tokio::time::sleep(left).await,
                None if changes.next().await.is_ok() => {}
                None => std::future::pending().await,
            }
        }
    }

    fn force_at(&self, place: &Place) -> Option<Time> {
        let beliefs = self.parts.state.read();
        let machine = beliefs.models.get(&place.model)?.machines.get(&place.machine)?.machine.clone()?;
        machine.removal.as_ref()?.force_at
    }

    async fn give_up(&self, place: &Place, why: &str) -> Result<(), Failure> {
        tracing::warn!(%place, "forced removal: forgotten before its cloud confirmed that it is gone: {why}");
        self.forget(place).await
    }

    async fn end(&self, place: &Place) -> Result<(), Failure> {
        let Place { model, machine: id } = place;
        self.parts.state.change(|beliefs, given| machine::mark_dead(beliefs, *model, id, given)).await?;
        let beliefs = self.parts.state.read();
        let Some(whole) = beliefs.models.get(model).and_then(|within| within.machines.get(id)).cloned() else {
            return Ok(());
        };
        let keep = whole.machine.as_ref().is_some_and(|machine| machine.keep_instance);
        if whole.instance.as_deref().is_some_and(Instance::is_manual) {
            return match whole.machine.is_none() || has_left(&whole) {
                true => self.forget(place).await,
                false if self.force_at(place).is_some_and(|at| at <= self.parts.state.now()) => {
                    self.give_up(place, "its agent did not say that it has left").await
                }
                false => {
                    Ok(self.parts.state.change(|beliefs, given| start::leaving(beliefs, *model, id, given)).await?)
                }
            };
        }
        // Of a start that was never over there is nothing to keep, whatever the mode.
        let runs_on = beliefs.models.get(model).is_some_and(|within| !settings::harvest(within).destroyed)
            && whole.instance.as_deref().is_some_and(Instance::is_provisioned)
            && !keep;
        if runs_on {
            tracing::info!(%place, "its instance runs on: the model's provisioner-harvest-mode says so");
        } else if may_have_one(&whole) {
            let stopped = match place::cloud_of(&beliefs, &self.parts.clouds, *model) {
                Ok((cloud, told)) => {
                    let known = whole.instance.as_deref();
                    let stop = async {
                        // Of a start that is not over yet there is nothing to keep.
                        match known.filter(|instance| keep && instance.is_provisioned()) {
                            Some(kept) => {
                                let (id, farewell) =
                                    (InstanceId(kept.instance_id.clone()), self.parts.outfit.farewell());
                                if is_anothers(&*cloud, &told, place, &id).await? {
                                    return Ok(());
                                }
                                cloud.release_instance(&told.controller, &id, &farewell).await
                            }
                            None => stop(&*cloud, &told, place, known).await,
                        }
                    };
                    let patient = tokio::time::timeout(PATIENCE, stop).await;
                    patient
                        .unwrap_or_else(|_| Err(Error::transient(format!("no answer from the cloud in {PATIENCE:?}"))))
                }
                Err(words) => Err(Error::permanent(words)),
            };
            if let Err(error) = stopped {
                if self.force_at(place).is_some_and(|at| at <= self.parts.state.now()) {
                    return self.give_up(place, &error.to_string()).await;
                }
                let attempts =
                    whole.instance.as_deref().map_or(0, |instance| match instance.provisioning.step.as_str() {
                        start::STOPPING => instance.provisioning.attempts,
                        _ => 0,
                    });
                return self.note(place, &error, attempts).await;
            }
        }
        self.forget(place).await
    }

    async fn forget(&self, place: &Place) -> Result<(), Failure> {
        let Place { model, machine: id } = place;
        let read = self.parts.state.read();
        let known = read.models.get(model).and_then(|within| within.machines.get(id)?.instance.clone());
        if known.is_some_and(|instance| instance.first_boot) {
            let forgotten = self.parts.kept.forget_first_boot(*model, id).await;
            forgotten.map_err(|words| Failure::new(format!("cannot forget what its instance printed: {words}")))?;
        }
        Ok(self.parts.state.change(|beliefs, given| machine::remove_record(beliefs, *model, id, given)).await?)
    }

    /// Writes down why the instance is still there. Nobody else can help, so it is tried for ever.
    async fn note(&self, place: &Place, error: &Error, attempts: u32) -> Result<(), Failure> {
        let Place { model, machine: id } = place;
        let own = FIRST_PAUSE.saturating_mul(1 << attempts.min(16)).min(LONGEST_PAUSE);
        let pause = match error.retry() {
            Retry::After(Some(asked)) => asked.min(instance::LONGEST_PAUSE),
            Retry::After(None) => own,
            Retry::Never => own.max(FIRST_PAUSE * 8),
        };
        tracing::warn!(%place, again_in = ?pause, "instance was not stopped: {error}");
        let change = self.parts.state.change(|beliefs, given| {
            start::not_stopped(beliefs, *model, id, &error.to_string(), given.now.plus(pause), given)
        });
        Ok(change.await?)
    }
}

/// Whether anything can be in the cloud for it: a start that began may have made something that was never written down.
fn may_have_one(whole: &AMachine) -> bool {
    let tried = |instance: &Instance| instance.is_provisioned() || !instance.provisioning.is_idle();
    whole.instance.as_deref().is_some_and(tried) || whole.enrolment.is_some()
}

/// Whether the cloud knows an instance as another machine's. Ids come from users too, who may add a machine that is there already.
async fn is_anothers(cloud: &dyn Cloud, told: &ModelRef, place: &Place, id: &InstanceId) -> Result<bool, Error> {
    let machine = place.machine.as_str();
    if id.0 == cloud::instance_name(&told.model, machine) {
        return Ok(false);
    }
    let all = cloud.instances(&told.controller).await?;
    let known = all.iter().find(|one| one.id == *id);
    Ok(known.is_some_and(|one| one.model != told.model || one.machine != machine))
}

async fn stop(cloud: &dyn Cloud, told: &ModelRef, place: &Place, instance: Option<&Instance>) -> Result<(), Error> {
    if let Some(known) = instance.filter(|instance| instance.is_provisioned()) {
        let known = InstanceId(known.instance_id.clone());
        return match is_anothers(cloud, told, place, &known).await? {
            true => Ok(()),
            false => cloud.stop_instance(&told.controller, &known).await,
        };
    }
    let id = place.machine.as_str();
    let all = cloud.instances(&told.controller).await?;
    for one in all.iter().filter(|one| one.model == told.model && one.machine == id) {
        cloud.stop_instance(&told.controller, &one.id).await?;
    }
    // Most clouds take our names for ids: such a one ends a start that it has not shown yet, to others this is nobody.
    cloud.stop_instance(&told.controller, &InstanceId(cloud::instance_name(&told.model, id))).await?;
    Ok(())
}
