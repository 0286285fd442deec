//! What each state of a machine's records comes to.

use super::*;
use crate::record::agent::Agent;
use crate::record::enrolment::Enrolment;
use crate::record::instance::Provisioning;
use crate::record::machine::Removal;
use crate::record::status::{Status, TaskStatus};
use crate::record::task::Task;
use base::{Constraints, OperationId, OsBase, TaskId};
use std::sync::Arc;

const NOW: i64 = 5_000;

fn at(seconds: i64) -> Time {
    Time::from_unix(seconds)
}

fn model() -> ModelUuid {
    "6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid")
}

fn id(text: &str) -> MachineId {
    text.parse().expect("valid")
}

fn machine(text: &str) -> Machine {
    Machine {
        id: id(text),
        life: Life::Alive,
        base: OsBase::parse("ubuntu@24.04").expect("valid"),
        constraints: Constraints::default(),
        placement: String::new(),
        jobs: vec!["JobHostUnits".into()],
        disks: Vec::new(),
        created: at(100),
        warnings: Vec::new(),
        keep_instance: false,
        removal: None,
        retry: false,
        upgrade: None,
    }
}

fn dying(text: &str, force_at: Option<i64>) -> Machine {
    let removal = Removal { asked: at(4_998), force: force_at.is_some(), force_at: force_at.map(at) };
    Machine { life: Life::Dying, removal: Some(removal), ..machine(text) }
}

fn pending() -> Instance {
    Instance::pending(at(100))
}

/// One whose start was tried.
fn tried(word: InstanceStatus, work: Provisioning) -> Instance {
    Instance { status: Status::new(word, "words for status", at(4_000)), provisioning: work, ..pending() }
}

fn running() -> Instance {
    Instance { instance_id: "juju-0".into(), ..tried(InstanceStatus::Running, Provisioning::default()) }
}

fn agent(word: AgentStatus) -> Agent {
    let mut agent = Agent::pending(at(100));
    agent.status = Status::new(word, "", at(4_500));
    agent
}

/// A machine with its records.
fn put(within: &mut InModel, machine: Machine, instance: Option<Instance>, agent: Option<Agent>) {
    let (id, revision) = (machine.id.clone(), store::Revision::default());
    let whole = AMachine {
        machine: Some(Stored::new(machine, revision)),
        instance: instance.map(|instance| Stored::new(instance, revision)),
        agent: agent.map(|agent| Stored::new(agent, revision)),
        ..AMachine::default()
    };
    within.machines.insert(id, Arc::new(whole));
}

fn enrols(within: &mut InModel, of: &str, expires: i64, bound: bool) {
    let mut whole = (*within.machines[&id(of)]).clone();
    let bound_key = bound.then(|| "key".to_owned());
    let enrolment = Enrolment { token_hash: String::new(), expires: at(expires), bound_key };
    whole.enrolment = Some(Stored::new(enrolment, store::Revision::default()));
    within.machines.insert(id(of), Arc::new(whole));
}

fn one(machine: Machine, instance: Instance, agent: Option<Agent>) -> InModel {
    let mut within = InModel::default();
    put(&mut within, machine, Some(instance), agent);
    within
}

fn asked_with(presence: &Presence, within: &InModel, of: &str) -> Vec<Link> {
    why(within, Seen { model: model(), presence, now: at(NOW) }, &id(of)).expect("there")
}

fn asked(within: &InModel, of: &str) -> Vec<Link> {
    asked_with(&Presence::new(), within, of)
}

/// `machine what: message`.
fn lines(chain: &[Link]) -> Vec<String> {
    chain.iter().map(|link| format!("{} {}: {}", link.machine, link.what.as_str(), link.message)).collect()
}

