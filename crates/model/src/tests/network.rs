//! Spaces and subnets, changed through a real store.

use super::{a_model, a_state};
use crate::State;
use crate::change::machine::{AddMachine, add};
use crate::change::network;
use crate::change::{instance, settings};
use crate::record::address::Address;
use crate::record::network::Network;
use base::{Constraints, ModelUuid, OsBase, Refusal, SeenSubnet};

fn of_cloud(cidr: &str) -> SeenSubnet {
    SeenSubnet { provider_id: format!("net-{cidr}"), ..SeenSubnet::on_machine(cidr.parse().expect("a subnet")) }
}

async fn learn(state: &State, model: ModelUuid, seen: &[SeenSubnet], whole: bool) {
    state.change(|beliefs, given| network::learn(beliefs, model, seen, whole, given)).await.expect("learns");
}

async fn create(state: &State, model: ModelUuid, name: &str, cidrs: &[&str]) -> Result<(), Refusal> {
    let cidrs: Vec<_> = cidrs.iter().map(|cidr| cidr.parse().expect("a subnet")).collect();
    state.change(|beliefs, given| network::create(beliefs, model, name, &cidrs, given)).await
}

fn now(state: &State, model: ModelUuid) -> Network {
    state.read().in_model(model).expect("there").network().into_owned()
}

/// `space: subnet subnet` for each.
fn shown(state: &State, model: ModelUuid) -> Vec<String> {
    let network = now(state, model);
    let line = |space| {
        let subnets: Vec<String> = network.subnets_of(space).map(|subnet| subnet.cidr.to_string()).collect();
        format!("{}: {}", space.name, subnets.join(" "))
    };
    network.spaces.iter().map(line).collect()
}

async fn wish(state: &State, model: ModelUuid, text: &str) {
    let wanted = Constraints::parse(text).expect("constraints");
    state.change(|beliefs, given| settings::set_constraints(beliefs, model, &wanted, given)).await.expect("sets");
}

#[tokio::test]
async fn subnets_are_learnt_into_alpha_and_moved_from_there() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    learn(&state, model, &[of_cloud("10.0.0.0/24"), of_cloud("10.0.1.0/24")], true).await;
    assert_eq!(shown(&state, model), ["alpha: 10.0.0.0/24 10.0.1.0/24"]);
    create(&state, model, "db", &["10.0.1.0/24"]).await.expect("makes");
    assert_eq!(shown(&state, model), ["alpha: 10.0.0.0/24", "db: 10.0.1.0/24"]);
    // The cloud, asked again, puts nothing back.
    learn(&state, model, &[of_cloud("10.0.0.0/24"), of_cloud("10.0.1.0/24")], true).await;
    assert_eq!(shown(&state, model), ["alpha: 10.0.0.0/24", "db: 10.0.1.0/24"]);
    let id = now(&state, model).subnets[0].id.clone();
    let moved = state
        .change(|beliefs, given| network::move_subnets(beliefs, model, std::slice::from_ref(&id), "db", false, given))
        .await
        .expect("moves");
    assert_eq!((moved.len(), moved[0].from.as_str()), (1, "alpha"));
    assert_eq!(shown(&state, model), ["alpha: ", "db: 10.0.0.0/24 10.0.1.0/24"]);
}

#[tokio::test]
async fn what_is_wrong_changes_nothing() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    learn(&state, model, &[of_cloud("10.0.0.0/24")], true).await;
    let before = now(&state, model);
    let refused = |result: Result<(), Refusal>| result.expect_err("refused").words().to_owned();
    assert_eq!(refused(create(&state, model, "alpha", &[]).await), "space \"alpha\" already exists");
    assert_eq!(refused(create(&state, model, "a", &["10.9.0.0/24"]).await), "subnet \"10.9.0.0/24\" not found");
    let moved = state.change(|b, given| network::move_subnets(b, model, &["1".into()], "no", false, given)).await;
    assert_eq!(moved.expect_err("refused").words(), "space \"no\" not found");
    for name in ["alpha", "no"] {
        state.change(|b, given| network::remove(b, model, name, true, given)).await.expect_err("refused");
        state.change(|b, given| network::rename(b, model, name, "x", given)).await.expect_err("refused");
    }
    assert_eq!(now(&state, model), before);
}

