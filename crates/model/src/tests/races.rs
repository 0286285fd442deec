//! Many who want the same at once: everybody gets something, nobody the same.

use super::{a_model, a_state, a_state_in};
use crate::change::Given;
use crate::change::machine::{AddMachine, add};
use crate::change::user::{self, Proof};
use crate::key::Object;
use base::OsBase;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::memory::Memory;
use store::{CommitError, Limits, Store};

#[tokio::test]
async fn a_hundred_machines_at_once_have_a_hundred_ids() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (state, base) = (state.clone(), base.clone());
            tokio::spawn(async move {
                let one = [AddMachine::default()];
                state.change(|beliefs, given| add(beliefs, model, &one, &base, given)).await
            })
        })
        .collect();
    let mut ids = BTreeSet::new();
    for task in tasks {
        let mut outcome = task.await.expect("ran").expect("is added");
        ids.insert(outcome.remove(0).expect("is added"));
    }
    assert_eq!(ids.len(), 100);
    // Whoever was answered sees what was done.
    assert_eq!(state.read().in_model(model).expect("there").machines().count(), 100);
}

#[tokio::test]
async fn of_two_models_of_one_name_there_is_one() {
    let state = a_state().await;
    let wanted = crate::change::model::CreateModel { name: "m".into(), owner: "admin".into(), ..Default::default() };
    let made = async || state.change(|beliefs, given| crate::change::model::create(beliefs, &wanted, given)).await;
    let (a, b, c) = tokio::join!(made(), made(), made());
    assert_eq!([a.is_ok(), b.is_ok(), c.is_ok()].into_iter().filter(|made| *made).count(), 1);
    assert_eq!(state.read().models().count(), 2);
}

#[tokio::test]
async fn access_goes_up_by_grants_and_down_by_one() {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let object = Object::Model(model);
    state
        .change(|beliefs, given| user::add(beliefs, "bob", "", &Proof::Registration("sealed".into()), "admin", given))
        .await
        .expect("a user");
    let level = || state.read().access_of(&object, "bob").map(str::to_owned);
    let grant =
        async |word: &str| state.change(|beliefs, given| user::grant(beliefs, &object, "bob", word, given)).await;
    let revoke =
        async |word: &str| state.change(|beliefs, given| user::revoke(beliefs, &object, "bob", word, given)).await;
    grant("write").await.expect("granted");
    assert_eq!(level().as_deref(), Some("write"));
    assert_eq!(grant("read").await.expect_err("has more").words(), "user already has \"read\" access or greater");
    assert!(grant("superuser").await.is_err());
    revoke("admin").await.expect("nothing to take");
    assert_eq!(level().as_deref(), Some("write"));
    revoke("write").await.expect("taken");
    assert_eq!(level().as_deref(), Some("read"));
    revoke("read").await.expect("taken");
    assert_eq!(level(), None);
}

/// Decided on what was there before, it is not written: the change is decided anew.
#[tokio::test]
async fn nothing_is_granted_to_whom_or_on_what_is_removed_meanwhile() {
    let store = Arc::new(Memory::new());
    let state = a_state_in(store.clone(), Limits::default()).await;
    let model = a_model(&state, "m").await;
    for name in ["bob", "eve"] {
        let proof = Proof::Registration("sealed".into());
        state.change(|beliefs, given| user::add(beliefs, name, "", &proof, "admin", given)).await.expect("a user");
    }
    let decided = |name: &str| {
        let given = Given { now: state.now(), chance: &**state.chance() };
        user::grant(&state.read(), &Object::Model(model), name, "read", given).expect("may be").txn
    };
    let late = async |txn| matches!(store.commit(txn).await, Err(CommitError::Conflict { .. }));
    let txn = decided("bob");
    state.change(|beliefs, given| user::remove(beliefs, "bob", given)).await.expect("removed");
    assert!(late(txn).await, "granted to nobody");
    state
        .change(|beliefs, given| crate::change::model::destroy(beliefs, model, Default::default(), given))
        .await
        .expect("is to go");
    let txn = decided("eve");
    let some = async || state.change(|beliefs, given| crate::change::model::remove_some(beliefs, model, given)).await;
    while !some().await.expect("some are gone") {}
    assert!(late(txn).await, "granted on nothing");
    assert_eq!(state.read().access_on(&Object::Model(model)).count(), 0);
}