fn check(within: &InModel, of: &str, expected: &[&str]) {
    assert_eq!(lines(&asked(within, of)), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_well_waits_for_nothing() {
    check(&one(machine("0"), running(), Some(agent(AgentStatus::Started))), "0", &[]);
    let own = Machine { jobs: vec!["JobManageModel".into()], ..machine("0") };
    check(&one(own, pending(), None), "0", &[]);
    let refused = why(&InModel::default(), Seen { model: model(), presence: &Presence::new(), now: at(NOW) }, &id("7"));
    assert_eq!(refused.expect_err("none").words(), "machine 7 not found");
}

#[tokio::test(start_paused = true)]
async fn a_start_says_whose_turn_it_is() {
    use InstanceStatus::{Allocating, ProvisioningError};
    check(&one(machine("0"), pending(), None), "0", &["0 controller: its turn to be started"]);
    let starts = Provisioning {
        attempts: 2,
        step: "Creating container".into(),
        started: Some(at(4_990)),
        last_error: "no such image".into(),
        ..Default::default()
    };
    let seen = asked(&one(machine("0"), tried(Allocating, starts), None), "0");
    assert_eq!(lines(&seen), ["0 cloud: its cloud, which starts its instance (Creating container)"]);
    assert_eq!((seen[0].attempts, seen[0].since), (2, Some(at(4_990))));
    assert_eq!(seen[0].last_error, "no such image");

    let failed =
        Provisioning { attempts: 3, last_error: "busy".into(), next_try: Some(at(NOW + 4)), ..Default::default() };
    let seen = asked(&one(machine("0"), tried(Allocating, failed.clone()), None), "0");
    let expected = Link {
        machine: id("0"),
        what: What::StartAgain,
        message: "the next try to start its instance".into(),
        since: Some(at(4_000)),
        attempts: 3,
        last_error: "busy".into(),
        next_try: Some(at(NOW + 4)),
        first_boot: false,
    };
    assert_eq!(seen, [expected]);
    // Its time has come: the controller is about to try.
    let due = Provisioning { next_try: Some(at(NOW)), ..failed.clone() };
    let seen = asked(&one(machine("0"), tried(Allocating, due), None), "0");
    assert_eq!(lines(&seen), ["0 controller: its turn to be started"]);
    assert_eq!((seen[0].attempts, seen[0].last_error.as_str()), (3, "busy"));

    let over = Provisioning { attempts: 11, last_error: "quota exceeded".into(), ..Default::default() };
    let seen = asked(&one(machine("0"), tried(ProvisioningError, over.clone()), None), "0");
    assert_eq!(lines(&seen), ["0 user: a user, since its start failed for good"]);
    assert_eq!((seen[0].last_error.as_str(), seen[0].attempts, seen[0].next_try), ("quota exceeded", 11, None));
    let printed = Instance { first_boot: true, ..tried(ProvisioningError, over.clone()) };
    assert!(asked(&one(machine("0"), printed, None), "0")[0].first_boot && !seen[0].first_boot);
    let again = Machine { retry: true, ..machine("0") };
    let seen = asked(&one(again, tried(ProvisioningError, over), None), "0");
    assert_eq!(lines(&seen), ["0 controller: the start that was asked for again"]);
    assert_eq!((seen[0].attempts, seen[0].last_error.as_str()), (11, "quota exceeded"));
}

#[tokio::test(start_paused = true)]
async fn a_container_waits_for_its_host_and_for_what_that_waits_for() {
    let over = Provisioning { attempts: 1, last_error: "no".into(), ..Default::default() };
    let mut within = one(machine("0"), tried(InstanceStatus::ProvisioningError, over), None);
    put(&mut within, machine("0/lxd/1"), Some(pending()), None);
    let host = "0/lxd/1 host: the instance of its host, machine 0";
    check(&within, "0/lxd/1", &[host, "0 user: a user, since its start failed for good"]);
    // A host that dies, and a container that has not heard of it: the chain ends all the same.
    put(&mut within, dying("0", None), Some(pending()), None);
    let chain = lines(&asked(&within, "0/lxd/1"));
    assert_eq!(&chain[..2], [host, "0 containers: the containers on it to go: 0/lxd/1"]);
    assert_eq!(chain.len(), LONGEST);
    put(&mut within, machine("0"), Some(running()), None);
    check(&within, "0/lxd/1", &["0/lxd/1 controller: its turn to be started"]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_has_not_come_is_waited_for_as_far_as_it_has_come() {
    let mut within = one(machine("0"), running(), None);
    check(&within, "0", &["0 agent: its agent to come: its instance runs"]);
    for (expires, bound, expected) in [
        (NOW + 10, false, "0 agent: its agent to come: its instance runs"),
        (NOW - 10, false, "0 user: a user, since its agent did not come while it was waited for"),
        (NOW - 10, true, "0 agent: its agent to connect: it has its certificate"),
    ] {
        enrols(&mut within, "0", expires, bound);
        check(&within, "0", &[expected]);
        assert!(asked(&within, "0")[0].first_boot, "its instance printed something");
    }
    let manual = Instance { instance_id: "manual:10.0.0.1".into(), ..running() };
    let script = "0 agent: the script that makes the host a machine to be run there";
    let within = one(machine("0"), manual, Some(agent(AgentStatus::Pending)));
    check(&within, "0", &[script]);
    assert!(!asked(&within, "0")[0].first_boot, "a host's console is its own");
}

#[tokio::test(start_paused = true)]
async fn what_was_well_and_is_not_says_since_when() {
    let mut broken = agent(AgentStatus::Error);
    broken.status.message = "disk is full".into();
    check(&one(machine("0"), running(), Some(broken)), "0", &["0 agent: its agent, which says error: disk is full"]);
    let lost = Instance { status: Status::new(InstanceStatus::Unknown, "not found", at(4_900)), ..running() };
    let within = one(machine("0"), lost, Some(agent(AgentStatus::Started)));
    check(&within, "0", &["0 instance: its instance, which is unknown: not found"]);
    let presence = Presence::new();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    let seen = asked_with(&presence, &within, "0");
    assert_eq!(lines(&seen)[1], "0 contact: its agent to connect again");
    assert_eq!((seen[0].since, seen[1].since), (Some(at(4_900)), Some(at(NOW - 60))));
    let _present = presence.connected(model(), id("0"));
    assert_eq!(asked_with(&presence, &within, "0").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_says_whose_turn_it_is() {
    use crate::record::upgrade::{Phase, Upgrade};
    let base = |text: &str| OsBase::parse(text).expect("valid");
    for (phase, expected) in [
        (Phase::PrepareStarted, &["0 agent: its agent to make it ready for the upgrade to ubuntu@26.04"][..]),
        (Phase::PrepareCompleted, &["0 upgrade: a user, who is to upgrade it to ubuntu@26.04 and to say so"]),
        (Phase::CompleteStarted, &["0 agent: its agent to bring it back into service"]),
        (Phase::Completed, &[]),
    ] {
        let (from, to) = (base("ubuntu@24.04"), base("ubuntu@26.04"));
        let upgrade = Upgrade { from, to, phase, since: at(4_800), messages: Vec::new(), told_before: 0 };
        let held = Machine { upgrade: Some(Box::new(upgrade)), ..machine("0") };
        let within = one(held, running(), Some(agent(AgentStatus::Started)));
        check(&within, "0", expected);
        assert!(asked(&within, "0").iter().all(|link| link.since == Some(at(4_800))));
    }
}

fn task(number: u64, of: &str, status: TaskStatus) -> Task {
    serde_json::from_value(serde_json::json!({
        "id": TaskId(number), "operation": OperationId(1), "machine": id(of), "command": "true", "status": status, "enqueued": at(1),
    }))
    .expect("a task")
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_goes_waits_for_its_tasks_then_for_its_cloud() {
    let mut within = one(dying("0", None), running(), Some(agent(AgentStatus::Started)));
    for (number, of, status) in [
        (1, "0", TaskStatus::Running),
        (2, "0", TaskStatus::Completed),
        (3, "9", TaskStatus::Pending),
        (4, "0", TaskStatus::Pending),
    ] {
        within.tasks.insert(TaskId(number), Stored::new(task(number, of, status), store::Revision::default()));
    }
    let cloud = "0 cloud: its cloud to stop its instance";
    check(&within, "0", &[cloud]);
    let presence = Presence::new();
    let _present = presence.connected(model(), id("0"));
    let seen = asked_with(&presence, &within, "0");
    assert_eq!(lines(&seen), ["0 tasks: its tasks to end: 1, 4"]);
    assert_eq!((seen[0].since, seen[0].next_try), (Some(at(4_998)), Some(at(5_003))));
    put(&mut within, dying("0", Some(5_050)), Some(running()), Some(agent(AgentStatus::Started)));
    let seen = asked_with(&presence, &within, "0");
    assert_eq!(lines(&seen), [cloud, "0 force: the end of the time that its removal was given"]);
    assert_eq!(seen[1].next_try, Some(at(5_050)));
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_stuck_says_why() {
    let stuck = Provisioning {
        attempts: 4,
        step: STOPPING.into(),
        last_error: "busy".into(),
        next_try: Some(at(NOW + 8)),
        ..Default::default()
    };
    let instance = Instance { provisioning: stuck, ..running() };
    let seen = asked(&one(dying("0", None), instance.clone(), None), "0");
    assert_eq!(lines(&seen), ["0 stop-again: the next try to stop its instance"]);
    assert_eq!((seen[0].attempts, seen[0].last_error.as_str(), seen[0].next_try), (4, "busy", Some(at(NOW + 8))));
    let kept = Machine { keep_instance: true, ..dying("0", None) };
    check(&one(kept, instance, None), "0", &["0 stop-again: the next try to let go of its instance"]);
    let leaves = Instance { provisioning: Provisioning { step: LEAVING.into(), ..Default::default() }, ..running() };
    check(&one(dying("0", None), leaves, None), "0", &["0 agent: its agent to take itself off the host"]);
    check(&one(dying("0", None), pending(), None), "0", &["0 controller: the controller to forget it"]);
    let mut spared = one(dying("0", None), running(), None);
    let settings = crate::record::settings::Settings([("provisioner-harvest-mode".to_owned(), "none".into())].into());
    spared.settings = Some(Stored::new(settings, store::Revision::default()));
    check(&spared, "0", &["0 controller: the controller to forget it"]);
    // A start that was on its way may have made something.
    let begun = Provisioning { attempts: 1, ..Default::default() };
    check(
        &one(dying("0", None), tried(InstanceStatus::Allocating, begun), None),
        "0",
        &["0 cloud: its cloud to stop its instance"],
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_goes_waits_for_the_containers_on_it() {
    let mut within = one(dying("0", None), running(), None);
    for number in 0..12 {
        put(&mut within, dying(&format!("0/lxd/{number}"), None), Some(running()), None);
    }
    put(&mut within, dying("0/lxd/3/lxd/0", None), Some(running()), None);
    let chain = lines(&asked(&within, "0"));
    assert!(chain[0].starts_with("0 containers: the containers on it to go: 0/lxd/0, "), "{}", chain[0]);
    assert!(chain[0].ends_with(" and 3 more"), "{}", chain[0]);
    assert_eq!(chain[4], "0/lxd/3 containers: the containers on it to go: 0/lxd/3/lxd/0");
    assert_eq!(chain[5], "0/lxd/3/lxd/0 cloud: its cloud to stop its instance");
    assert_eq!(chain.len(), 1 + FOLLOWED + 1);
}
