//! A machine's way to another release: who may begin it, what each step needs, and what ends it.

use super::{a_model, a_state};
use crate::State;
use crate::change::machine::{self, AddMachine, upgrade};
use crate::record::upgrade::{Phase, Upgrade};
use base::{MachineId, ModelUuid, OsBase};

async fn a_machine(state: &State, base: &str) -> (ModelUuid, MachineId) {
    let model = a_model(state, "m").await;
    let base = OsBase::parse(base).expect("valid");
    state.change(|b, g| machine::add(b, model, &[AddMachine::default()], &base, g)).await.expect("is added");
    (model, MachineId::top(0))
}

fn seen(state: &State, model: ModelUuid, id: &MachineId) -> Option<Upgrade> {
    let read = state.read();
    read.models[&model].machines[id].machine.as_ref().expect("there").upgrade.as_deref().cloned()
}

async fn prepare(state: &State, model: ModelUuid, id: &MachineId, channel: &str, force: bool) -> Result<(), String> {
    let done = state.change(|b, g| upgrade::prepare(b, model, id, channel, force, g)).await;
    done.map_err(|refusal| refusal.words().to_owned())
}

async fn agent_did(state: &State, model: ModelUuid, id: &MachineId, step: Phase, now: &str) {
    let now = OsBase::parse(now).ok();
    state.change(|b, g| upgrade::agent_did(b, model, id, step, now.clone(), g)).await.expect("is noted");
}

#[tokio::test]
async fn the_steps_follow_each_other_and_the_machine_ends_with_the_base_it_has() {
    let state = a_state().await;
    let (model, id) = a_machine(&state, "debian@12").await;
    let complete = || state.change(|b, g| upgrade::complete(b, model, &id, g));
    let early = complete().await.expect_err("nothing is prepared");
    assert_eq!(early.words(), "machine \"0\" can not complete, it is either not prepared or already completed");
    prepare(&state, model, &id, "13", false).await.expect("prepared");
    assert!(complete().await.is_err(), "its agent has not made it ready");
    agent_did(&state, model, &id, Phase::CompleteStarted, "debian@12").await;
    assert_eq!(seen(&state, model, &id).expect("open").phase, Phase::PrepareStarted, "a late word changes nothing");
    agent_did(&state, model, &id, Phase::PrepareStarted, "debian@12").await;
    let words = prepare(&state, model, &id, "13", false).await.expect_err("held");
    assert_eq!(words, "upgrade series lock found for \"0\"; series upgrade is in the \"prepare completed\" state");
    complete().await.expect("begins");
    agent_did(&state, model, &id, Phase::CompleteStarted, "debian@13").await;
    let upgrade = seen(&state, model, &id).expect("kept for its readers");
    assert_eq!((upgrade.phase, upgrade.told_before), (Phase::Completed, 2));
    let expected = [
        "machine-0 started upgrade from \"debian@12/stable\" to \"debian@13/stable\"",
        "machine-0 binaries and service files written",
        "machine-0 complete phase started",
        "machine-0 series upgrade complete",
    ];
    assert_eq!(upgrade.messages, expected);
    let base = state.read().models[&model].machines[&id].machine.as_ref().expect("there").base.to_string();
    assert_eq!(base, "debian@13");
    prepare(&state, model, &id, "14", false).await.expect("it may go on to the next");
}

#[tokio::test]
async fn what_cannot_be_upgraded_is_told_before_anything_is_held() {
    let state = a_state().await;
    for (base, channel, words) in [
        ("debian@12", "12", "machine-0 is already running base debian@12"),
        ("debian@12", "11/stable", "machine machine-0 is running debian@12 which is a newer base than debian@11."),
        ("ubuntu@9.10", "9.04", "machine machine-0 is running ubuntu@9.10 which is a newer base than ubuntu@9.04."),
        ("fedora@40", "41", "machine-0 is running fedora@40: only ubuntu and debian are upgraded in place"),
        ("debian@12", "13/odd", "risk in channel \"13/odd\" not valid"),
    ] {
        let state = a_state().await;
        let (model, id) = a_machine(&state, base).await;
        assert_eq!(prepare(&state, model, &id, channel, false).await.expect_err("refused"), words);
        assert_eq!(seen(&state, model, &id), None);
    }
    let controller: ModelUuid = super::CONTROLLER_MODEL.parse().expect("valid");
    let words = prepare(&state, controller, &MachineId::top(0), "26.04", true).await.expect_err("refused");
    assert_eq!(words, "machine-0 is a controller and cannot be targeted for series upgrade");
}

#[tokio::test]
async fn a_held_machine_takes_nothing_new_stays_and_comes_back_when_it_is_cancelled() {
    let state = a_state().await;
    let (model, id) = a_machine(&state, "ubuntu@22.04").await;
    let cancel = || state.change(|b, g| upgrade::cancel(b, model, &id, g));
    assert_eq!(cancel().await.expect_err("nothing to cancel").words(), "machine \"0\" is not being upgraded");
    prepare(&state, model, &id, "20.04", true).await.expect("forced, also to an older one");
    let destroy = |force| {
        let how = machine::Destroy { force, ..machine::Destroy::default() };
        let id = id.clone();
        let state = state.clone();
        async move { state.change(|b, g| machine::destroy(b, model, &id, how, g)).await.map(drop) }
    };
    let held = "machine \"0\" is locked for series upgrade";
    assert_eq!(destroy(false).await.expect_err("held").words(), held);
    let on = AddMachine { place: machine::Where::On("lxd".into(), id.clone()), ..AddMachine::default() };
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let added =
        state.change(|b, g| machine::add(b, model, std::slice::from_ref(&on), &base, g)).await.expect("answers");
    let words = added[0].as_ref().expect_err("held").words().to_owned();
    assert_eq!(words, format!("cannot add a new machine: {held}"));
    cancel().await.expect("cancelled");
    assert_eq!(seen(&state, model, &id), None);
    prepare(&state, model, &id, "24.04", false).await.expect("prepared again");
    destroy(true).await.expect("goes by force");
}
