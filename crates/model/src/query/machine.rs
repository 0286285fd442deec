//! How a machine looks from outside: what its three records and its agent's presence come to together.

use crate::beliefs::{AMachine, InModel, Stored};
use crate::presence::Presence;
use crate::record::address::{Address, preferred, preferred_private};
use crate::record::machine::Machine;
use crate::record::status::{AgentStatus, InstanceStatus, Status};
use base::{Hardware, Life, ModelUuid};
use std::borrow::Cow;

pub const AGENT_LOST: &str = "agent is not communicating with the server";

/// Whether a machine's agent is heard of, as far as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    Kept,
    /// It was there, should be, and is missed.
    Lost,
}

pub fn contact(model: ModelUuid, machine: &Stored<Machine>, all: &AMachine, presence: &Presence) -> Contact {
    let expected = all.agent.as_ref().is_some_and(|agent| match agent.status.current {
        AgentStatus::Started | AgentStatus::Error => !machine.is_controller(),
        AgentStatus::Pending | AgentStatus::Stopped | AgentStatus::Down => false,
    });
    match expected && presence.is_missed(model, &machine.id) {
        true => Contact::Lost,
        false => Contact::Kept,
    }
}

/// The agent's status; `down` when contact is lost.
pub fn agent_status_by<'a>(
    contact: Contact,
    machine: &Stored<Machine>,
    all: &'a AMachine,
) -> Cow<'a, Status<AgentStatus>> {
    match (&all.agent, contact) {
        (None, _) => Cow::Owned(Status::new(AgentStatus::Pending, "", machine.created)),
        (Some(agent), Contact::Lost) => Cow::Owned(Status::new(AgentStatus::Down, AGENT_LOST, agent.status.since)),
        (Some(agent), Contact::Kept) => Cow::Borrowed(&agent.status),
    }
}

/// The agent's status as it is now.
pub fn agent_status<'a>(
    model: ModelUuid,
    machine: &Stored<Machine>,
    all: &'a AMachine,
    presence: &Presence,
) -> Cow<'a, Status<AgentStatus>> {
    agent_status_by(contact(model, machine, all, presence), machine, all)
}

pub fn instance_status<'a>(machine: &Stored<Machine>, all: &'a AMachine) -> Cow<'a, Status<InstanceStatus>> {
    match &all.instance {
        Some(instance) => Cow::Borrowed(&instance.status),
        None => Cow::Owned(Status::new(InstanceStatus::Pending, "", machine.created)),
    }
}

/// Whether containers can be put on it, as far as the records know. Not on a host that no cloud of ours made, the controller's own among them: nobody
/// there makes any. Nor inside another container, which breaks more than it gives.
pub fn hosts_containers(all: &AMachine) -> bool {
    let Some(machine) = &all.machine else { return false };
    let manual = all.instance.as_ref().is_some_and(|instance| instance.is_manual());
    machine.id.parent().is_none() && !machine.is_controller() && !manual
}

/// What a machine that is to go waits for, if it is not its cloud: the containers on it.
pub fn removal_waits_for(within: &InModel, machine: &Stored<Machine>) -> Option<String> {
    if machine.life == Life::Alive {
        return None;
    }
    let ids: Vec<&str> = within.under(&machine.id).map(|container| container.id.as_str()).collect();
    match ids.as_slice() {
        [] => None,
        [one] => Some(format!("removal waits for container {one}")),
        some => Some(format!("removal waits for containers {}", some.join(", "))),
    }
}

/// Its addresses: the cloud's, or what its agent sees when the cloud knows none. Of a host that was taken in both count: the one that its
/// user typed may be of a gateway before it, which its agent cannot see.
pub fn addresses(all: &AMachine) -> Cow<'_, [Address]> {
    let of_instance = all.instance.as_ref().map(|instance| instance.addresses.as_slice()).unwrap_or_default();
    let of_agent = all.agent.as_ref().map(|agent| agent.addresses.as_slice()).unwrap_or_default();
    match of_instance {
        [] => Cow::Borrowed(of_agent),
        typed if all.instance.as_ref().is_some_and(|instance| instance.is_manual()) => {
            let others = of_agent.iter().filter(|seen| typed.iter().all(|known| known.value != seen.value));
            Cow::Owned(typed.iter().chain(others).cloned().collect())
        }
        of_instance => Cow::Borrowed(of_instance),
    }
}

