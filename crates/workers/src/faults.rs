//! Every worker under every fault: a whole story, from the first machine to the end of the controller, told once for each commit and each call
//! of the cloud, with that one going wrong. The end must be the same, and nothing may be left over.

mod access;
mod bed;
mod clock;
mod dice;
mod disks;
mod first;
mod harvest;
mod host;
mod inside;
mod printed;
mod soak;
mod zones;

use std::time::Duration;

use base::status::{InstanceStatus, TaskStatus};
use base::{Life, MachineId, ModelUuid};
use cloud::Error;
use cloud::fake::{Call, Fault};

use bed::Bed;
use model::beliefs::Beliefs;
use model::query::why;
use store::faulty::Break;

/// The story. Returns what is left in the store.
async fn story(bed: &mut Bed) -> Vec<String> {
    let model = bed.add_model("m").await;
    let machines = [bed.add_machine(model).await, bed.add_machine(model).await, bed.add_with_disks(model).await];
    bed.retry_what_fails(model);
    bed.until("machines run, and no start is on record any more", |beliefs| {
        let instances = machines.iter().filter_map(|id| beliefs.models[&model].machines[id].instance.as_ref());
        instances.filter(|one| one.status.current == InstanceStatus::Running && one.provisioning.is_idle()).count() == 3
    })
    .await;
    bed.has_its_disks(model, &machines[2]);
    let mut tasks = Vec::new();
    for machine in &machines {
        tasks.push(bed.exec(model, machine, "true").await);
    }
    bed.until("commands are done", |beliefs| {
        tasks.iter().all(|task| beliefs.models[&model].tasks[task].status == TaskStatus::Completed)
    })
    .await;
    let waits = bed.exec(model, &machines[0], "wait").await;
    bed.remove(model, &machines[0], false).await;
    bed.until("machine is gone, its task ended", |beliefs| {
        let within = &beliefs.models[&model];
        !within.machines.contains_key(&machines[0]) && within.tasks[&waits].status == TaskStatus::Failed
    })
    .await;
    bed.begun_once();
    bed.destroy_model(model).await;
    bed.until("model is gone", |beliefs| !beliefs.models.contains_key(&model)).await;
    bed.destroy_controller().await;
    bed.until("controller is dead", |beliefs| beliefs.controller.as_ref().is_some_and(|c| c.life == Life::Dead)).await;
    assert_eq!(bed.cloud.objects(), Vec::<String>::new(), "left over in the cloud");
    bed.keys().await
}

#[tokio::test(start_paused = true)]
async fn without_faults() {
    let mut bed = Bed::new().await;
    let left = story(&mut bed).await;
    assert!(left.iter().all(|key| !key.contains("/task/") && !key.starts_with("/model-name/admin/m")), "{left:?}");
    assert!(bed.faulty.commits() > 8 && bed.cloud.calls().len() > 5, "the story has {} commits", bed.faulty.commits());
}

/// Whoever may add machines to one model must not reach the instances of another by their ids.
#[tokio::test(start_paused = true)]
async fn an_instance_that_is_anothers_stays() {
    let bed = Bed::new().await;
    let theirs = bed.add_model("theirs").await;
    let victim = bed.add_machine(theirs).await;
    let runs = |beliefs: &Beliefs| {
        let instance = beliefs.models[&theirs].machines[&victim].instance.as_ref();
        instance.is_some_and(|one| one.status.current == InstanceStatus::Running)
    };
    let read = bed.until("it runs", runs).await;
    let id = read.models[&theirs].machines[&victim].instance.as_ref().expect("there").instance_id.clone();
    let ours = bed.add_model("ours").await;
    for keep in [false, true] {
        let thief = bed.take_in(ours, &id).await;
        match keep {
            true => bed.keep(ours, &thief).await,
            false => bed.remove(ours, &thief, true).await,
        }
        bed.until("the record goes", |beliefs| !beliefs.models[&ours].machines.contains_key(&thief)).await;
    }
    let touched = bed.cloud.calls().into_iter().filter(|(call, _)| matches!(call, Call::Stop | Call::Release)).count();
    assert_eq!(touched, 0, "{:?}", bed.cloud.calls());
    bed.until("it runs still", runs).await;
}

