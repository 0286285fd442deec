//! How far the start of a machine's instance has come, and what its cloud says of it. Only reconcilers ask for these changes.
//! It knows no cloud: it is told words and numbers.
//!
//! ```text
//!   pending --(begin)--> allocating --(started)--> running <--(observed)--> error, unknown
//!               ^            |  |
//!   (again, at  +--(failed)--+  +--(failed for good)--> provisioning error --(user: retry)--> allocating
//!    next_try)
//! ```
//! The surprise: a machine that is gone is no error here. Reconcilers are always a little late.

use super::{Decision, Given, TxnExt, enrolment, instance};
use crate::beliefs::{AMachine, Beliefs, Stored};
use crate::key;
use crate::query::zones;
use crate::record::address::Address;
use crate::record::agent::Agent;
use crate::record::enrolment::Enrolment;
use crate::record::instance::{Instance, Provisioning};
use crate::record::machine::Machine;
use crate::record::status::InstanceStatus;
use base::clock::Time;
use base::storage::MadeDisk;
use base::{Hardware, Life, MachineId, ModelUuid, Refusal};
use store::Txn;

/// What a started instance turned out to be.
#[derive(Debug, Clone)]
pub struct Running {
    pub instance_id: String,
    pub display_name: String,
    pub hardware: Hardware,
    pub addresses: Vec<Address>,
    pub disks: Vec<MadeDisk>,
    /// The cloud's own word for its state.
    pub message: String,
    /// Public host keys that it was given.
    pub ssh_host_keys: Vec<String>,
}

/// Whether a machine's instance is to be started now; `Err` with the time when it is to be tried again.
pub fn is_due(machine: &Machine, instance: &Instance, now: Time) -> Result<bool, Time> {
    if machine.life != Life::Alive || machine.is_controller() || instance.is_provisioned() {
        return Ok(false);
    }
    if machine.retry {
        return Ok(true);
    }
    match (instance.status.current, instance.provisioning.waits_until(now)) {
        (InstanceStatus::ProvisioningError, _) => Ok(false),
        (_, Some(next)) => Err(next),
        _ => Ok(true),
    }
}

/// Notes that a start begins, with the token that the agent may enrol by, and in which of the cloud's zones. `None`: it is not wanted any more.
/// Whoever begins several at once must wait for each before the next, or they find the same zone empty.
pub fn begin(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    token_hash: &str,
    zones: &[String],
    given: Given<'_>,
) -> Result<Decision<Option<Instance>>, Refusal> {
    let Some((whole, machine, stored)) = find(beliefs, model, id) else { return Ok(Decision::nothing(None)) };
    if is_due(machine, stored, given.now) != Ok(true) {
        return Ok(Decision::nothing(None));
    }
    let mut instance = stored.to_record();
    if machine.retry {
        // Tries are counted anew. What the last one failed of stands until one succeeds.
        let last_error = std::mem::take(&mut instance.provisioning.last_error);
        instance.provisioning = Provisioning { last_error, ..Provisioning::default() };
    }
    let order = beliefs.in_model(model).ok().and_then(|within| zones::order(within, zones, machine).ok());
    let order = order.unwrap_or_default();
    let zone = zones::next(&order, &instance).or(order.first()).cloned().unwrap_or_default();
    let work = &mut instance.provisioning;
    work.attempts = work.attempts.saturating_add(1);
    work.step = "starting".into();
    work.started = Some(given.now);
    work.next_try = None;
    work.zone = zone;
    let message = and_before("starting", work);
    instance.says(InstanceStatus::Allocating, &message, given);
    let mut txn = Txn::new();
    txn.update(key::instance(model, id), stored, &instance);
    if machine.retry {
        let mut wanted = machine.to_record();
        wanted.retry = false;
        txn.update(key::machine(model, id), machine, &wanted);
    } else {
        txn.rests_on(key::machine(model, id), machine);
    }
    // A token that an agent is bound to already stays bound: the instance of an earlier try may be the one that is found again.
    let bound = whole.enrolment.as_ref().filter(|known| known.token_hash == token_hash);
    let record = Enrolment {
        token_hash: token_hash.to_owned(),
        expires: given.now.plus(enrolment::VALID),
        bound_key: bound.and_then(|known| known.bound_key.clone()),
    };
    txn.upsert(key::enrolment(model, id), whole.enrolment.as_ref(), &record);
    Ok(Decision::new(txn, Some(instance)))
}

