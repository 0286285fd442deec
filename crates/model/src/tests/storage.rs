//! Storage pools, changed through a real store.

use super::{a_model, a_state};
use crate::State;
use crate::change::machine::{AddMachine, Where, add};
use crate::change::start::{Running, started};
use crate::change::{instance, settings, storage};
use crate::query::storage::{Asked, MOST_DISKS, disks, pool, pools};
use crate::record::status::InstanceStatus;
use crate::record::storage::Pool;
use base::storage::MadeDisk;
use base::{Hardware, MachineId, ModelUuid, OsBase, Refusal};
use std::collections::BTreeMap;

fn attributes(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

async fn create(
    state: &State,
    model: ModelUuid,
    name: &str,
    provider: &str,
    given: &[(&str, &str)],
) -> Result<(), Refusal> {
    let pool = Pool { provider: provider.to_owned(), attributes: attributes(given) };
    state.change(|beliefs, given| storage::create(beliefs, model, name, &pool, given)).await
}

async fn update(
    state: &State,
    model: ModelUuid,
    name: &str,
    provider: &str,
    given: &[(&str, &str)],
) -> Result<(), Refusal> {
    let all = attributes(given);
    state.change(|beliefs, given| storage::update(beliefs, model, name, provider, &all, given)).await
}

fn names(state: &State, model: ModelUuid) -> Vec<String> {
    pools(state.read().in_model(model).expect("there")).into_iter().map(|(name, _)| name).collect()
}

fn words(result: Result<(), Refusal>) -> String {
    result.expect_err("refused").words().to_owned()
}

#[tokio::test]
async fn pools_are_made_changed_and_removed_beside_those_that_always_are() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    assert_eq!(names(&state, model), ["rootfs", "tmpfs", "loop"]);
    create(&state, model, "thin", "loop", &[("reserve", "false")]).await.expect("makes");
    create(&state, model, "fast", "tmpfs", &[]).await.expect("makes");
    assert_eq!(names(&state, model), ["rootfs", "tmpfs", "loop", "fast", "thin"]);
    update(&state, model, "thin", "", &[("reserve", "true")]).await.expect("changes");
    let now = |name: &str| pool(state.read().in_model(model).expect("there"), name);
    assert_eq!(now("thin").expect("there").attributes, attributes(&[("reserve", "true")]));
    update(&state, model, "fast", "loop", &[("reserve", "false")]).await.expect("changes");
    assert_eq!(now("fast").expect("there").provider, "loop");
    state.change(|b, given| storage::remove(b, model, "thin", given)).await.expect("removes");
    assert_eq!((now("thin"), names(&state, model).len()), (None, 4));
}

#[tokio::test]
async fn what_is_wrong_with_a_pool_is_told_and_changes_nothing() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    create(&state, model, "thin", "loop", &[("reserve", "false")]).await.expect("makes");
    let before = state.read().in_model(model).expect("there").pools.clone().expect("there").to_record();
    let cases = [
        (create(&state, model, "thin", "loop", &[]).await, "storage pool \"thin\" already exists"),
        (create(&state, model, "tmpfs", "loop", &[]).await, "storage pool \"tmpfs\" already exists"),
        (create(&state, model, "1x", "loop", &[]).await, "pool name \"1x\" not valid"),
        (
            create(&state, model, "x", "ebs", &[]).await,
            "storage provider \"ebs\" not found (there is: rootfs, tmpfs, loop)",
        ),
        (
            create(&state, model, "x", "tmpfs", &[("a", "b")]).await,
            "unknown attribute \"a\": storage provider \"tmpfs\" takes none",
        ),
        (
            update(&state, model, "thin", "tmpfs", &[]).await,
            "unknown attribute \"reserve\": storage provider \"tmpfs\" takes none",
        ),
        (update(&state, model, "nope", "", &[]).await, "storage pool \"nope\" not found"),
        (
            update(&state, model, "loop", "", &[("reserve", "false")]).await,
            "storage pool \"loop\" is one that every model has: it stays as it is",
        ),
    ];
    for (result, expected) in cases {
        assert_eq!(words(result), expected);
    }
    let removed = state.change(|b, given| storage::remove(b, model, "loop", given)).await;
    assert_eq!(words(removed), "storage pool \"loop\" is one that every model has: it stays as it is");
    let after = state.read().in_model(model).expect("there").pools.clone().expect("there").to_record();
    assert_eq!(before, after);
}

