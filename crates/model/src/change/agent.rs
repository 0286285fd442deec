//! What a machine's agent said. For the controller's side of the agents' stream. A machine that is gone meanwhile is no error.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::agent::Agent;
use crate::record::status::{AgentStatus, Status, says};
use base::{MachineId, ModelUuid, Refusal};
use store::{Guard, Txn};

/// Changes the record by `how`; nothing is written when that changes nothing (ten thousand agents coming back write nothing).
pub fn set(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    given: Given<'_>,
    how: impl FnOnce(&mut Agent, Given<'_>),
) -> Result<Decision, Refusal> {
    let Some(all) = beliefs.models.get(&model).and_then(|within| within.machines.get(id)) else {
        return Ok(Decision::nothing(()));
    };
    if all.machine.is_none() {
        return Ok(Decision::nothing(()));
    }
    let mut record = all.agent.as_ref().map_or_else(|| Agent::pending(given.now), |read| read.to_record());
    how(&mut record, given);
    if all.agent.as_ref().is_some_and(|read| **read == record) {
        return Ok(Decision::nothing(()));
    }
    let mut txn = Txn::new();
    txn.upsert(key::agent(model, id), all.agent.as_ref(), &record);
    txn.guard(key::machine(model, id), Guard::Present);
    Ok(Decision::new(txn, ()))
}

impl Agent {
    /// Says so since now, unless it says so already.
    pub fn says(&mut self, current: AgentStatus, message: &str, given: Given<'_>) {
        if !says(&self.status, current, message) {
            self.status = Status::new(current, message, given.now);
        }
    }
}
