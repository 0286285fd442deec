//! Starts instances for machines that have none.
//! It must not know any cloud. The surprise: a start that failed is no failure of this worker. It is written on the record, in words and with the
//! time of the next try, and the decision is made from there; so the tries go on being counted over a restart.
//! The states are drawn in `model/change/start.rs`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::clock::Time;
use base::{MachineId, ModelUuid};
use cloud::{Cloud, Error, Progress, Retry, StartRequest, Started, instance_name};
use model::beliefs::Beliefs;
use model::change::start::{self, Failed, Running};
use model::query::zones;
use model::record::instance::{self, Instance};
use model::settings;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::identity::token_hash;
use crate::parts::{Newcomer, Parts};
use crate::place::{self, Place};
use cloud::turn::Turns;

/// A first try and ten more, as Juju has it.
const TRIES: u32 = 11;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A cloud that has not answered by then is taken for one that will not.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a start whose machine is to go is waited for.
const LAST_MOMENT: Duration = Duration::from_secs(60);
/// Steps that are over sooner are not worth a write.
const WORTH_SAYING: Duration = Duration::from_millis(300);

pub struct Provision {
    parts: Parts,
    turns: Turns<Place>,
    /// Models whose shared things were made. Losing it costs a call that finds nothing to do.
    prepared: Prepared,
    /// Held while a zone is chosen and noted: the next choice is to see it.
    spreads: tokio::sync::Mutex<()>,
}

/// A start that failed.
struct Fell {
    error: Error,
    /// What the instance printed before it was given up.
    printed: String,
    /// Another zone may do better.
    in_zone: bool,
}

type Prepared = Arc<Mutex<HashSet<ModelUuid>>>;

impl Provision {
    pub(crate) fn new(parts: Parts, turns: Turns<Place>) -> Self {
        Provision { parts, turns, prepared: Prepared::default(), spreads: tokio::sync::Mutex::default() }
    }
}

impl Worker for Provision {
    type Item = Place;

    fn name(&self) -> &'static str {
        "provision"
    }

    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<Place> {
        decide(beliefs, now)
    }

    async fn act(&self, place: Place) -> Result<(), Failure> {
        let _turn = self.turns.take(&place).await;
        let Place { model, machine } = &place;
        let token = self.parts.root.token(*model, machine);
        let hash = token_hash(&token);
        let (learned, zones) = self.learned_zones(*model).await;
        let begun = {
            let _spreads = if zones.is_empty() { None } else { Some(self.spreads.lock().await) };
            let begin = |beliefs: &Beliefs, given: model::Given<'_>| {
                start::begin(beliefs, *model, machine, &hash, &zones, given)
            };
            self.parts.state.change(begin).await?
        };
        let Some(begun) = begun else { return Ok(()) };
        let used = place::cloud_of(&self.parts.state.read(), &self.parts.clouds, *model).ok();
        let outcome = match learned.and_then(|()| self.request(&place, &zones)) {
            Ok((cloud, request)) => {
                let wanted = Arc::new(AtomicBool::new(true));
                let start = self.start(&*cloud, &request, &place, &wanted);
                let mut start = std::pin::pin!(start);
                let outcome = tokio::select! {
                    outcome = &mut start => outcome,
                    // A cloud may go on with what it began though nobody listens, so it is given time to end; what it made, `remove` finds.
                    () = self.unwanted(&place) => {
                        wanted.store(false, Ordering::Relaxed);
                        let said = self.parts.state.change(|beliefs, given| {
                            start::unwanted(beliefs, *model, machine, given)
                        });
                        let (_, said) = tokio::join!(tokio::time::timeout(LAST_MOMENT, start), said);
                        return Ok(said?);
                    }
                };
                outcome.map(|started| (cloud.clone(), request.clone(), started))
            }
            Err(error) => Err(Fell { error, printed: String::new(), in_zone: false }),
        };
        match outcome {
            Ok((cloud, request, started)) => self.keep(&place, &*cloud, &request, started).await,
            Err(fell) => self.note(&place, &fell, &begun, &zones, used.map(|(cloud, _)| cloud)).await,
        }
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 16, slow_after: Duration::from_secs(60), give_up_after: PATIENCE * 2, ..Pace::default() }
    }
}

