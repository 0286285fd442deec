//! What the workers are made of: given once, by whoever assembles the program.

use std::sync::Arc;

use base::clock::Time;
use base::{MachineId, ModelUuid, Secret, TaskId};
use cloud::Clouds;
use model::State;
use model::output;
use model::record::controller::Controller;
use model::watch::history;
use store::Boxed;
use store::append::{Append, Micros};

use crate::disk::Room;
use crate::identity::Root;
use crate::retain::Bounds;

/// Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    pub state: State,
    pub clouds: Arc<Clouds>,
    pub root: Root,
    pub outfit: Arc<dyn Outfit>,
    /// Where output of tasks, logs and histories are: forgotten with what they are of.
    pub kept: Arc<dyn Kept>,
    /// The disk that all of it is on.
    pub room: Arc<dyn Room>,
}

/// A machine about to be started, for the files that its agent begins with.
pub struct Newcomer<'a> {
    pub controller: &'a Controller,
    pub model: ModelUuid,
    pub machine: &'a MachineId,
    /// With it the agent enrols.
    pub token: &'a Secret,
}

/// What a new machine finds on its disk, and what it runs.
#[derive(Debug, Clone, Default)]
pub struct Outfitted {
    pub files: Vec<cloud::File>,
    /// The agent's command line.
    pub agent: Vec<String>,
    /// Who follows the agent when the machine is kept without us.
    pub heir: Option<cloud::Heir>,
}

/// Knows what an agent needs; the workers do not.
pub trait Outfit: Send + Sync {
    fn outfit(&self, newcomer: &Newcomer<'_>) -> Outfitted;

    /// What our program is run with on a machine that is kept without us, to take the agent away.
    fn farewell(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is kept outside the state; told what may go. Forgetting what is not there is nothing. Errors are words.
pub trait Kept: Send + Sync {
    /// What a task wrote.
    fn forget_task(&self, model: ModelUuid, task: TaskId) -> Boxed<'_, Result<(), String>>;

    /// What an instance printed that did not come up, in the place of what an earlier one did.
    fn keep_first_boot<'a>(
        &'a self,
        model: ModelUuid,
        machine: &'a MachineId,
        console: &'a str,
        now: Time,
    ) -> Boxed<'a, Result<(), String>>;

    fn forget_first_boot<'a>(&'a self, model: ModelUuid, machine: &'a MachineId) -> Boxed<'a, Result<(), String>>;

    /// What a model's tasks wrote and its instances printed, its log, and the histories of its statuses.
    fn forget_model(&self, model: ModelUuid) -> Boxed<'_, Result<(), String>>;

    /// Everything older or more than the bounds.
    fn retain(&self, bounds: Bounds) -> Boxed<'_, Result<(), String>>;
}

/// Of what one instance printed.
pub const FIRST_BOOT_BYTES: u64 = 64 << 10;

fn micros(time: Time) -> Micros {
    Micros::try_from(time.unix_nanos() / 1000).unwrap_or(0)
}

impl Kept for Append {
    fn forget_task(&self, model: ModelUuid, task: TaskId) -> Boxed<'_, Result<(), String>> {
        Box::pin(async move {
            let forgotten = self.blobs().delete(&output::of_task(model, task)).await;
            forgotten.map(drop).map_err(|error| error.to_string())
        })
    }

    fn keep_first_boot<'a>(
        &'a self,
        model: ModelUuid,
        machine: &'a MachineId,
        console: &'a str,
        now: Time,
    ) -> Boxed<'a, Result<(), String>> {
        Box::pin(async move {
            self.forget_first_boot(model, machine).await?;
            let words = |error: store::Failure| error.to_string();
            let (name, now) = (output::first_boot(model, machine), micros(now));
            let bytes = console.as_bytes().to_vec();
            self.blobs().append(&name, Some(0), bytes, FIRST_BOOT_BYTES, now).await.map_err(words)?;
            self.blobs().finish(&name, now).await.map_err(words)
        })
    }

    fn forget_first_boot<'a>(&'a self, model: ModelUuid, machine: &'a MachineId) -> Boxed<'a, Result<(), String>> {
        Box::pin(async move {
            let forgotten = self.blobs().delete(&output::first_boot_of(model, machine)).await;
            forgotten.map(drop).map_err(|error| error.to_string())
        })
    }

    fn forget_model(&self, model: ModelUuid) -> Boxed<'_, Result<(), String>> {
        Box::pin(async move {
            let words = |error: store::Failure| error.to_string();
            self.blobs().delete(&output::of_model(model)).await.map_err(words)?;
            self.blobs().delete(&output::first_boots(model)).await.map_err(words)?;
            self.history().delete(&history::all_of_model(model)).await.map_err(words)?;
            self.logs().delete(&model.to_string()).await.map(drop).map_err(words)
        })
    }

    fn retain(&self, bounds: Bounds) -> Boxed<'_, Result<(), String>> {
        Box::pin(async move {
            let words = |error: store::Failure| error.to_string();
            let mut forgotten = self.blobs().prune(micros(bounds.output_before)).await.map_err(words)?;
            forgotten += self.blobs().shrink(bounds.output_bytes).await.map_err(words)?;
            forgotten += self.logs().prune(micros(bounds.logs_before)).await.map_err(words)?;
            forgotten += self.logs().shrink(bounds.log_bytes).await.map_err(words)?;
            forgotten += self.history().prune(micros(bounds.statuses_before)).await.map_err(words)?;
            if forgotten > 0 {
                tracing::info!(forgotten, "old logs, outputs and statuses are forgotten");
            }
            Ok(())
        })
    }
}
