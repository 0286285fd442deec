//! Machines inside machines, under every fault: the inner one comes after its host and goes before it, and nothing of either is left over.

use std::time::Duration;

use base::status::{InstanceStatus, TaskStatus};
use base::{MachineId, ModelUuid};
use cloud::fake::{Call, Fault};
use cloud::{Error, InstanceId};
use model::beliefs::Beliefs;
use model::change::machine::{self, AddMachine, Destroy, Where};

use super::bed::Bed;
use store::faulty::Break;

fn on_new() -> AddMachine {
    AddMachine { place: Where::InNew("lxd".into()), ..AddMachine::default() }
}

fn on(host: &MachineId) -> AddMachine {
    AddMachine { place: Where::On("lxd".into(), host.clone()), ..AddMachine::default() }
}

async fn add(bed: &Bed, model: ModelUuid, one: AddMachine) -> MachineId {
    bed.add_machines(model, &[one]).await.remove(0)
}

fn status(beliefs: &Beliefs, model: ModelUuid, id: &MachineId) -> Option<(InstanceStatus, String)> {
    let instance = beliefs.models.get(&model)?.machines.get(id)?.instance.as_ref()?;
    Some((instance.status.current, instance.status.message.clone()))
}

fn runs(beliefs: &Beliefs, model: ModelUuid, id: &MachineId) -> bool {
    status(beliefs, model, id).is_some_and(|(word, _)| word == InstanceStatus::Running)
}

/// No record is without its host's, in whatever state.
fn none_is_without_its_host(beliefs: &Beliefs) {
    for (within, _) in beliefs.models() {
        for (id, ..) in within.machines() {
            assert!(id.parent().is_none_or(|host| within.machines.contains_key(&host)), "{id} has lost its host");
        }
    }
}

fn instances(bed: &Bed) -> Vec<String> {
    bed.cloud.objects().into_iter().filter(|object| object.starts_with("instance")).collect()
}

/// The story: both in one request, a second one inside, work, the host goes by force, another pair with its model. Gives what is left in the store.
async fn story(bed: &mut Bed) -> Vec<String> {
    let model = bed.add_model("m").await;
    let first = add(bed, model, on_new()).await;
    let host = first.parent().expect("it has a host");
    assert_eq!((host.as_str(), first.as_str()), ("0", "0/lxd/0"));
    let second = add(bed, model, on(&host)).await;
    bed.retry_what_fails(model);
    bed.until("all run", |beliefs| {
        none_is_without_its_host(beliefs);
        [&host, &first, &second].into_iter().all(|id| runs(beliefs, model, id))
    })
    .await;
    let read = bed.user.read();
    let id = |machine: &MachineId| {
        let instance = read.models[&model].machines[machine].instance.as_ref().expect("there");
        InstanceId(instance.instance_id.clone())
    };
    for inner in [&first, &second] {
        let request = bed.cloud.request(&id(inner)).expect("it is there");
        assert_eq!(request.parent, Some(id(&host)), "it is asked for inside its host");
    }
    let task = bed.exec(model, &first, "true").await;
    bed.until("it obeys", |beliefs| beliefs.models[&model].tasks[&task].status == TaskStatus::Completed).await;
    bed.remove(model, &host, true).await;
    bed.until("all are gone", |beliefs| {
        none_is_without_its_host(beliefs);
        beliefs.models[&model].machines.is_empty()
    })
    .await;
    assert_eq!(instances(bed), Vec::<String>::new(), "instances of machines that are gone");
    // Numbers are not given twice, and a model takes all with it.
    let again = add(bed, model, on_new()).await;
    assert_eq!(again.as_str(), "1/lxd/0");
    bed.destroy_model(model).await;
    bed.until("model is gone", |beliefs| {
        none_is_without_its_host(beliefs);
        !beliefs.models.contains_key(&model)
    })
    .await;
    assert_eq!(bed.cloud.objects(), Vec::<String>::new(), "left over in the cloud");
    bed.keys().await
}