/// Machines to start, those first that were tried least often.
pub fn decide(beliefs: &Beliefs, now: Time) -> Decision<Place> {
    let mut decision = Decision::default();
    let mut due = Vec::new();
    for (within, model) in beliefs.models() {
        for (id, whole, machine) in within.machines() {
            let Some(instance) = &whole.instance else { continue };
            match start::is_due(machine, instance, now) {
                Ok(false) => {}
                Ok(true) if !host_is_there(within, id) => {}
                Ok(true) => {
                    due.push((instance.provisioning.attempts, Place { model: model.uuid, machine: id.clone() }))
                }
                Err(next) => decision.at(next),
            }
        }
    }
    due.sort();
    decision.due = due.into_iter().map(|(_, place)| place).collect();
    decision
}

/// A container needs its host first.
fn host_is_there(within: &model::beliefs::InModel, id: &MachineId) -> bool {
    let Some(host) = id.parent() else { return true };
    let host = within.machines.get(&host).and_then(|host| host.instance.as_ref());
    host.is_some_and(|instance| instance.is_provisioned())
}

impl Provision {
    /// Those of a model's cloud. One that was not asked yet since the controller began is asked first: else a wish for a zone would come to nothing.
    async fn learned_zones(&self, model: ModelUuid) -> (Result<(), Error>, Vec<String>) {
        let cloud = place::cloud_of(&self.parts.state.read(), &self.parts.clouds, model);
        // That there is none is told by whoever asks for a machine.
        let Ok((cloud, _)) = cloud else { return (Ok(()), Vec::new()) };
        let known = cloud.zones();
        if !known.is_empty() {
            return (Ok(()), known);
        }
        (cloud.learn_zones().await, cloud.zones())
    }

    /// What the cloud is asked for.
    fn request(&self, place: &Place, zones: &[String]) -> Result<(Arc<dyn Cloud>, StartRequest), Error> {
        let Place { model, machine: id } = place;
        let beliefs = self.parts.state.read();
        // A credential may come at any time.
        let (cloud, told) = place::cloud_of(&beliefs, &self.parts.clouds, *model).map_err(Error::transient)?;
        let words = |refusal: base::Refusal| Error::permanent(refusal.words());
        let controller = beliefs.controller().map_err(words)?;
        let (within, _) = beliefs.model(*model).map_err(words)?;
        let (whole, machine) = within.machine(id).map_err(words)?;
        zones::order(within, zones, machine).map_err(Error::permanent)?;
        let zone = whole.instance.as_ref().map(|instance| instance.provisioning.zone.clone());
        cloud.check_constraints(&machine.constraints)?;
        cloud.check_disks(&machine.disks)?;
        let parent = id.parent().and_then(|host| within.machines.get(&host)?.instance.as_ref());
        let token = self.parts.root.token(*model, id);
        let outfit = self.parts.outfit.outfit(&Newcomer { controller, model: *model, machine: id, token: &token });
        let request = StartRequest {
            model: told,
            machine: id.to_string(),
            name: instance_name(&model.to_string(), id.as_str()),
            base: machine.base.to_string(),
            parent: parent.map(|host| cloud::InstanceId(host.instance_id.clone())),
            constraints: machine.constraints.clone(),
            disks: machine.disks.clone(),
            zone: zone.filter(|zone| !zone.is_empty()),
            files: outfit.files,
            agent: outfit.agent,
            heir: outfit.heir,
            authorized_keys: within.keys.as_ref().map(|keys| keys.0.clone()).unwrap_or_default(),
            user_data: settings::cloud_init(&settings::text(within, settings::CLOUD_INIT)).map_err(words)?,
            tags: settings::tags(within.settings.as_ref().and_then(|set| set.0.get("resource-tags"))),
            host_keys: self.parts.root.host_keys(*model, id),
        };
        Ok((cloud, request))
    }

