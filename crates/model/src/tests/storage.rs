//! Storage pools, changed through a real store.

use super::{a_model, a_state};
use crate::State;
use crate::change::storage;
use crate::query::storage::{pool, pools};
use crate::record::storage::Pool;
use base::{ModelUuid, Refusal};
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