#[tokio::test]
async fn a_wish_follows_its_space_and_holds_it() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    learn(&state, model, &[of_cloud("10.0.0.0/24")], true).await;
    create(&state, model, "db", &["10.0.0.0/24"]).await.expect("makes");
    wish(&state, model, "spaces=db,^alpha mem=1G").await;
    state.change(|b, given| network::rename(b, model, "db", "data", given)).await.expect("renames");
    let spaces =
        |state: &State| state.read().in_model(model).expect("there").constraints.clone().expect("set").0.spaces.clone();
    assert_eq!(spaces(&state), Some(vec!["data".to_owned(), "^alpha".to_owned()]));
    // Its subnet stays, as long as new machines need it there.
    let id = now(&state, model).subnets[0].id.clone();
    let moves = |force| {
        let (state, id) = (state.clone(), id.clone());
        async move {
            state
                .change(|b, given| network::move_subnets(b, model, std::slice::from_ref(&id), "alpha", force, given))
                .await
        }
    };
    assert!(moves(false).await.expect_err("refused").words().contains("spaces=data,^alpha would not hold"));
    let uses = state.change(|b, given| network::remove(b, model, "data", false, given)).await.expect("answers");
    assert!(uses.by_model && now(&state, model).space("data").is_some());
    let uses = state.change(|b, given| network::remove(b, model, "data", true, given)).await.expect("removes");
    assert!(uses.is_empty());
    assert_eq!(spaces(&state), Some(vec!["^alpha".to_owned()]));
    assert_eq!(shown(&state, model), ["alpha: 10.0.0.0/24"]);
}

#[tokio::test]
async fn every_machine_asks_for_a_renamed_space_by_its_new_name() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    create(&state, model, "db", &[]).await.expect("makes");
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let constraints = Constraints::parse("spaces=db,^web").expect("constraints");
    let wanted = vec![AddMachine { constraints, ..AddMachine::default() }; 10];
    for _ in 0..25 {
        state.change(|b, given| add(b, model, &wanted, &base, given)).await.expect("adds");
    }
    state.change(|b, given| network::rename(b, model, "db", "data", given)).await.expect("renames");
    // Until all do, the old name is as good, and belongs to nobody else.
    assert!(now(&state, model).space("db").is_some());
    create(&state, model, "db", &[]).await.expect_err("taken");
    state.change(|b, given| network::rename(b, model, "data", "x", given)).await.expect_err("still being renamed");
    let mut turns = 0;
    while !state.change(|b, given| network::settle(b, model, given)).await.expect("settles") {
        turns += 1;
    }
    assert_eq!(turns, 3, "a hundred at a time");
    let read = state.read();
    let within = read.in_model(model).expect("there");
    assert!(within.machines().all(|(.., one)| one.constraints.to_string() == "spaces=data,^web"));
    assert!(within.network().space("db").is_none());
    create(&state, model, "db", &[]).await.expect("free again");
}

#[tokio::test]
async fn a_subnet_stays_while_a_machine_is_in_it() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    learn(&state, model, &[of_cloud("10.0.0.0/24"), of_cloud("10.0.1.0/24")], true).await;
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let ids = state.change(|b, given| add(b, model, &[AddMachine::default()], &base, given)).await.expect("adds");
    let id = ids.into_iter().next().expect("one").expect("added");
    let set = |state: State, id: base::MachineId| async move {
        let how = |b: &crate::beliefs::Beliefs, given: crate::change::Given<'_>| {
            instance::set(b, model, &id, given, |one, _| one.addresses = vec![Address::of("10.0.0.7")])
        };
        state.change(how).await.expect("sets");
    };
    set(state.clone(), id).await;
    learn(&state, model, &[], true).await;
    assert_eq!(shown(&state, model), ["alpha: 10.0.0.0/24"]);
    assert_eq!(now(&state, model).subnets[0].provider_id, "", "the cloud has it no more");
}

#[tokio::test]
async fn machines_cannot_fill_a_model_with_subnets() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let many: Vec<SeenSubnet> = (0..network::MOST_SUBNETS + 50)
        .map(|n| SeenSubnet::on_machine(format!("10.{}.{}.0/24", n / 256, n % 256).parse().expect("a subnet")))
        .collect();
    learn(&state, model, &many, false).await;
    assert_eq!(now(&state, model).subnets.len(), network::MOST_SUBNETS);
}