#[tokio::test(start_paused = true)]
async fn a_container_comes_after_its_host_and_goes_before_it() {
    let mut bed = Bed::new().await;
    story(&mut bed).await;
    let calls = bed.cloud.calls();
    let at = |call: Call, end: &str| {
        let is = |whom: &str| whom.ends_with(end) && whom.contains("lxd") == end.contains("lxd");
        calls.iter().position(|(one, whom)| *one == call && is(whom)).unwrap_or_else(|| panic!("{call:?} {end}"))
    };
    assert!(at(Call::Start, "0") < at(Call::Start, "0/lxd/0"), "{calls:?}");
    for inner in ["-0-lxd-0", "-0-lxd-1"] {
        assert!(at(Call::Stop, inner) < at(Call::Stop, "-0"), "{calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_commit_breaks() {
    let expected = story(&mut Bed::new().await).await;
    for how in [Break::Refuse, Break::Lose, Break::DieBefore, Break::DieAfter] {
        for n in 0.. {
            let mut bed = Bed::new().await;
            bed.faulty.nth(n, how.clone());
            assert_eq!(story(&mut bed).await, expected, "commit {n} broke by {how:?}");
            if bed.faulty.commits() <= n {
                assert!(n > 8, "only {n} commits were tried");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_call_of_the_cloud_goes_wrong() {
    let faults = [
        Fault::transient(),
        Fault::FailAfter(Error::transient("connection reset")),
        Fault::Late(Duration::from_secs(30)),
        Fault::HangAfter,
    ];
    let expected = story(&mut Bed::new().await).await;
    for fault in faults {
        for n in 0.. {
            let mut bed = Bed::new().await;
            bed.cloud.nth(n, fault.clone());
            assert_eq!(story(&mut bed).await, expected, "call {n} went wrong: {fault:?}");
            if bed.cloud.calls().len() <= n {
                assert!(n > 5, "only {n} calls were tried");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_the_controller_dies() {
    let expected = story(&mut Bed::new().await).await;
    for done in [false, true] {
        for n in 0.. {
            let mut bed = Bed::new().await;
            bed.die_at_call(n, done);
            assert_eq!(story(&mut bed).await, expected, "it died in call {n}, which was done: {done}");
            if bed.cloud.calls().len() <= n {
                break;
            }
        }
    }
}

/// Its host's instance dies before the container's is there: that is said, tried again, and ended by whoever removes the host.
#[tokio::test(start_paused = true)]
async fn a_container_whose_host_died_says_so_and_goes_with_it() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let host = bed.add_machine(model).await;
    let read = bed.until_runs(model, &host).await;
    let id = read.models[&model].machines[&host].instance.as_ref().expect("there").instance_id.clone();
    bed.cloud.vanish(&InstanceId(id.clone()));
    let inner = add(&bed, model, on(&host)).await;
    let words =
        format!("failed to start machine {inner} (its host {id} does not run), retrying in 2s (10 more attempts)");
    bed.until("it says so", |beliefs| {
        status(beliefs, model, &inner) == Some((InstanceStatus::Allocating, words.clone()))
    })
    .await;
    bed.remove(model, &host, true).await;
    bed.until("both are gone", |beliefs| beliefs.models[&model].machines.is_empty()).await;
    assert_eq!(instances(&bed), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_host_removed_by_force_while_its_container_starts_leaves_nothing() {
    for fault in
        [Fault::Hang, Fault::HangAfter, Fault::Late(Duration::from_secs(3)), Fault::Late(Duration::from_secs(300))]
    {
        let bed = Bed::new().await;
        let model = bed.add_model("m").await;
        let host = bed.add_machine(model).await;
        bed.until_runs(model, &host).await;
        bed.cloud.next_for(Call::Start, "0/lxd/0", fault.clone());
        let inner = add(&bed, model, on(&host)).await;
        bed.until("it starts", |beliefs| {
            status(beliefs, model, &inner).is_some_and(|(word, _)| word == InstanceStatus::Allocating)
        })
        .await;
        bed.remove(model, &host, true).await;
        bed.until("both are gone", |beliefs| {
            none_is_without_its_host(beliefs);
            beliefs.models[&model].machines.is_empty()
        })
        .await;
        assert_eq!(instances(&bed), Vec::<String>::new(), "{fault:?}");
    }
}

/// A host whose start fails holds its container back; a user's next try brings both.
#[tokio::test(start_paused = true)]
async fn a_container_waits_for_a_host_that_does_not_start() {
    let bed = Bed::new().await;
    bed.cloud.next_for(Call::Start, "0", Fault::permanent());
    let model = bed.add_model("m").await;
    let inner = add(&bed, model, on_new()).await;
    let host = inner.parent().expect("it has one");
    bed.until("its host failed", |beliefs| {
        status(beliefs, model, &host).is_some_and(|(word, _)| word == InstanceStatus::ProvisioningError)
    })
    .await;
    let pending = Some((InstanceStatus::Pending, String::new()));
    assert_eq!(status(&bed.user.read(), model, &inner), pending, "it was not begun");
    bed.retry(model, &host).await;
    bed.until("both run", |beliefs| runs(beliefs, model, &host) && runs(beliefs, model, &inner)).await;
}

/// A host that is kept lets its containers be kept with it, in the order in which all else goes.
#[tokio::test(start_paused = true)]
async fn a_host_that_is_kept_keeps_what_is_inside() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let inner = add(&bed, model, on_new()).await;
    let host = inner.parent().expect("it has one");
    bed.until("both run", |beliefs| runs(beliefs, model, &host) && runs(beliefs, model, &inner)).await;
    let how = Destroy { keep_instance: true, force: true, ..Destroy::default() };
    bed.user.change(|beliefs, given| machine::destroy(beliefs, model, &host, how, given)).await.expect("is to go");
    bed.until("both are gone", |beliefs| beliefs.models[&model].machines.is_empty()).await;
    assert_eq!((bed.cloud.kept().len(), bed.cloud.count(Call::Stop)), (2, 0));
}