/// Those that mean something elsewhere, the best first, none twice.
pub fn outside_addresses(all: &AMachine) -> Vec<Address> {
    let addresses = addresses(all);
    let mut found: Vec<Address> = preferred(&addresses).into_iter().cloned().collect();
    for address in addresses.iter().filter(|address| address.is_usable_from_outside()) {
        if !found.iter().any(|known| known.value == address.value) {
            found.push(address.clone());
        }
    }
    found
}

pub fn public_address(all: &AMachine) -> Option<Address> {
    preferred(&addresses(all)).cloned()
}

pub fn private_address(all: &AMachine) -> Option<Address> {
    preferred_private(&addresses(all)).cloned()
}

/// The cloud's word on its hardware, filled up by what the agent found.
pub fn hardware(all: &AMachine) -> Hardware {
    let from_cloud = all.instance.as_ref().map(|instance| instance.hardware.clone()).unwrap_or_default();
    let Some(agent) = &all.agent else { return from_cloud };
    let found = &agent.hardware;
    Hardware {
        arch: from_cloud.arch.or_else(|| found.arch.clone()),
        cpu_cores: from_cloud.cpu_cores.or(found.cpu_cores),
        cpu_power: from_cloud.cpu_power.or(found.cpu_power),
        mem: from_cloud.mem.or(found.mem),
        root_disk: from_cloud.root_disk.or(found.root_disk),
        ..from_cloud
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{a_model, a_state};
    use base::{MachineId, OsBase};

    #[tokio::test(start_paused = true)]
    async fn a_machine_is_down_only_when_its_agent_was_there_and_is_missed() {
        let pass = |seconds| tokio::time::advance(std::time::Duration::from_secs(seconds));
        let state = a_state().await;
        let model = a_model(&state, "m").await;
        let (base, id) = (OsBase::parse("ubuntu@24.04").expect("valid"), MachineId::top(0));
        let one = [crate::change::machine::AddMachine::default()];
        state.change(|b, g| crate::change::machine::add(b, model, &one, &base, g)).await.expect("is added");
        let shown = || {
            let read = state.read();
            let within = read.in_model(model).expect("there");
            let (all, machine) = within.machine(&id).expect("there");
            agent_status(model, machine, all, state.presence()).current
        };
        pass(5).await;
        let says = |agent: &mut crate::record::agent::Agent, given: crate::Given<'_>| {
            agent.says(AgentStatus::Started, "", given)
        };
        assert_eq!(shown(), AgentStatus::Pending, "it never was there");
        state.change(|b, g| crate::change::agent::set(b, model, &id, g, says)).await.expect("says so");
        assert_eq!(shown(), AgentStatus::Started, "the controller has only begun");
        pass(4_000).await;
        assert_eq!(shown(), AgentStatus::Down);
        let present = state.presence().connected(model, id.clone());
        assert_eq!(shown(), AgentStatus::Started);
        present.leave();
        pass(5).await;
        assert_eq!(shown(), AgentStatus::Started);
        pass(55).await;
        assert_eq!(shown(), AgentStatus::Down);
    }

    #[tokio::test]
    async fn a_host_that_is_to_go_says_which_containers_it_waits_for() {
        use crate::change::machine::{AddMachine, Destroy, Where, add, destroy};
        let state = a_state().await;
        let model = a_model(&state, "m").await;
        let (base, host) = (OsBase::parse("ubuntu@24.04").expect("valid"), MachineId::top(0));
        let on = |place| AddMachine { place, ..AddMachine::default() };
        let inside = || on(Where::On("lxd".into(), host.clone()));
        for one in [on(Where::Anywhere), inside(), inside()] {
            let added =
                state.change(|b, g| add(b, model, std::slice::from_ref(&one), &base, g)).await.expect("decided");
            added.into_iter().for_each(|one| drop(one.expect("added")));
        }
        let says = || {
            let read = state.read();
            let within = read.in_model(model).expect("there");
            let (_, machine) = within.machine(&host).expect("there");
            removal_waits_for(within, machine)
        };
        assert_eq!(says(), None, "it stays");
        let forced = Destroy { force: true, ..Destroy::default() };
        state.change(|b, g| destroy(b, model, &host, forced, g)).await.expect("decided");
        assert_eq!(says().as_deref(), Some("removal waits for containers 0/lxd/0, 0/lxd/1"));
    }
}