    async fn start(
        &self,
        cloud: &dyn Cloud,
        request: &StartRequest,
        place: &Place,
        wanted: &Arc<AtomicBool>,
    ) -> Result<Started, Fell> {
        let (said, mut heard) = tokio::sync::watch::channel(String::new());
        let (prints, printed) = tokio::sync::watch::channel(String::new());
        let progress = Progress::new(move |message| {
            said.send_replace(message.to_owned());
        });
        let progress = progress.and_printed(move |console| {
            prints.send_replace(console.to_owned());
        });
        let progress = progress.while_wanted(wanted.clone());
        // What hangs after the model is prepared hangs in the zone.
        let starting = AtomicBool::new(false);
        let work = async {
            if !self.is_prepared(place.model) {
                cloud.prepare_model(&request.model).await.map_err(|error| (error, false))?;
                self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(place.model);
            }
            starting.store(request.zone.is_some(), Ordering::Relaxed);
            cloud.start_instance(request, &progress).await.map_err(|error| {
                let in_zone = request.zone.is_some() && is_of_a_zone(&error);
                (error, in_zone)
            })
        };
        let mut work = std::pin::pin!(tokio::time::timeout(PATIENCE, work));
        let outcome = loop {
            tokio::select! {
                outcome = &mut work => break outcome,
                () = tokio::time::sleep(WORTH_SAYING) => {}
            }
            if heard.has_changed().unwrap_or(false) {
                let message = heard.borrow_and_update().clone();
                let Place { model, machine } = place;
                let noted = self
                    .parts
                    .state
                    .change(|beliefs, given| start::progress(beliefs, *model, machine, &message, given));
                // The start goes on while this is written; a write that fails costs a line of status.
                tokio::select! {
                    outcome = &mut work => break outcome,
                    _ = noted => {}
                }
            }
        };
        let outcome = outcome.unwrap_or_else(|_| {
            let error = Error::transient(format!("no answer from the cloud in {PATIENCE:?}"));
            Err((error, starting.load(Ordering::Relaxed)))
        });
        if outcome.is_err() {
            // What the model shares may be what is broken.
            self.prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(&place.model);
        }
        outcome.map_err(|(error, in_zone)| Fell { error, printed: printed.borrow().clone(), in_zone })
    }

    fn is_prepared(&self, model: ModelUuid) -> bool {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).contains(&model)
    }

    /// Returns when the machine is to be started no more.
    async fn unwanted(&self, place: &Place) {
        let mut changes = self.parts.state.view().changes();
        while let Ok(state) = changes.next().await {
            let machine =
                state.projection().models.get(&place.model).and_then(|within| within.machines.get(&place.machine));
            let wanted = machine
                .and_then(|whole| whole.machine.as_ref())
                .is_some_and(|machine| machine.life == base::Life::Alive);
            if !wanted {
                return;
            }
        }
        std::future::pending().await
    }

    /// The instance is there: it is written down, or, if its machine went meanwhile, stopped.
    async fn keep(
        &self,
        place: &Place,
        cloud: &dyn Cloud,
        request: &StartRequest,
        started: Started,
    ) -> Result<(), Failure> {
        let mut hardware = started.hardware;
        hardware.availability_zone = hardware.availability_zone.or_else(|| request.zone.clone());
        let running = Running {
            instance_id: started.id.0.clone(),
            display_name: started.display_name,
            hardware,
            addresses: started.addresses.iter().map(place::address).collect(),
            disks: started.disks,
            message: "Running".into(),
            ssh_host_keys: request.host_keys.iter().map(|key| key.public.clone()).collect(),
        };
        let Place { model, machine } = place;
        let kept =
            self.parts.state.change(|beliefs, given| start::started(beliefs, *model, machine, &running, given)).await?;
        if !kept {
            let stopped = cloud.stop_instance(&request.model.controller, &started.id).await;
            stopped.map_err(|error| {
                Failure::new(format!("cannot stop instance {} of a machine that is gone: {error}", started.id))
            })?;
        }
        Ok(())
    }

    /// Writes down how a start failed, and when it is tried again.
    async fn note(
        &self,
        place: &Place,
        fell: &Fell,
        begun: &Instance,
        zones: &[String],
        used: Option<Arc<dyn Cloud>>,
    ) -> Result<(), Failure> {
        let Place { model, machine } = place;
        let Fell { error, printed, in_zone } = fell;
        let (attempts, zone) = (begun.provisioning.attempts, &begun.provisioning.zone);
        let printed = !printed.is_empty() && self.is_kept(place, printed).await;
        let (failed_zones, in_another_zone) = match in_zone {
            true => self.another_zone(place, begun, zones),
            false => (begun.provisioning.failed_zones.clone(), false),
        };
        let is_denied = matches!(error, Error::Denied { .. });
        let is_outdated = match used.filter(|_| is_denied) {
            Some(cloud) => !self.stands(*model, &cloud).await?,
            None => false,
        };
        let pause = match () {
            () if is_outdated => Some(FIRST_PAUSE),
            () if is_denied => Some(LONGEST_PAUSE),
            () if in_another_zone => Some(FIRST_PAUSE),
            () => pause(error, attempts),
        };
        tracing::warn!(%place, attempts, again = pause.is_some(), "instance did not start: {error}");
        let change = self.parts.state.change(|beliefs, given| {
            let mut message = match pause {
                Some(pause) if in_another_zone => format!(
                    "failed to start machine {machine} in zone {zone:?}, retrying in {}s with new availability zone: {error}",
                    pause.as_secs()
                ),
                Some(pause) if is_denied => {
                    format!("failed to start machine {machine} ({error}), retrying in {}s", pause.as_secs())
                }
                Some(pause) => format!(
                    "failed to start machine {machine} ({error}), retrying in {}s ({} more attempts)",
                    pause.as_secs(),
                    TRIES - attempts
                ),
                None => error.to_string(),
            };
            if printed {
                message.push_str(&format!("; first-boot log: show-machine {machine} --first-boot-log"));
            }
            let next_try = pause.map(|pause| given.now.plus(pause));
            let (error, failed_zones) = (error.to_string(), failed_zones.clone());
            let uncounted = in_another_zone || is_denied;
            let failed = Failed { message, error, next_try, printed, failed_zones, uncounted };
            start::failed(beliefs, *model, machine, &failed, given)
        });
        Ok(change.await?)
    }
}

