//! What is a leak, seen from before a cloud was asked and from after.

use super::{a_model, a_state};
use crate::change::machine::{self, AddMachine};
use crate::change::start::{self, Running};
use crate::query::leaks::{Marks, Views};
use crate::state::{Read, State};
use base::{Hardware, MachineId, ModelUuid, OsBase};
use std::collections::HashSet;

async fn added(state: &State, model: ModelUuid) -> MachineId {
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let one = [AddMachine::default()];
    state.change(|b, g| machine::add(b, model, &one, &base, g)).await.expect("is added").remove(0).expect("this one")
}

async fn started(state: &State, model: ModelUuid, id: &MachineId, instance: &str) {
    state.change(|b, g| start::begin(b, model, id, "hash", &[], g)).await.expect("begins");
    let running = Running {
        instance_id: instance.into(),
        display_name: String::new(),
        hardware: Hardware::default(),
        addresses: Vec::new(),
        disks: Vec::new(),
        message: String::new(),
        ssh_host_keys: Vec::new(),
    };
    state.change(|b, g| start::started(b, model, id, &running, g)).await.expect("is noted");
}

async fn gone(state: &State, model: ModelUuid, id: &MachineId) {
    state.change(|b, g| machine::destroy(b, model, id, Default::default(), g)).await.expect("dies");
    state.change(|b, g| machine::mark_dead(b, model, id, g)).await.expect("is dead");
    state.change(|b, g| machine::remove_record(b, model, id, g)).await.expect("goes");
}

#[tokio::test]
async fn what_either_view_explains_is_no_stray() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let uuid = model.to_string();
    let empty = state.read();
    let id = added(&state, model).await;
    let starting = state.read();
    started(&state, model, &id, "i-0").await;
    let running = state.read();
    gone(&state, model, &id).await;
    let after = state.read();
    let check = |before: &Read, now: &Read, id: &str, expected: bool, what: &str| {
        let marks = Marks { model: &uuid, instance: Some(("0", id)) };
        assert_eq!(Views { before, now }.is_stray(marks), expected, "{what}");
    };
    check(&empty, &empty, "i-0", true, "nobody knows the machine");
    check(&empty, &starting, "i-0", false, "its record came while the cloud was asked");
    check(&starting, &starting, "i-0", false, "it starts: its instance is there, and was not told yet");
    check(&starting, &running, "i-0", false, "its start was over while the cloud was asked");
    check(&running, &running, "i-0", false, "it runs");
    check(&running, &running, "i-1", true, "another with its marks");
    check(&running, &after, "i-0", false, "it went while the cloud was asked");
    check(&after, &after, "i-0", true, "it is gone, and its instance is not");
    let of_model = |model: &str| Views { before: &after, now: &after }.is_stray(Marks { model, instance: None });
    assert_eq!([of_model(&uuid), of_model("b0b0b0b0-0000-4000-8000-00000000b0b0"), of_model("")], [false, true, true]);
}

#[tokio::test]
async fn a_machine_is_lost_that_both_views_believe_in() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let uuid = model.to_string();
    let id = added(&state, model).await;
    let starting = state.read();
    started(&state, model, &id, "i-0").await;
    let running = state.read();
    state.change(|b, g| machine::destroy(b, model, &id, Default::default(), g)).await.expect("dies");
    let dying = state.read();
    let check = |before: &Read, now: &Read, seen: &[(&str, &str, &str)], expected: &[&str], what: &str| {
        let seen: HashSet<_> = seen.iter().copied().collect();
        let lost = Views { before, now }.lost(|_| true, &seen);
        assert_eq!(lost.iter().map(|one| one.instance_id.as_str()).collect::<Vec<_>>(), expected, "{what}");
        assert!(Views { before, now }.lost(|_| false, &seen).is_empty(), "another cloud's");
    };
    check(&running, &running, &[], &["i-0"], "its cloud has none");
    check(&running, &running, &[(&uuid, "0", "i-0")], &[], "it is there");
    check(&running, &running, &[(&uuid, "1", "i-0")], &["i-0"], "it is another machine's");
    check(&starting, &running, &[], &[], "it came while the cloud was asked");
    check(&running, &dying, &[], &[], "it goes");
    check(&dying, &dying, &[], &[], "it goes, and its instance is gone");
}
