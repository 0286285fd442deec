//! Ends models, and the controller: their machines die, what they had in the cloud goes, then their records.
//! It must not know any cloud. The surprise: it stops no instance itself. It makes machines die, and waits for `remove` to have done its part.
//!
//! ```text
//!   controller dying --> its models dying --> their machines dying --(remove)--> no machines
//!                                                 model: cloud cleaned --> forgotten
//!   no models left but its own --> every cloud cleaned --> controller dead: the process may go
//! ```

use std::fmt;
use std::time::Duration;

use base::clock::Time;
use base::{Life, ModelUuid, Refusal};
use model::State;
use model::beliefs::{Beliefs, InModel};
use model::change::{self, removal};
use model::record::model::Model;
use model::record::status::ModelStatus;
use tokio::time::Instant;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::parts::Parts;
use crate::place;

/// A cloud that has not cleaned up by then is asked again.
const PATIENCE: Duration = Duration::from_secs(120);
/// A cloud that takes longer is named in the model's status.
const IN_SILENCE: Duration = Duration::from_secs(10);

pub struct Undertake {
    parts: Parts,
}

impl Undertake {
    pub(crate) fn new(parts: Parts) -> Self {
        Undertake { parts }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The clock was set back: times that removals wait for would come too late.
    SetRight,
    /// The controller dies: so do its models.
    ModelsDie,
    /// The model dies (or a machine with containers): so do its machines.
    MachinesDie(ModelUuid),
    /// The model has no machines any more.
    Model(ModelUuid),
    /// There are no models any more.
    Controller,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::SetRight => f.write_str("removals, since the clock was set back"),
            Step::ModelsDie => f.write_str("models of the controller"),
            Step::MachinesDie(model) => write!(f, "machines of model {model}"),
            Step::Model(model) => write!(f, "model {model}"),
            Step::Controller => f.write_str("the controller"),
        }
    }
}

impl Worker for Undertake {
    type Item = Step;

    fn name(&self) -> &'static str {
        "undertake"
    }

    fn decide(&self, beliefs: &Beliefs, now: Time) -> Decision<Step> {
        Decision { due: decide(beliefs, now), again: None }
    }

    async fn act(&self, step: Step) -> Result<(), Failure> {
        let state = &self.parts.state;
        match step {
            Step::SetRight => Ok(state.change(removal::set_right).await?),
            Step::ModelsDie => Ok(state.change(removal::models_die).await?),
            Step::MachinesDie(model) => {
                state.change(|beliefs, given| removal::machines_die(beliefs, model, given)).await?;
                Ok(())
            }
            Step::Model(model) => self.end_model(model).await,
            Step::Controller => self.end_controller().await,
        }
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 8, slow_after: Duration::from_secs(30), give_up_after: PATIENCE * 2, ..Pace::default() }
    }
}

/// What is to be done.
pub fn decide(beliefs: &Beliefs, now: Time) -> Vec<Step> {
    let mut steps = Vec::new();
    if removal::are_ahead(beliefs, now) {
        steps.push(Step::SetRight);
    }
    let dying = beliefs.controller.as_ref().filter(|controller| controller.life == Life::Dying);
    let own = beliefs.controller.as_ref().map(|controller| controller.model_uuid);
    if dying.is_some() && beliefs.models().any(|(_, model)| model.life == Life::Alive && Some(model.uuid) != own) {
        steps.push(Step::ModelsDie);
    }
    let mut others = false;
    for (uuid, within) in &beliefs.models {
        let is_own = Some(*uuid) == own;
        others |= !is_own;
        let ends = within.model.as_ref().is_none_or(|model| model.life != Life::Alive) || is_own && dying.is_some();
        if removal::has_machines_to_die(within, ends) {
            steps.push(Step::MachinesDie(*uuid));
        }
        if ends && !is_own && within.machines().next().is_none() {
            steps.push(Step::Model(*uuid));
        }
    }
    if dying.is_some() && !others && !has_guests(beliefs, own) {
        steps.push(Step::Controller);
    }
    steps
}

