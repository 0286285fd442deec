//! Which instances the controller ends by itself, by the model's harvest mode, whatever goes wrong on the way.

use std::time::Duration;

use base::ModelUuid;
use cloud::InstanceId;
use cloud::fake::{Call, Fault};

use super::bed::Bed;

/// A model of this mode with one machine that was removed; gives its instance.
async fn removed(bed: &Bed, mode: &str) -> (ModelUuid, InstanceId) {
    let model = bed.add_model(mode).await;
    bed.set(model, "provisioner-harvest-mode", mode).await;
    let machine = bed.add_machine(model).await;
    let read = bed.until_runs(model, &machine).await;
    let id = read.models[&model].machines[&machine].instance.as_ref().expect("there").instance_id.clone();
    bed.remove(model, &machine, false).await;
    bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&machine)).await;
    (model, InstanceId(id))
}

/// Waits until the cloud was asked for its instances twice more: once may have begun before.
async fn polled(bed: &Bed) {
    let before = bed.cloud.count(Call::Instances);
    bed.eventually("the cloud is asked", || bed.cloud.count(Call::Instances) > before + 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_mode_says_whether_the_instance_of_a_removed_machine_goes() {
    for (mode, stays) in [("none", true), ("unknown", false), ("destroyed", false), ("all", false)] {
        let bed = Bed::new().await;
        let (model, id) = removed(&bed, mode).await;
        polled(&bed).await;
        // In mode `unknown` it runs on as its machine goes, and is then one of no machine.
        assert_eq!(bed.cloud.request(&id).is_some(), stays, "{mode}");
        assert_eq!(bed.leaks(), if stays { vec![id.to_string()] } else { Vec::new() }, "{mode}");
        // With its model it goes in any case.
        bed.destroy_model(model).await;
        bed.until("model is gone", |beliefs| !beliefs.models.contains_key(&model)).await;
        assert!(bed.cloud.request(&id).is_none(), "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_no_machine_is_stopped_only_where_the_mode_says_so() {
    for (mode, stays) in [("none", true), ("unknown", false), ("destroyed", true), ("all", false)] {
        let bed = Bed::new().await;
        // Whoever removes it believes the cloud, which lied.
        bed.cloud.next(Call::Stop, Fault::Lie);
        let (_, id) = removed(&bed, mode).await;
        let other = bed.add_model("other").await;
        let kept = bed.add_machine(other).await;
        bed.until_runs(other, &kept).await;
        if mode == "none" {
            // Nobody asked to stop it, so nobody was lied to.
            assert_eq!(bed.cloud.count(Call::Stop), 0);
        }
        polled(&bed).await;
        polled(&bed).await;
        assert_eq!(bed.cloud.request(&id).is_some(), stays, "{mode}");
        assert!(bed.cloud.objects().iter().filter(|object| object.starts_with("instance")).count() >= 1, "{mode}");
        assert!(!bed.leaks().is_empty() || !stays, "{mode}: what stays is reported");
    }
}

#[tokio::test(start_paused = true)]
async fn a_harvest_that_fails_is_tried_again() {
    for fault in [Fault::transient(), Fault::permanent(), Fault::Hang, Fault::Late(Duration::from_secs(5))] {
        let bed = Bed::new().await;
        bed.cloud.next(Call::Stop, fault.clone());
        let (_, id) = removed(&bed, "unknown").await;
        bed.eventually("it is stopped", || bed.cloud.request(&id).is_none()).await;
        polled(&bed).await;
        assert_eq!(bed.leaks(), Vec::<String>::new(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_instance_is_let_go_and_a_start_that_is_not_over_is_ended_in_every_mode() {
    for mode in ["none", "unknown", "destroyed", "all"] {
        let bed = Bed::new().await;
        let model = bed.add_model("m").await;
        bed.set(model, "provisioner-harvest-mode", mode).await;
        let kept = bed.add_machine(model).await;
        bed.until_runs(model, &kept).await;
        bed.keep(model, &kept).await;
        bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&kept)).await;
        assert_eq!(bed.cloud.kept().len(), 1, "{mode}");
        bed.cloud.next(Call::Start, Fault::HangAfter);
        let half = bed.add_machine(model).await;
        bed.eventually("its instance is there", || bed.cloud.objects().iter().any(|one| one.starts_with("instance")))
            .await;
        bed.remove(model, &half, false).await;
        bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&half)).await;
        assert!(!bed.cloud.objects().iter().any(|one| one.starts_with("instance")), "{mode}");
    }
}
