//! Asks a new model's cloud which subnets its machines will be in, so that spaces can be made before there is a machine.
//! It must not judge them: a user moves subnets between spaces, and asks the cloud again by `reload-spaces`.

use std::fmt;
use std::time::Duration;

use base::clock::Time;
use base::{Life, ModelUuid};
use model::beliefs::Beliefs;
use model::change::network;

use crate::driver::{Decision, Failure, Pace, Worker};
use crate::parts::Parts;
use crate::place;

/// A cloud that has not answered by then is asked again.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Survey {
    parts: Parts,
}

impl Survey {
    pub(crate) fn new(parts: Parts) -> Self {
        Survey { parts }
    }
}

/// The subnets of one model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubnetsOf(pub ModelUuid);

impl fmt::Display for SubnetsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subnets of model {}", self.0)
    }
}

impl Worker for Survey {
    type Item = SubnetsOf;

    fn name(&self) -> &'static str {
        "survey"
    }

    fn decide(&self, beliefs: &Beliefs, _: Time) -> Decision<SubnetsOf> {
        let unasked = beliefs.models().filter(|(within, record)| {
            record.life == Life::Alive && (within.network.is_none() || network::is_unsettled(within))
        });
        Decision { due: unasked.map(|(_, record)| SubnetsOf(record.uuid)).collect(), again: None }
    }

    async fn act(&self, SubnetsOf(model): SubnetsOf) -> Result<(), Failure> {
        let state = &self.parts.state;
        if state.read().in_model(model).is_ok_and(|within| within.network.is_some()) {
            while !state.change(|beliefs, given| network::settle(beliefs, model, given)).await? {}
            return Ok(());
        }
        let (cloud, told) = place::cloud_of(&state.read(), &self.parts.clouds, model).map_err(Failure::new)?;
        let seen = match tokio::time::timeout(PATIENCE, cloud.subnets(&told)).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(error)) => return Err(Failure::new(error.to_string())),
            Err(_) => return Err(Failure::new(format!("no answer in {PATIENCE:?}"))),
        };
        Ok(state.change(|beliefs, given| network::learn(beliefs, model, &seen, true, given)).await?)
    }

    fn pace(&self) -> Pace {
        Pace { at_once: 4, slow_after: PATIENCE, give_up_after: PATIENCE * 2, ..Pace::default() }
    }
}
