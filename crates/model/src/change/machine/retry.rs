//! Asking that a machine whose start failed be started again, and taking note that it is.

use crate::beliefs::Beliefs;
use crate::change::{Decision, Given, TxnExt, block};
use crate::key;
use crate::record::block::BlockKind;
use crate::record::machine::Machine;
use crate::record::status::InstanceStatus;
use base::{MachineId, ModelUuid, Refusal};
use store::Txn;

/// Machines named that are in no error are refused, each by itself; with `all`, those are passed over.
pub fn retry(
    beliefs: &Beliefs,
    model: ModelUuid,
    ids: &[MachineId],
    all: bool,
    _: Given<'_>,
) -> Result<Decision<Vec<Refusal>>, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut txn = Txn::new();
    let mut refusals = Vec::new();
    for (id, machine, record) in within.machines() {
        let named = ids.contains(id);
        if !named && !all {
            continue;
        }
        let status = machine.instance.as_ref().map_or(InstanceStatus::Pending, |instance| instance.status.current);
        match status {
            InstanceStatus::Error | InstanceStatus::ProvisioningError if record.retry => {}
            // More than fit into one transaction are retried by asking again.
            InstanceStatus::Error | InstanceStatus::ProvisioningError if txn.operations() < store::MAX_OPERATIONS => {
                txn.update(key::machine(model, id), record, &Machine { retry: true, ..record.to_record() });
            }
            InstanceStatus::Error | InstanceStatus::ProvisioningError => {}
            _ if named => refusals.push(Refusal::plain(format!("machine {id} is not in an error state ({status})"))),
            _ => {}
        }
    }
    Ok(Decision::new(txn, refusals))
}

/// The provisioner has taken the wish up.
pub fn retrying(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, _: Given<'_>) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    let (_, record) = within.machine(id)?;
    if !record.retry {
        return Ok(Decision::nothing(()));
    }
    let mut txn = Txn::new();
    txn.update(key::machine(model, id), record, &Machine { retry: false, ..record.to_record() });
    Ok(Decision::new(txn, ()))
}
