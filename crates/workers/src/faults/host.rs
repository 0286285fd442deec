//! A host that was taken in: no cloud is asked about it, and its agent has the last word, under every fault of the store.

use base::status::{AgentStatus, InstanceStatus};
use cloud::fake::Call;
use model::change::start;

use super::bed::Bed;
use store::faulty::Break;

/// The story: taken in, seen running, removed, waited for. Returns what is left in the store.
async fn story(bed: &Bed) -> Vec<String> {
    let model = bed.add_model("m").await;
    let host = bed.take_in(model, "manual:10.0.0.7").await;
    bed.until("it runs at once, and its agent starts", |beliefs| {
        let whole = &beliefs.models[&model].machines[&host];
        let instance = whole.instance.as_ref().expect("there");
        assert_eq!(instance.status.message, "Manually provisioned machine");
        instance.status.current == InstanceStatus::Running
            && whole.agent.as_ref().is_some_and(|agent| agent.status.current == AgentStatus::Started)
    })
    .await;
    bed.remove(model, &host, false).await;
    bed.until("it is waited for, and said so", |beliefs| {
        let instance = beliefs.models[&model].machines[&host].instance.as_ref().expect("there");
        let said = instance.status.message == "waiting for the agent to take itself off the host";
        said && instance.provisioning.step == start::LEAVING
    })
    .await;
    // As every agent says that ends, to start again or not.
    bed.agent_says(model, &host, AgentStatus::Stopped).await;
    bed.agent_leaves(model, &host).await;
    bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&host)).await;
    let asked = bed.cloud.calls().into_iter().filter(|(call, _)| matches!(call, Call::Start | Call::Stop)).count();
    assert_eq!(asked, 0, "a cloud was asked for a host that is none of its");
    bed.destroy_model(model).await;
    bed.until("model is gone", |beliefs| !beliefs.models.contains_key(&model)).await;
    bed.keys().await
}

#[tokio::test(start_paused = true)]
async fn a_host_goes_when_its_agent_has_left_it_whatever_commit_breaks() {
    let expected = story(&Bed::new().await).await;
    for how in [Break::Refuse, Break::Lose, Break::DieBefore, Break::DieAfter] {
        for n in 0.. {
            let bed = Bed::new().await;
            bed.faulty.nth(n, how.clone());
            assert_eq!(story(&bed).await, expected, "commit {n} broke by {how:?}");
            if bed.faulty.commits() <= n {
                assert!(n > 2, "only {n} commits were tried");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_agent_is_silent_goes_by_force_alone() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let host = bed.take_in(model, "manual:box").await;
    for status in [AgentStatus::Started, AgentStatus::Stopped, AgentStatus::Error] {
        bed.agent_says(model, &host, status).await;
    }
    bed.remove(model, &host, false).await;
    bed.agent_says(model, &host, AgentStatus::Stopped).await;
    let waits = std::time::Duration::from_secs(3600);
    let gone = bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&host));
    assert!(tokio::time::timeout(waits, gone).await.is_err(), "it was forgotten though its agent said nothing");
    bed.remove(model, &host, true).await;
    bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&host)).await;
}

/// Whoever takes a host in and fails takes the machine back: nothing is there to wait for.
#[tokio::test(start_paused = true)]
async fn a_host_whose_agent_never_came_goes_at_once() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let host = bed.take_in_unheard(model, "manual:box").await;
    bed.until("it is gone", |beliefs| !beliefs.models[&model].machines.contains_key(&host)).await;
}

/// The record is gone, the agent may come back after a year: what is kept is what tells it so.
#[tokio::test(start_paused = true)]
async fn a_host_that_was_forgotten_is_known_as_such_until_its_agent_has_left() {
    let bed = Bed::new().await;
    let model = bed.add_model("m").await;
    let host = bed.take_in(model, "manual:box").await;
    bed.enrols(model, &host).await;
    bed.agent_says(model, &host, AgentStatus::Started).await;
    bed.remove(model, &host, true).await;
    bed.until("it is forgotten, and known as left behind", |beliefs| beliefs.models[&model].is_left_behind(&host))
        .await;
    bed.agent_leaves(model, &host).await;
    bed.until("nothing is kept of it", |beliefs| !beliefs.models[&model].machines.contains_key(&host)).await;
}