async fn each_commit(how: Break) {
    let expected = story(&mut Bed::new().await).await;
    for n in 0.. {
        let mut bed = Bed::new().await;
        bed.faulty.nth(n, how.clone());
        assert_eq!(story(&mut bed).await, expected, "commit {n} broke by {how:?}");
        if bed.faulty.commits() <= n {
            assert!(n > 8, "only {n} commits were tried");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_commit_is_refused_once() {
    each_commit(Break::Refuse).await;
}

#[tokio::test(start_paused = true)]
async fn each_commit_happens_and_says_it_did_not() {
    each_commit(Break::Lose).await;
}

#[tokio::test(start_paused = true)]
async fn the_controller_dies_before_each_commit() {
    each_commit(Break::DieBefore).await;
}

#[tokio::test(start_paused = true)]
async fn the_controller_dies_after_each_commit() {
    each_commit(Break::DieAfter).await;
}

#[tokio::test(start_paused = true)]
async fn each_call_of_the_cloud_goes_wrong_once() {
    let faults = [
        Fault::transient(),
        Fault::throttled(Duration::from_secs(5)),
        Fault::FailAfter(Error::transient("connection reset")),
        Fault::Late(Duration::from_secs(30)),
        Fault::Hang,
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
async fn the_controller_dies_in_each_call_of_the_cloud() {
    let expected = story(&mut Bed::new().await).await;
    for done in [false, true] {
        for n in 0.. {
            let mut bed = Bed::new().await;
            bed.die_at_call(n, done);
            assert_eq!(story(&mut bed).await, expected, "it died in call {n}, which was done: {done}");
            if bed.cloud.calls().len() <= n {
                assert!(n > 5, "only {n} calls were tried");
                break;
            }
        }
    }
}

/// Only the very last word of a cloud must be believed.
#[tokio::test(start_paused = true)]
async fn each_call_of_the_cloud_lies_once() {
    let expected = story(&mut Bed::new().await).await;
    for n in 0.. {
        let mut bed = Bed::new().await;
        bed.cloud.nth(n, Fault::Lie);
        let told = tokio::time::timeout(Duration::from_secs(3 * 3600), story(&mut bed)).await;
        match bed.cloud.calls().get(n) {
            Some((Call::DestroyController, _)) => {}
            _ => assert_eq!(told.expect("it ends"), expected, "call {n} was a lie: {:?}", bed.cloud.calls().get(n)),
        }
        if bed.cloud.calls().len() <= n + 1 {
            assert!(n > 5, "only {n} calls were tried");
            break;
        }
    }
}

/// Whatever waits says for what: in the status of the machine or of the model.
#[tokio::test(start_paused = true)]
async fn what_waits_after_a_failed_call_says_so() {
    let mut seen = std::collections::BTreeSet::new();
    for n in 0.. {
        let mut bed = Bed::new().await;
        bed.cloud.nth(n, Fault::transient());
        story(&mut bed).await;
        let calls = bed.cloud.calls();
        let Some((call, whom)) = calls.get(n) else {
            assert_eq!(seen.len(), 5, "all kinds of calls were tried: {seen:?}");
            return;
        };
        let words = match call {
            Call::Start => {
                format!("failed to start machine {whom} (the cloud is busy), retrying in 2s (10 more attempts)")
            }
            Call::PrepareModel => {
                "failed to start machine 0 (the cloud is busy), retrying in 2s (10 more attempts)".into()
            }
            Call::Stop => "cannot stop instance: the cloud is busy".into(),
            Call::DestroyModel | Call::DestroyController => {
                "cannot clean up in cloud \"fake\" (will retry): the cloud is busy".into()
            }
            // Nobody waits for these: the first is asked again by itself, the second is logged.
            _ => continue,
        };
        seen.insert(format!("{call:?}"));
        assert!(
            bed.said().iter().any(|said| said.starts_with(&words)),
            "{call:?}: nobody said {words:?}: {:?}",
            bed.said()
        );
    }
}

/// A command for a machine that never came does not wait for ever; one for a machine that is still to come does.
#[tokio::test(start_paused = true)]
async fn a_task_for_a_machine_that_never_came_ends() {
    let bed = Bed::new().await;
    bed.cloud.next_for(Call::Start, "0", Fault::permanent());
    bed.cloud.next_for(Call::Start, "1", Fault::Late(Duration::from_secs(500)));
    let model = bed.add_model("m").await;
    let (bad, slow) = (bed.add_machine(model).await, bed.add_machine(model).await);
    let lost = bed.exec(model, &bad, "true").await;
    let kept = bed.exec(model, &slow, "true").await;
    let seen = bed.until("it ends", |beliefs| beliefs.models[&model].tasks[&lost].status == TaskStatus::Failed).await;
    let within = &seen.models[&model];
    assert_eq!(within.tasks[&lost].message, "machine 0 did not start: quota exceeded");
    assert_eq!(within.tasks[&kept].status, TaskStatus::Pending);
    bed.until("the other is done", |beliefs| beliefs.models[&model].tasks[&kept].status == TaskStatus::Completed).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_never_works_ends_as_an_error_and_can_be_tried_again() {
    let bed = Bed::new().await;
    bed.cloud.always(Call::Start, Some("0"), Fault::transient());
    let model = bed.add_model("m").await;
    let (bad, good) = (bed.add_machine(model).await, bed.add_machine(model).await);
    let status = |beliefs: &model::Beliefs, id| {
        beliefs.models[&model].machines[id].instance.as_ref().map(|instance| instance.status.current)
    };
    bed.until("the other one runs", |beliefs| status(beliefs, &good) == Some(InstanceStatus::Running)).await;
    let seen = bed
        .until("it says what it waits for", |beliefs| {
            let instance = beliefs.models[&model].machines[&bad].instance.as_ref();
            instance.is_some_and(|instance| instance.provisioning.next_try.is_some())
        })
        .await;
    let message = &seen.models[&model].machines[&bad].instance.as_ref().expect("there").status.message;
    assert_eq!(message, "failed to start machine 0 (the cloud is busy), retrying in 2s (10 more attempts)");
    bed.until("it gives up", |beliefs| status(beliefs, &bad) == Some(InstanceStatus::ProvisioningError)).await;
    assert_eq!(bed.cloud.calls().iter().filter(|(call, whom)| *call == Call::Start && whom == "0").count(), 11);
    bed.cloud.heal();
    bed.cloud.next_for(Call::Start, "0", Fault::Late(Duration::from_secs(3)));
    bed.retry(model, &bad).await;
    let before = "Creating container (try 1; the last failed: the cloud is busy)";
    bed.until("it says what it was asked again for", |beliefs| said_of(beliefs, model, &bad) == before).await;
    bed.until("it runs", |beliefs| status(beliefs, &bad) == Some(InstanceStatus::Running)).await;
    assert_eq!(said_of(&bed.user.read(), model, &bad), "Running");
}

/// A try may take far longer than the pause before it.
#[tokio::test(start_paused = true)]
async fn what_a_start_failed_of_is_told_while_it_is_tried_again() {
    let bed = Bed::new().await;
    bed.cloud.next(Call::Start, Fault::transient());
    bed.cloud.next(Call::Start, Fault::Late(Duration::from_secs(40)));
    let model = bed.add_model("m").await;
    let machine = bed.add_machine(model).await;
    let before = "Creating container (try 2; the last failed: the cloud is busy)";
    let seen = bed.until("it is tried again", |beliefs| said_of(beliefs, model, &machine) == before).await;
    let at = why::Seen { model, presence: &bed.presence(), now: bed.now() };
    let chain = why::why(&seen.models[&model], at, &machine).expect("there");
    assert_eq!((chain[0].attempts, chain[0].last_error.as_str()), (2, "the cloud is busy"));
    bed.until_runs(model, &machine).await;
    let history = bed.said();
    assert!(history.contains("starting (try 2; the last failed: the cloud is busy)"), "{history:?}");
}

/// The message of its instance's status.
fn said_of(beliefs: &Beliefs, model: ModelUuid, machine: &MachineId) -> String {
    let instance = beliefs.models[&model].machines[machine].instance.as_ref();
    instance.map(|instance| instance.status.message.clone()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn what_cannot_work_is_not_tried_twice() {
    let bed = Bed::new().await;
    bed.cloud.next(Call::Start, Fault::permanent());
    let model = bed.add_model("m").await;
    let machine = bed.add_machine(model).await;
    let seen = bed
        .until("it is an error", |beliefs| {
            let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
            instance.is_some_and(|instance| instance.status.current == InstanceStatus::ProvisioningError)
        })
        .await;
    let message = &seen.models[&model].machines[&machine].instance.as_ref().expect("there").status.message;
    assert_eq!((message.as_str(), bed.cloud.count(Call::Start)), ("quota exceeded", 1));
}

/// The status names the log of an instance that did not come up, and the log goes with its machine.
#[tokio::test(start_paused = true)]
async fn what_an_instance_printed_that_did_not_come_up_is_kept() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let busy = || Error::transient("it ended at once");
    bed.cloud.next_for(Call::Start, "0", Fault::Print("first\n".into(), busy()));
    bed.cloud.next_for(Call::Start, "0", Fault::Print("second\n".into(), busy()));
    bed.cloud.next_for(Call::Start, "0", Fault::permanent());
    let machine = bed.add_machine(model).await;
    let words = "failed to start machine 0 (it ended at once), retrying in 4s (9 more attempts); \
                 first-boot log: show-machine 0 --first-boot-log";
    let shown = |beliefs: &Beliefs| {
        let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
        instance.map(|one| (one.status.message.clone(), one.first_boot)).expect("there")
    };
    bed.until("the second try failed", |beliefs| shown(beliefs) == (words.to_owned(), true)).await;
    assert_eq!(bed.printed(model, &machine).as_deref(), Some("second\n"));
    // What prints nothing is not said to have printed, and takes no log away.
    bed.until("it is an error", |beliefs| shown(beliefs) == ("quota exceeded".to_owned(), true)).await;
    assert_eq!(bed.printed(model, &machine).as_deref(), Some("second\n"));
    bed.remove(model, &machine, false).await;
    bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
    assert_eq!(bed.printed(model, &machine), None);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_never_ends_says_why_and_ends_by_force() {
    for fault in [Fault::HangAfter, Fault::Hang, Fault::permanent(), Fault::transient()] {
        let bed = Bed::new().await;
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        bed.until_runs(model, &machine).await;
        bed.cloud.always(Call::Stop, None, fault.clone());
        bed.remove(model, &machine, false).await;
        bed.until("the reason is shown", |beliefs| {
            let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
            instance.is_some_and(|instance| instance.status.message.starts_with("cannot stop instance: "))
        })
        .await;
        let before = bed.now();
        bed.remove(model, &machine, true).await;
        bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
        let took = bed.now().since(before);
        assert!(took < Duration::from_secs(70), "forced removal took {took:?} under {fault:?}");
    }
}

/// A cloud that does not answer is named while it is waited for, not only when the two minutes are over.
#[tokio::test(start_paused = true)]
async fn a_model_whose_cloud_takes_its_time_says_so_soon() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    bed.cloud.always(Call::DestroyModel, None, Fault::Hang);
    let before = bed.now();
    bed.destroy_model(model).await;
    bed.until("the cloud is named", |beliefs| {
        let record = beliefs.models[&model].model.as_ref();
        record.is_some_and(|record| record.status.message == "cleaning up in cloud \"fake\"")
    })
    .await;
    let took = bed.now().since(before);
    assert!(took < Duration::from_secs(20), "it was said after {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_is_let_go_whatever_goes_wrong_on_the_way() {
    for fault in [None, Some(Fault::transient()), Some(Fault::FailAfter(Error::transient("reset"))), Some(Fault::Hang)]
    {
        let bed = Bed::new().await;
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        bed.until_runs(model, &machine).await;
        if let Some(fault) = fault.clone() {
            bed.cloud.next(Call::Release, fault);
        }
        bed.keep(model, &machine).await;
        if fault.is_some() {
            bed.until("the reason is shown", |beliefs| {
                let machine = beliefs.models[&model].machines.get(&machine);
                let instance = machine.and_then(|machine| machine.instance.as_ref());
                instance.is_some_and(|instance| instance.status.message.starts_with("cannot let go of instance: "))
            })
            .await;
        }
        bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
        assert_eq!((bed.cloud.kept().len(), bed.cloud.count(Call::Stop)), (1, 0), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_removed_while_it_starts_leaves_nothing() {
    for fault in [Fault::Hang, Fault::HangAfter, Fault::Late(Duration::from_secs(3))] {
        let bed = Bed::new().await;
        bed.cloud.next(Call::Start, fault);
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        bed.until("it starts", |beliefs| {
            let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
            instance.is_some_and(|instance| instance.status.current == InstanceStatus::Allocating)
        })
        .await;
        bed.remove(model, &machine, false).await;
        bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
        assert!(!bed.cloud.objects().iter().any(|object| object.starts_with("instance")), "{:?}", bed.cloud.objects());
    }
}

/// A cloud that can end a start early is let to; until then it is said what is waited for.
#[tokio::test(start_paused = true)]
async fn a_start_of_a_machine_that_is_to_go_ends_after_its_step() {
    for (fault, longest) in [(Fault::Steps(50), 5), (Fault::Late(Duration::from_secs(50)), 61)] {
        let bed = Bed::new().await;
        bed.cloud.next(Call::Start, fault.clone());
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        let said = |beliefs: &Beliefs| said_of(beliefs, model, &machine);
        bed.until("it starts", |beliefs| said(beliefs) == "Creating container").await;
        let before = bed.now();
        bed.remove(model, &machine, false).await;
        let waits = "waiting for its start to end, to remove what that makes";
        bed.until("it says what it waits for", |beliefs| said(beliefs) == waits).await;
        let seen = why::Seen { model, presence: &bed.presence(), now: bed.now() };
        let chain = why::why(&bed.user.read().models[&model], seen, &machine).expect("there");
        assert_eq!(chain[0].message, "its cloud to end the start of its instance, and to remove what that made");
        bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
        let took = bed.now().since(before);
        assert!(took <= Duration::from_secs(longest), "removal took {took:?} under {fault:?}");
        assert!(!bed.cloud.objects().iter().any(|object| object.starts_with("instance")), "{:?}", bed.cloud.objects());
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_forced_away_while_it_starts_leaves_nothing() {
    for fault in [Fault::Late(Duration::from_secs(3)), Fault::Late(Duration::from_secs(40)), Fault::HangAfter] {
        let bed = Bed::new().await;
        bed.cloud.next(Call::Start, fault.clone());
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        bed.until("it starts", |beliefs| {
            let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
            instance.is_some_and(|instance| instance.status.current == InstanceStatus::Allocating)
        })
        .await;
        bed.force_at_once(model, &machine).await;
        bed.until("it is forgotten", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
        let is_empty = || !bed.cloud.objects().iter().any(|object| object.starts_with("instance"));
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert!(is_empty(), "{fault:?}: {:?}", bed.cloud.objects());
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_vanishes_is_noticed_and_one_nobody_knows_is_reported() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let machine = bed.add_machine(model).await;
    let seen = bed.until_runs(model, &machine).await;
    let id = seen.models[&model].machines[&machine].instance.as_ref().expect("there").instance_id.clone();
    bed.cloud.vanish(&cloud::InstanceId(id));
    bed.until("it is missed", |beliefs| {
        let instance = beliefs.models[&model].machines[&machine].instance.as_ref();
        instance.is_some_and(|instance| instance.status.current == InstanceStatus::Unknown)
    })
    .await;
    bed.cloud.next(Call::Stop, Fault::Lie);
    let stray = bed.add_machine(model).await;
    bed.until_runs(model, &stray).await;
    bed.remove(model, &stray, false).await;
    bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&stray)).await;
    bed.eventually("the leak is reported", || !bed.leaks().is_empty()).await;
}