/// Whether the controller's own model has machines besides the controller's.
fn has_guests(beliefs: &Beliefs, own: Option<ModelUuid>) -> bool {
    let within = own.and_then(|own| beliefs.models.get(&own));
    within
        .is_some_and(|within: &std::sync::Arc<InModel>| within.machines().any(|(.., machine)| !machine.is_controller()))
}

impl Undertake {
    async fn end_model(&self, model: ModelUuid) -> Result<(), Failure> {
        let state = &self.parts.state;
        let beliefs = state.read();
        let record = beliefs.models.get(&model).and_then(|within| within.model.clone());
        // Without its own record it was cleaned before, and only its last parts are left.
        let cleaned = match &record {
            Some(record) => self.clean(&beliefs, record).await,
            None => Ok(()),
        };
        if let (Err(words), Some(record)) = (cleaned, record) {
            if !is_over(&record, state.now()) {
                return Err(self.failed(model, &record.cloud, &words).await);
            }
            tracing::warn!(%model, "forced removal: its time is over before cloud {:?} confirmed: {words}", record.cloud);
        }
        let forgotten = self.parts.kept.forget_model(model).await;
        forgotten.map_err(|words| Failure::new(format!("cannot forget output and log: {words}")))?;
        while !forget_portion(state, model).await? {}
        Ok(())
    }

    async fn clean(&self, beliefs: &Beliefs, record: &Model) -> Result<(), String> {
        let (cloud, told) = place::cloud_of(beliefs, &self.parts.clouds, record.uuid)?;
        let mut cleaned = cloud.destroy_model(&told);
        let (began, mut said) = (Instant::now(), false);
        while began.elapsed() < PATIENCE {
            match tokio::time::timeout(IN_SILENCE, &mut cleaned).await {
                Ok(cleaned) => return cleaned.map_err(|error| error.to_string()),
                Err(_) if said => {}
                Err(_) => {
                    said = self.say(record.uuid, &format!("cleaning up in cloud {:?}", record.cloud)).await.is_ok()
                }
            }
        }
        Err(format!("no answer in {PATIENCE:?}"))
    }

    /// Says in a model's status what its end waits for.
    async fn say(&self, model: ModelUuid, message: &str) -> Result<(), Refusal> {
        let says = |beliefs: &Beliefs, given: change::Given<'_>| {
            change::model::set_status(beliefs, model, ModelStatus::Destroying, message, given)
        };
        self.parts.state.change(says).await
    }

    async fn failed(&self, model: ModelUuid, cloud: &str, words: &str) -> Failure {
        let message = format!("cannot clean up in cloud {cloud:?} (will retry): {words}");
        match self.say(model, &message).await {
            Ok(()) => Failure::new(message),
            Err(refusal) => refusal.into(),
        }
    }

    async fn end_controller(&self) -> Result<(), Failure> {
        let state = &self.parts.state;
        let controller = state.read().controller()?.clone();
        for (name, cloud) in self.parts.clouds.all() {
            let cleaned = tokio::time::timeout(PATIENCE, cloud.destroy_controller(&controller.uuid)).await;
            let failed = match cleaned {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer in {PATIENCE:?}"),
            };
            let removal = controller.removal.as_ref().filter(|removal| removal.force);
            let force_at =
                removal.map(|removal| removal.force_at.unwrap_or(removal.asked.plus(change::machine::FORCE_WAIT)));
            if force_at.is_none_or(|at| at > state.now()) {
                return Err(self.failed(controller.model_uuid, &name, &failed).await);
            }
            tracing::warn!("forced removal: its time is over before cloud {name:?} confirmed: {failed}");
        }
        Ok(state.change(|beliefs, _| removal::controller_dead(beliefs)).await?)
    }
}

/// A forced removal whose time is over.
fn is_over(model: &Model, now: Time) -> bool {
    model.removal.as_ref().and_then(|removal| removal.force_at).is_some_and(|at| at <= now)
}

/// True: nothing is left.
async fn forget_portion(state: &State, model: ModelUuid) -> Result<bool, Failure> {
    let left = state.read().models.contains_key(&model);
    if !left {
        return Ok(true);
    }
    Ok(state.change(|beliefs, given| change::model::remove_some(beliefs, model, given)).await?)
}