async fn add_with(
    state: &State,
    model: ModelUuid,
    place: Where,
    asked: &[(&str, u64, u64)],
) -> Result<MachineId, Refusal> {
    let asked = asked.iter().map(|(pool, size, count)| Asked { pool: pool.to_string(), size: *size, count: *count });
    let one = [AddMachine { disks: asked.collect(), place, ..AddMachine::default() }];
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let added = state.change(|beliefs, given| add(beliefs, model, &one, &base, given)).await.expect("answers");
    added.into_iter().next().expect("one answer")
}

/// `id pool provider size status mount-point` of each.
fn shown(state: &State, model: ModelUuid) -> Vec<String> {
    let read = state.read();
    let line = |one: crate::query::storage::Shown<'_>| {
        let place = one.made.map_or("-", |made| &made.mount_point);
        let disk = one.disk;
        format!("{} {} {} {} {} {place}", disk.id, disk.pool, disk.provider, disk.size, one.status.current)
    };
    disks(read.in_model(model).expect("there")).map(line).collect()
}

#[tokio::test]
async fn disks_are_numbered_with_their_machine_and_follow_its_start() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    create(&state, model, "thin", "loop", &[("reserve", "false")]).await.expect("makes");
    let first = add_with(&state, model, Where::Anywhere, &[("thin", 20, 2), ("tmpfs", 0, 1)]).await.expect("added");
    let inner = add_with(&state, model, Where::InNew("lxd".into()), &[("", 30, 1)]).await.expect("added");
    assert_eq!((first.as_str(), inner.as_str()), ("0", "1/lxd/0"));
    let before = [
        "0/0 thin loop 20 pending -",
        "0/1 thin loop 20 pending -",
        "0/2 tmpfs tmpfs 1024 pending -",
        "1/lxd/0/3 loop loop 30 pending -",
    ];
    assert_eq!(shown(&state, model), before, "the host of a container has none of its disks");

    let made = ["0/0", "0/1", "0/2"].map(|id| MadeDisk {
        id: id.into(),
        provider_id: format!("x-{id}"),
        mount_point: format!("/d/{id}"),
    });
    let running = Running {
        instance_id: "juju-0".into(),
        display_name: String::new(),
        hardware: Hardware::default(),
        addresses: Vec::new(),
        disks: made.to_vec(),
        message: "Running".into(),
        ssh_host_keys: Vec::new(),
    };
    state.change(|b, given| started(b, model, &first, &running, given)).await.expect("started");
    assert_eq!(shown(&state, model)[1], "0/1 thin loop 20 attached /d/0/1");
    let fails = |instance: &mut crate::record::instance::Instance, given: crate::Given<'_>| {
        instance.says(InstanceStatus::ProvisioningError, "no room", given);
    };
    state.change(|b, given| instance::set(b, model, &inner, given, fails)).await.expect("failed");
    assert_eq!(shown(&state, model)[3], "1/lxd/0/3 loop loop 30 error -");

    // A pool that is in use stays; one that is changed changes no disk that is there.
    let removed = state.change(|b, given| storage::remove(b, model, "thin", given)).await;
    assert_eq!(words(removed), "storage pool \"thin\" is in use: machine 0 has a disk of it");
    update(&state, model, "thin", "", &[("reserve", "true")]).await.expect("changes");
    let read = state.read();
    let machine = read.in_model(model).expect("there").machine(&first).expect("there").1.to_record();
    assert_eq!(machine.disks[0].attributes, attributes(&[("reserve", "false")]));
}

#[tokio::test]
async fn disks_that_cannot_be_refuse_their_machine_alone() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let refused = add_with(&state, model, Where::Anywhere, &[("ebs", 1, 1)]).await.expect_err("refused");
    assert_eq!(refused.words(), "cannot add a new machine: storage pool \"ebs\" not found");
    for counts in [vec![MOST_DISKS as u64 + 1], vec![u64::MAX], vec![MOST_DISKS as u64, 1]] {
        let asked: Vec<_> = counts.iter().map(|count| ("loop", 10, *count)).collect();
        let refused = add_with(&state, model, Where::Anywhere, &asked).await.expect_err("refused");
        assert_eq!(refused.words(), "cannot add a new machine: a machine has no more than 16 disks");
    }
    let set = BTreeMap::from([("storage-default-block-source".to_owned(), serde_json::json!("tmpfs"))]);
    state.change(|b, given| settings::set(b, model, &set, given)).await.expect("set");
    add_with(&state, model, Where::Anywhere, &[("", 0, 1)]).await.expect("added");
    assert_eq!(shown(&state, model), ["0/0 tmpfs tmpfs 1024 pending -"]);
}
