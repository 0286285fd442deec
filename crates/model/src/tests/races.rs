//! Many who want the same at once: everybody gets something, nobody the same.

use super::{a_model, a_state};
use crate::change::machine::{AddMachine, add};
use crate::change::user::{self, Proof};
use crate::key::Object;
use base::OsBase;
use std::collections::BTreeSet;

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