/// What a start is at, and why it is not the first: a try may take long, and what the last one failed of is not to be forgotten meanwhile.
fn and_before(message: &str, work: &Provisioning) -> String {
    match work.last_error.is_empty() {
        true => message.to_owned(),
        false => format!("{message} (try {}; the last failed: {})", work.attempts, work.last_error),
    }
}

/// Notes how far a start is.
pub fn progress(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    message: &str,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    // One that is unwanted says so, whatever it is at.
    let alive = find(beliefs, model, id).is_some_and(|(_, machine, _)| machine.life == Life::Alive);
    instance::set(beliefs, model, id, given, |instance, given| {
        if alive && !instance.is_provisioned() {
            instance.provisioning.step = message.to_owned();
            let message = and_before(message, &instance.provisioning);
            instance.says(InstanceStatus::Allocating, &message, given);
        }
    })
}

/// Notes that a start is under way of a machine that is to go: it is waited for, since a cloud may go on with what nobody listens to.
pub fn unwanted(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, given: Given<'_>) -> Result<Decision, Refusal> {
    instance::set(beliefs, model, id, given, |instance, given| {
        if !instance.is_provisioned() && instance.provisioning.started.is_some() {
            instance.says(instance.status.current, "waiting for its start to end, to remove what that makes", given);
        }
    })
}

/// Notes that the instance is there. False: the machine is gone, and so must be the instance.
pub fn started(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    running: &Running,
    given: Given<'_>,
) -> Result<Decision<bool>, Refusal> {
    let Some((whole, _, stored)) = find(beliefs, model, id) else { return Ok(Decision::nothing(false)) };
    if stored.instance_id == running.instance_id {
        return Ok(Decision::nothing(true));
    }
    let mut instance = stored.to_record();
    instance.instance_id = running.instance_id.clone();
    instance.display_name = running.display_name.clone();
    instance.hardware = running.hardware.clone();
    instance.addresses = running.addresses.clone();
    instance.disks = running.disks.clone();
    instance.provisioning = Provisioning::default();
    instance.says(InstanceStatus::Running, &running.message, given);
    let mut txn = Txn::new();
    txn.update(key::instance(model, id), stored, &instance);
    // Known before the first login; the agent repeats them later.
    let known = whole.agent.as_ref();
    if known.is_none_or(|agent| agent.ssh_host_keys.is_empty()) && !running.ssh_host_keys.is_empty() {
        let mut agent = known.map_or_else(|| Agent::pending(given.now), Stored::to_record);
        agent.ssh_host_keys = running.ssh_host_keys.clone();
        txn.upsert(key::agent(model, id), known, &agent);
    }
    Ok(Decision::new(txn, true))
}

/// Notes that a start failed; without `next_try`, for good.
pub fn failed(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    failure: &Failed,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    instance::set(beliefs, model, id, given, |instance, given| {
        if instance.is_provisioned() {
            return;
        }
        let word = match failure.next_try {
            Some(_) => InstanceStatus::Allocating,
            None => InstanceStatus::ProvisioningError,
        };
        instance.first_boot |= failure.printed;
        let work = &mut instance.provisioning;
        work.failed_zones.clone_from(&failure.failed_zones);
        if failure.uncounted {
            work.attempts = work.attempts.saturating_sub(1);
        }
        work.next_try = failure.next_try;
        work.started = None;
        work.step = String::new();
        work.last_error = failure.error.clone();
        instance.says(word, &failure.message, given);
    })
}

