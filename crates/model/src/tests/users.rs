//! Users: how they prove who they are, and what is left of one that is removed.

use super::{CONTROLLER_MODEL, a_model, a_state};
use crate::State;
use crate::change::block;
use crate::change::user::{self, Proof};
use crate::key::Object;
use crate::record::block::BlockKind;
use base::{Kind, Secret};

async fn bob(state: &State, proof: Proof) {
    state.change(|beliefs, given| user::add(beliefs, "bob", "", &proof, "admin", given)).await.expect("a user");
}

fn password() -> Proof {
    Proof::Password(Secret::new("hash"))
}

async fn register(state: &State, sealed: &str, hash: &str) -> Result<(), String> {
    let hash = Secret::new(hash);
    let done = state.change(|beliefs, given| user::register(beliefs, "bob", sealed, &hash, given)).await;
    done.map_err(|refusal| refusal.words().to_owned())
}

async fn prove(state: &State, proof: Proof) {
    state.change(|beliefs, given| user::set_proof(beliefs, "bob", &proof, given)).await.expect("proved");
}

#[tokio::test]
async fn a_registration_is_good_once() {
    let state = a_state().await;
    let none = Err("secret key for user \"bob\" not found".to_owned());
    assert_eq!(register(&state, "", "mine").await, none);
    bob(&state, Proof::Registration("first".into())).await;
    assert_eq!(register(&state, "", "mine").await, none);
    assert_eq!(register(&state, "forged", "mine").await, none);
    assert_eq!(register(&state, "first", "mine").await, Ok(()));
    assert_eq!(register(&state, "first", "again").await, none);
    let hash = || state.read().users["bob"].password_hash.as_ref().map(|hash| hash.reveal().to_owned());
    assert_eq!(hash().as_deref(), Some("mine"));
    // A reset takes the password away; a password takes the registration away.
    prove(&state, Proof::Registration("second".into())).await;
    assert_eq!(hash(), None);
    prove(&state, password()).await;
    assert_eq!(register(&state, "second", "stolen").await, none);
}

#[tokio::test]
async fn of_two_who_register_with_one_token_one_is_in() {
    let state = a_state().await;
    bob(&state, Proof::Registration("first".into())).await;
    let (a, b) = tokio::join!(register(&state, "first", "a"), register(&state, "first", "b"));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
}

#[tokio::test]
async fn a_disabled_user_does_not_register() {
    let state = a_state().await;
    bob(&state, Proof::Registration("first".into())).await;
    let off = |disabled| {
        let state = &state;
        async move { state.change(|beliefs, given| user::set_disabled(beliefs, "bob", disabled, given)).await }
    };
    off(true).await.expect("disabled");
    assert!(register(&state, "first", "mine").await.is_err());
    off(false).await.expect("enabled");
    register(&state, "first", "mine").await.expect("registers");
}

#[tokio::test]
async fn nothing_that_was_given_to_a_removed_user_is_left() {
    let state = a_state().await;
    bob(&state, password()).await;
    let mut models = Vec::new();
    for number in 0..90 {
        let model = a_model(&state, &format!("m{number}")).await;
        let object = Object::Model(model);
        state.change(|beliefs, given| user::grant(beliefs, &object, "bob", "read", given)).await.expect("granted");
        models.push(model);
    }
    let strip = async || state.change(|beliefs, given| user::strip(beliefs, "bob", given)).await.expect("stripped");
    assert!(!strip().await, "taken from a user that is there");
    assert_eq!(state.read().access.iter().filter(|((_, user), _)| user == "bob").count(), 91);
    state.change(|beliefs, given| user::remove(beliefs, "bob", given)).await.expect("removed");
    while strip().await {}
    assert_eq!(state.read().access.iter().filter(|((_, user), _)| user == "bob").count(), 0);
    let again = state.change(|beliefs, given| user::remove(beliefs, "bob", given)).await.expect_err("gone");
    assert_eq!(again.words(), "failed to delete user \"bob\": the user has already been permanently deleted");
    let back = state
        .change(|beliefs, given| user::add(beliefs, "bob", "", &password(), "admin", given))
        .await
        .expect_err("gone");
    assert_eq!(back.words(), "failed to create user: username unavailable");
}

#[tokio::test]
async fn the_owner_stays_and_a_block_on_changes_holds_for_users() {
    let state = a_state().await;
    let owner = state.change(|beliefs, given| user::set_disabled(beliefs, "admin", true, given)).await;
    assert_eq!(owner.expect_err("refused").words(), "failed to disable user: cannot disable controller model owner");
    let nobody = state.change(|beliefs, given| user::set_disabled(beliefs, "bob", true, given)).await;
    assert_eq!(nobody.expect_err("refused").words(), "failed to disable user: user \"bob\" not found");
    let own = CONTROLLER_MODEL.parse().expect("valid");
    let on = state.change(|beliefs, given| block::switch_on(beliefs, own, BlockKind::Change, "", given)).await;
    on.expect("switched on");
    let add = state.change(|beliefs, given| user::add(beliefs, "bob", "", &password(), "admin", given)).await;
    assert_eq!(add.expect_err("refused").kind(), Kind::Blocked);
    let remove = state.change(|beliefs, given| user::remove(beliefs, "bob", given)).await;
    assert_eq!(remove.expect_err("refused").kind(), Kind::Blocked);
}

#[tokio::test]
async fn there_is_one_secret_for_macaroons_and_one_that_does_not_open_is_replaced() {
    use crate::change::bakery::bake;
    let state = a_state().await;
    let bake = async |sealed: &str, unusable: Option<&str>| {
        state.change(|beliefs, given| bake(beliefs, sealed, unusable, given)).await.expect("baked")
    };
    let (a, b) = tokio::join!(bake("a", None), bake("b", None));
    assert_eq!(a, b);
    assert_eq!(bake("c", None).await, a);
    assert_eq!(bake("c", Some("another")).await, a);
    assert_eq!(bake("c", Some(&a)).await, "c");
}
