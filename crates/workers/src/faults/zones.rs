//! Machines are spread over the zones of their cloud, as their users wish and as the zones allow.

use std::collections::BTreeMap;
use std::time::Duration;

use base::status::InstanceStatus;
use base::{Constraints, MachineId, ModelUuid};
use cloud::Error;
use cloud::fake::{Call, Fault};
use model::beliefs::Beliefs;
use model::change::machine::{AddMachine, Where};
use store::faulty::Break;

use super::bed::Bed;

fn within(zones: &[&str]) -> AddMachine {
    let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    AddMachine { constraints: Constraints { zones: Some(zones), ..Constraints::default() }, ..AddMachine::default() }
}

fn at(zone: &str) -> AddMachine {
    AddMachine { place: Where::Directive(format!("zone={zone}")), ..AddMachine::default() }
}

/// Waits until all of them run, and gives how many are in each zone, as their records have it.
async fn population(bed: &Bed, model: ModelUuid, ids: &[MachineId]) -> BTreeMap<String, usize> {
    let instance = |beliefs: &Beliefs, id: &MachineId| beliefs.models[&model].machines[id].instance.clone();
    let runs = |beliefs: &Beliefs| ids.iter().all(|id| instance(beliefs, id).is_some_and(|one| one.is_provisioned()));
    let read = bed.until("all of them run", runs).await;
    let mut population = BTreeMap::new();
    for id in ids {
        let instance = instance(&read, id).expect("there");
        let zone = instance.hardware.availability_zone.clone().expect("a zone");
        let told = bed.cloud.request(&cloud::InstanceId(instance.instance_id.clone())).expect("there").zone;
        assert_eq!(told.as_ref(), Some(&zone), "the cloud was told");
        *population.entry(zone).or_default() += 1;
    }
    population
}

fn counts(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|(zone, count)| ((*zone).to_owned(), *count)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_was_not_looked_at_yet_is_asked_for_its_zones_first() {
    let bed = Bed::new().await;
    bed.cloud.set_unlearned_zones(&["a", "b"]);
    let model = bed.add_model("m").await;
    let one = bed.add_machines(model, &[at("b")]).await;
    assert_eq!(population(&bed, model, &one).await, counts(&[("b", 1)]));
}

#[tokio::test(start_paused = true)]
async fn machines_asked_for_at_once_are_spread_and_wishes_are_kept() {
    let bed = Bed::new().await;
    bed.cloud.set_zones(&["a", "b", "c"]);
    let model = bed.add_model("m").await;
    let many = bed.add_machines(model, &vec![AddMachine::default(); 30]).await;
    assert_eq!(population(&bed, model, &many).await, counts(&[("a", 10), ("b", 10), ("c", 10)]));
    let some = bed.add_machines(model, &vec![within(&["a", "c"]); 6]).await;
    assert_eq!(population(&bed, model, &some).await, counts(&[("a", 3), ("c", 3)]));
    let one = bed.add_machines(model, &[at("a"), at("a")]).await;
    assert_eq!(population(&bed, model, &one).await, counts(&[("a", 2)]));
    // What was left behind is made up for.
    let rest = bed.add_machines(model, &vec![AddMachine::default(); 7]).await;
    assert_eq!(population(&bed, model, &rest).await, counts(&[("b", 5), ("c", 2)]));
    // Another model begins anew.
    let other = bed.add_model("other").await;
    let ids = bed.add_machines(other, &vec![AddMachine::default(); 3]).await;
    assert_eq!(population(&bed, other, &ids).await, counts(&[("a", 1), ("b", 1), ("c", 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_fails_is_left_for_another_and_this_does_not_count_as_a_try() {
    let prints = Fault::Print("no room".into(), Error::not_found("a rack"));
    for fault in [Fault::transient(), Fault::permanent(), prints, Fault::Hang] {
        let bed = Bed::new().await;
        bed.cloud.set_zones(&["a", "b", "c"]);
        bed.cloud.always(Call::Start, Some("zone=a"), fault.clone());
        bed.cloud.always(Call::Start, Some("zone=b"), fault.clone());
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        assert_eq!(population(&bed, model, std::slice::from_ref(&machine)).await, counts(&[("c", 1)]), "{fault:?}");
        assert_eq!(bed.cloud.count(Call::Start), 3, "{fault:?}");
        let begins = "failed to start machine 0 in zone \"a\", retrying in 2s with new availability zone: ";
        assert!(bed.said().iter().any(|said| said.starts_with(begins)), "{:?}", bed.said());
    }
}

#[tokio::test(start_paused = true)]
async fn when_all_zones_fail_it_is_as_without_zones() {
    let status = |beliefs: &Beliefs, model: ModelUuid| {
        let machine = &beliefs.models[&model].machines[&MachineId::top(0)];
        machine.instance.as_ref().map(|instance| (instance.status.current, instance.status.message.clone()))
    };
    // For good: each is tried once. In passing: eleven times each. What is the same in all: not in the others.
    let throttled = Fault::throttled(Duration::from_secs(1));
    for (fault, starts) in [(Fault::permanent(), 2), (Fault::transient(), 22), (throttled, 11)] {
        let bed = Bed::new().await;
        bed.cloud.set_zones(&["a", "b"]);
        bed.cloud.always(Call::Start, None, fault.clone());
        let model = bed.add_model("m").await;
        let machine = bed.add_machine(model).await;
        let failed = |beliefs: &Beliefs| {
            status(beliefs, model).is_some_and(|(word, _)| word == InstanceStatus::ProvisioningError)
        };
        bed.until("it gives up", failed).await;
        assert_eq!(bed.cloud.count(Call::Start), starts, "{fault:?}");
        bed.cloud.heal();
        bed.retry(model, &machine).await;
        assert_eq!(population(&bed, model, &[machine]).await.len(), 1, "{fault:?}");
    }
    // A wish that no zone is.
    let bed = Bed::new().await;
    bed.cloud.set_zones(&["a", "b"]);
    let model = bed.add_model("m").await;
    bed.add_machines(model, &[within(&["z"])]).await;
    let words = "suitable availability zone for machine 0 not found".to_owned();
    let expected = Some((InstanceStatus::ProvisioningError, words));
    bed.until("it is an error", |beliefs| status(beliefs, model) == expected).await;
    assert_eq!(bed.cloud.count(Call::Start), 0);
}

/// Whatever commit breaks, each runs once, in a zone that its record names.
#[tokio::test(start_paused = true)]
async fn zones_and_records_agree_whatever_commit_breaks() {
    for how in [Break::Refuse, Break::Lose, Break::DieBefore, Break::DieAfter] {
        for n in 0.. {
            let bed = Bed::new().await;
            bed.cloud.set_zones(&["a", "b"]);
            bed.cloud.next(Call::Start, Fault::permanent());
            bed.faulty.nth(n, how.clone());
            let model = bed.add_model("m").await;
            let ids = bed.add_machines(model, &vec![AddMachine::default(); 4]).await;
            let population = population(&bed, model, &ids).await;
            assert_eq!(population.values().sum::<usize>(), 4, "commit {n}: {how:?}");
            let instances = bed.cloud.objects().into_iter().filter(|object| object.starts_with("instance")).count();
            assert_eq!(instances, 4, "commit {n}: {how:?}");
            if bed.faulty.commits() <= n {
                assert!(n > 6, "only {n} commits were tried");
                break;
            }
        }
    }
}
