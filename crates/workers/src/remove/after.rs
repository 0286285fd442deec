//! What a forced removal goes on doing once its machine is forgotten: a start that was under way, or a stop that was cut, may leave an instance.
//!
//! It holds nobody up: it is no worker's item any more, and has no record. The surprise: for the same reason a controller that ends meanwhile
//! forgets it too; then `leaks` shows what is left.

use std::sync::Arc;
use std::time::Duration;

use cloud::turn::Turns;
use cloud::{Cloud, Error, ModelRef};
use model::beliefs::AMachine;
use model::record::instance::Instance;
use model::settings;

use super::{PATIENCE, may_have_one, stop};
use crate::parts::Parts;
use crate::place::{self, Place};

/// Before each try. A cloud may show what it was asked to make minutes later.
const PAUSES: [u64; 7] = [0, 2, 10, 30, 60, 120, 300];

pub(super) struct After {
    cloud: Arc<dyn Cloud>,
    told: ModelRef,
    whole: Arc<AMachine>,
}

impl After {
    /// Of a machine that is still there; nothing when nothing of it is to be looked for.
    pub(super) fn of(parts: &Parts, place: &Place) -> Option<After> {
        let read = parts.state.read();
        let within = read.models.get(&place.model)?;
        let whole = within.machines.get(&place.machine)?.clone();
        let keeps = whole.machine.as_ref().is_none_or(|machine| machine.keep_instance)
            && whole.instance.as_deref().is_some_and(Instance::is_provisioned);
        let is_spared =
            !settings::harvest(within).destroyed && whole.instance.as_deref().is_some_and(Instance::is_provisioned);
        let is_manual = whole.instance.as_deref().is_some_and(Instance::is_manual);
        if keeps || is_spared || is_manual || !may_have_one(&whole) {
            return None;
        }
        let (cloud, told) = place::cloud_of(&read, &parts.clouds, place.model).ok()?;
        Some(After { cloud, told, whole })
    }

    /// Goes on by itself. A start that is under way is waited for first.
    pub(super) fn go_on(self, turns: Turns<Place>, place: Place) {
        tokio::spawn(async move {
            let _turn = turns.take(&place).await;
            let mut last = None;
            for pause in PAUSES {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                let stop = stop(&*self.cloud, &self.told, &place, self.whole.instance.as_deref());
                match tokio::time::timeout(PATIENCE, stop).await {
                    Ok(Ok(())) => return tracing::info!(%place, "nothing is left of it in its cloud"),
                    Ok(Err(Error::NotFound { .. })) => return,
                    Ok(Err(error)) => last = Some(error.to_string()),
                    Err(_) => last = Some(format!("no answer in {PATIENCE:?}")),
                }
            }
            let why = last.unwrap_or_default();
            tracing::warn!(%place, "forgotten, and something of it may be left in its cloud (see `leaks`): {why}");
        });
    }
}
