//! Asks clouds what has become of the instances, and notes what changed.
//! It must not know any cloud. An instance that nobody knows is reported as a leak and left alone, since after a restored backup it may be
//! somebody's machine; only where the model's harvest mode says so it is stopped. The surprise: a cloud is asked about all its instances at once, so a thousand machines cost one call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::clock::Time;
use base::{Life, MachineId, ModelUuid};
use cloud::{Cloud, Clouds, InstanceInfo};
use model::beliefs::{AMachine, Beliefs};
use model::change::credential;
use model::change::start::{self, Observed};
use model::query::leaks::{self, Marks, Views};
use model::record::instance::Instance;
use model::record::status::{AgentStatus, InstanceStatus};
use model::settings;
use tokio::time::Instant;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::parts::Parts;
use crate::place;

/// While something is on its way.
const OFTEN: Duration = Duration::from_secs(3);
const SOMETIMES: Duration = Duration::from_secs(60);
/// When all is as it should be: how long a machine that died by itself may go unseen.
const SELDOM: Duration = Duration::from_secs(30);
/// A cloud that has not stopped an instance by then is asked again with the next pass.
const PATIENCE: Duration = Duration::from_secs(60);
/// A machine that is not settled by then is no news any more.
const NEWS: Duration = Duration::from_secs(120);

pub struct Poll {
    parts: Parts,
    /// When each cloud was asked last, by a clock that nobody sets. Losing it costs a call.
    asked: Mutex<HashMap<String, Instant>>,
    leaks: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Poll {
    pub(crate) fn new(parts: Parts) -> Self {
        Poll { parts, asked: Mutex::default(), leaks: Mutex::default() }
    }

    /// Instances that bear this controller's mark and belong to no machine, by cloud, as of the last poll.
    pub fn leaks(&self) -> BTreeMap<String, Vec<String>> {
        self.leaks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Worker for Poll {
    /// A cloud, by its key.
    type Item = String;

    fn name(&self) -> &'static str {
        "poll"
    }

    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut decision = Decision::default();
        for (cloud, pace) in paces(beliefs, now, &self.parts.clouds) {
            match asked.get(&cloud).map(|last| pace.saturating_sub(last.elapsed())) {
                Some(left) if !left.is_zero() => decision.at(now.plus(left)),
                _ => decision.due.push(cloud),
            }
        }
        decision
    }

    async fn act(&self, name: String) -> Result<(), Failure> {
        let state = &self.parts.state;
        let now = Instant::now();
        let Some(cloud) = self.parts.clouds.get(&name) else { return Ok(()) };
        let before = state.read();
        let controller = before.controller()?.uuid.clone();
        let seen = cloud.instances(&controller).await;
        self.note_access(&name, &cloud, &before, &seen).await?;
        let seen = seen.map_err(|error| Failure::new(format!("cannot list instances: {error}")))?;
        let marks: HashMap<(&str, &str, &str), &InstanceInfo> =
            seen.iter().map(|one| ((one.model.as_str(), one.machine.as_str(), one.id.0.as_str()), one)).collect();
        for (within, model) in
            before.models().filter(|(_, model)| self.parts.clouds.key(model.account()).as_ref() == Some(&name))
        {
            let uuid = model.uuid.to_string();
            for (id, whole, _) in within.machines() {
                // What was not provisioned before the cloud was asked may well be missing from its answer.
                let Some(observed) =
                    observe(whole, |instance| marks.get(&(uuid.as_str(), id.as_str(), instance)).copied())
                else {
                    continue;
                };
                let model: ModelUuid = model.uuid;
                state.change(|beliefs, given| start::observed(beliefs, model, id, &observed, given)).await?;
            }
        }
        let unknown = self.harvest(&*cloud, &controller, self.unknown(&before, &seen)).await;
        let stopped = stopped(&before, &seen);
        for (model, machine) in &stopped {
            tracing::warn!(%model, "machine {machine} has stopped by itself; its cloud is asked to start it again");
        }
        if !stopped.is_empty() {
            let restored = cloud.restore(&controller).await;
            restored.map_err(|error| Failure::new(format!("cannot start stopped instances again: {error}")))?;
        }
        self.note_leaks(&name, unknown?);
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name, now);
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace {
            at_once: 4,
            slow_after: Duration::from_secs(20),
            give_up_after: Duration::from_secs(120),
            ..Pace::default()
        }
    }
}

/// Machines that should run and, as their cloud says, are there and do not.
fn stopped(beliefs: &Beliefs, seen: &[InstanceInfo]) -> Vec<(ModelUuid, MachineId)> {
    let should_run = |one: &InstanceInfo| {
        let (model, machine) = (one.model.parse::<ModelUuid>().ok()?, one.machine.parse::<MachineId>().ok()?);
        let whole = beliefs.models.get(&model)?.machines.get(&machine)?;
        let instance = whole.instance.as_ref().filter(|instance| instance.instance_id == one.id.0)?;
        (instance.is_provisioned() && whole.machine.as_ref()?.life == Life::Alive).then_some((model, machine))
    };
    seen.iter().filter(|one| one.status == cloud::InstanceStatus::Stopped).filter_map(should_run).collect()
}