impl Provision {
    /// The zones in which a start has failed by now, and whether there is one left. When there is none all are tried again.
    fn another_zone(&self, place: &Place, begun: &Instance, zones: &[String]) -> (Vec<String>, bool) {
        let mut begun = begun.clone();
        let work = &mut begun.provisioning;
        work.failed_zones.push(work.zone.clone());
        let read = self.parts.state.read();
        let order = read.in_model(place.model).and_then(|within| {
            let (_, machine) = within.machine(&place.machine)?;
            Ok(zones::order(within, zones, machine).unwrap_or_default())
        });
        match zones::next(&order.unwrap_or_default(), &begun) {
            Some(_) => (begun.provisioning.failed_zones, true),
            None => (Vec::new(), false),
        }
    }

    /// A cloud did not allow a start. False: it was opened with an old credential, and the one that is there now may well allow it.
    async fn stands(&self, model: ModelUuid, refused: &Arc<dyn Cloud>) -> Result<bool, Failure> {
        let read = self.parts.state.read();
        let controller = read.controller()?.uuid.clone();
        // Is it the credential as such, or may it just not do this?
        match tokio::time::timeout(LAST_MOMENT, refused.instances(&controller)).await {
            Ok(Err(error @ Error::Denied { .. })) => Ok(place::denied(&self.parts, model, refused, &error).await?),
            Ok(_) | Err(_) => {
                let now = place::cloud_of(&self.parts.state.read(), &self.parts.clouds, model);
                Ok(now.is_ok_and(|(cloud, _)| Arc::ptr_eq(&cloud, refused)))
            }
        }
    }

    /// Keeps what an instance printed. A log that cannot be kept must not keep the failure itself from being told.
    async fn is_kept(&self, place: &Place, printed: &str) -> bool {
        let now = self.parts.state.now();
        let kept = self.parts.kept.keep_first_boot(place.model, &place.machine, printed, now).await;
        if let Err(words) = &kept {
            tracing::warn!(%place, "what the instance printed is lost: {words}");
        }
        kept.is_ok()
    }
}

/// Whether it may go better in another zone: what was wished for and how often one asks is the same everywhere.
fn is_of_a_zone(error: &Error) -> bool {
    match error {
        Error::Transient { .. } | Error::Permanent { .. } | Error::NotFound { .. } => true,
        Error::Throttled { .. } | Error::Denied { .. } | Error::Unmet { .. } => false,
    }
}

/// How long until the next try; `None`: there is none.
fn pause(error: &Error, attempts: u32) -> Option<Duration> {
    if attempts >= TRIES {
        return None;
    }
    match error.retry() {
        Retry::After(Some(asked)) => Some(asked.min(instance::LONGEST_PAUSE)),
        Retry::After(None) => {
            Some(FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE))
        }
        Retry::Never => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_grow_apart_and_end() {
        let check = |error: Error, attempts, seconds: Option<u64>| {
            assert_eq!(pause(&error, attempts), seconds.map(Duration::from_secs), "{error} {attempts}");
        };
        check(Error::transient("busy"), 1, Some(2));
        check(Error::transient("busy"), 2, Some(4));
        check(Error::transient("busy"), 9, Some(60));
        check(Error::transient("busy"), 11, None);
        check(Error::Throttled { detail: "slow".into(), after: Some(Duration::from_secs(7)) }, 5, Some(7));
        check(Error::Throttled { detail: "slow".into(), after: Some(Duration::from_secs(86_400)) }, 5, Some(900));
        check(Error::permanent("no"), 1, None);
        check(Error::unmet("mem", "no"), 1, None);
    }
}