/// How a start failed.
#[derive(Debug, Clone, Default)]
pub struct Failed {
    /// For the status.
    pub message: String,
    pub error: String,
    pub next_try: Option<Time>,
    /// What it printed is kept.
    pub printed: bool,
    /// In which zones it failed so far; none when it was tried in all.
    pub failed_zones: Vec<String>,
    /// It is none of the tries after which it is given up: the next is in another zone, or may be with another credential.
    pub uncounted: bool,
}

/// What a cloud says of an instance now.
#[derive(Debug, Clone)]
pub struct Observed {
    pub status: InstanceStatus,
    pub message: String,
    /// `None`: it did not say.
    pub addresses: Option<Vec<Address>>,
}

impl Observed {
    /// The cloud does not know the instance.
    pub fn nowhere(instance_id: &str) -> Observed {
        Observed {
            status: InstanceStatus::Unknown,
            message: format!("instance {instance_id} is not found in its cloud"),
            addresses: None,
        }
    }
}

/// Notes what the cloud says of an instance that is not being removed.
pub fn observed(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    seen: &Observed,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let alive = find(beliefs, model, id).is_some_and(|(_, machine, _)| machine.life == Life::Alive);
    instance::set(beliefs, model, id, given, |instance, given| {
        if !alive || !instance.is_provisioned() {
            return;
        }
        if let Some(addresses) = &seen.addresses {
            instance.addresses = addresses.clone();
        }
        instance.says(seen.status, &seen.message, given);
    })
}

/// Notes why an instance is still there though its machine is being removed, and when that is tried again.
pub fn not_stopped(
    beliefs: &Beliefs,
    model: ModelUuid,
    id: &MachineId,
    error: &str,
    next_try: Time,
    given: Given<'_>,
) -> Result<Decision, Refusal> {
    let is_kept = find(beliefs, model, id).is_some_and(|(_, machine, _)| machine.keep_instance);
    instance::set(beliefs, model, id, given, |instance, given| {
        let work = &mut instance.provisioning;
        if work.step != STOPPING {
            work.attempts = 0;
            work.step = STOPPING.into();
        }
        work.attempts = work.attempts.saturating_add(1);
        work.last_error = error.to_owned();
        work.next_try = Some(next_try);
        let what = if is_kept { "let go of" } else { "stop" };
        instance.says(instance.status.current, &format!("cannot {what} instance: {error}"), given);
    })
}

/// Notes that a host that was taken in is waited for: its agent is to take itself away.
pub fn leaving(beliefs: &Beliefs, model: ModelUuid, id: &MachineId, given: Given<'_>) -> Result<Decision, Refusal> {
    instance::set(beliefs, model, id, given, |instance, given| {
        instance.provisioning.step = LEAVING.into();
        instance.says(instance.status.current, "waiting for the agent to take itself off the host", given);
    })
}

/// The step of a host whose agent is to take itself away.
pub const LEAVING: &str = "leaving";

/// The step of an instance whose machine is being removed.
pub const STOPPING: &str = "stopping";

fn find<'a>(
    beliefs: &'a Beliefs,
    model: ModelUuid,
    id: &MachineId,
) -> Option<(&'a AMachine, &'a Stored<Machine>, &'a Stored<Instance>)> {
    let whole = beliefs.models.get(&model)?.machines.get(id)?;
    Some((whole, whole.machine.as_ref()?, whole.instance.as_ref()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_that_is_not_the_first_says_what_the_last_one_failed_of() {
        let work = Provisioning { attempts: 1, ..Provisioning::default() };
        assert_eq!(and_before("Creating container", &work), "Creating container");
        let work = Provisioning { attempts: 3, last_error: "no such image".into(), ..work };
        assert_eq!(
            and_before("Creating container", &work),
            "Creating container (try 3; the last failed: no such image)"
        );
    }
}