/// How often each cloud that is used is to be asked.
fn paces(beliefs: &Beliefs, now: Time, clouds: &Clouds) -> BTreeMap<String, Duration> {
    let mut paces = BTreeMap::new();
    for (within, model) in beliefs.models() {
        let Some(key) = clouds.key(model.account()) else { continue };
        let pace = paces.entry(key).or_insert(SELDOM);
        for (_, whole, machine) in within.machines() {
            if machine.life != Life::Alive || machine.is_controller() || is_settled(whole) {
                continue;
            }
            let cloud_knows = |instance: &&_| Instance::is_provisioned(instance) && !Instance::is_manual(instance);
            let Some(instance) = whole.instance.as_deref().filter(cloud_knows) else { continue };
            let wanted = if now.since(instance.status.since) < NEWS { OFTEN } else { SOMETIMES };
            *pace = wanted.min(*pace);
        }
    }
    paces
}

/// It runs, its addresses are known, its agent has started.
fn is_settled(whole: &AMachine) -> bool {
    let instance = whole.instance.as_ref();
    instance
        .is_some_and(|instance| instance.status.current == InstanceStatus::Running && !instance.addresses.is_empty())
        && whole.agent.as_ref().is_some_and(|agent| agent.status.current == AgentStatus::Started)
}

/// What is to be noted of a machine, given what its cloud says.
fn observe<'a>(whole: &AMachine, seen: impl FnOnce(&str) -> Option<&'a InstanceInfo>) -> Option<Observed> {
    let instance = leaks::in_a_cloud(whole)?;
    Some(match seen(&instance.instance_id) {
        Some(seen) => Observed {
            status: place::status(seen.status),
            message: seen.detail.clone(),
            addresses: (!seen.addresses.is_empty()).then(|| seen.addresses.iter().map(place::address).collect()),
        },
        None => Observed::nowhere(&instance.instance_id),
    })
}

impl Poll {
    /// Notes whether the cloud lets us in, where that has changed.
    async fn note_access(
        &self,
        name: &str,
        cloud: &Arc<dyn Cloud>,
        before: &Beliefs,
        seen: &Result<Vec<InstanceInfo>, cloud::Error>,
    ) -> Result<(), Failure> {
        let state = &self.parts.state;
        let mut asked = BTreeSet::new();
        for (_, model) in before.models() {
            let is_asked = self.parts.clouds.key(model.account()).as_deref() == Some(name);
            if model.credential.is_empty() || !is_asked || !asked.insert(&model.credential) {
                continue;
            }
            let uuid = model.uuid;
            match seen {
                Ok(_) => state.change(|beliefs, given| credential::accepted(beliefs, uuid, given)).await?,
                Err(error @ cloud::Error::Denied { .. }) => drop(place::denied(&self.parts, uuid, cloud, error).await?),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Instances that belong to no machine. One whose machine came or went while the cloud was asked is none of them.
    fn unknown<'a>(&self, before: &Beliefs, seen: &'a [InstanceInfo]) -> Vec<&'a InstanceInfo> {
        let now = self.parts.state.read();
        let views = Views { before, now: &now };
        let marks = |one: &'a InstanceInfo| Marks { model: &one.model, instance: Some((&one.machine, &one.id.0)) };
        seen.iter().filter(|one| views.is_stray(marks(one))).collect()
    }

    /// Stops those whose models want it, and gives the others. What fails is tried again with the next pass.
    async fn harvest(
        &self,
        cloud: &dyn Cloud,
        controller: &str,
        unknown: Vec<&InstanceInfo>,
    ) -> Result<Vec<String>, Failure> {
        let (mut left, mut failed) = (Vec::new(), None);
        for one in unknown {
            let read = self.parts.state.read();
            let within = one.model.parse::<ModelUuid>().ok().and_then(|model| read.in_model(model).ok());
            if !within.is_some_and(|within| settings::harvest(within).unknown) {
                left.push(one.id.to_string());
                continue;
            }
            let stopped = tokio::time::timeout(PATIENCE, cloud.stop_instance(controller, &one.id)).await;
            let words = match stopped {
                Ok(Ok(())) => {
                    tracing::info!(instance = %one.id, model = one.model, machine = one.machine, "an instance of no machine was stopped");
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer from the cloud in {PATIENCE:?}"),
            };
            failed = Some(Failure::new(format!("cannot stop instance {} of no machine: {words}", one.id)));
        }
        failed.map_or(Ok(left), Err)
    }

    fn note_leaks(&self, cloud: &str, leaks: Vec<String>) {
        let mut all = self.leaks.lock().unwrap_or_else(PoisonError::into_inner);
        if !leaks.is_empty() && all.get(cloud) != Some(&leaks) {
            tracing::warn!(cloud, ?leaks, "instances bear this controller's mark and belong to no machine of it");
        }
        all.insert(cloud.to_owned(), leaks);
    }
}
