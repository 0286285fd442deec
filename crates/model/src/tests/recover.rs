//! A user who lost everything but the name gets it back.

use super::a_state;
use crate::access;
use crate::change::recover;
use crate::change::user::{self, Proof};
use crate::key::Object;
use base::{Kind, Secret};

#[tokio::test]
async fn an_admin_who_lost_password_access_and_more_is_superuser_again() {
    let state = a_state().await;
    let proof = Proof::Password(Secret::new("old"));
    state.change(|b, given| user::add(b, "root", "", &proof, "admin", given)).await.expect("a user");
    let changed = state.change(|b, given| user::revoke(b, &Object::Controller, "root", "login", given)).await;
    changed.expect("is revoked");
    state.change(|b, given| user::set_disabled(b, "root", true, given)).await.expect("is disabled");
    assert!(!access::is_superuser(&state.read(), "root"), "the loss was none");

    let hash = Secret::new("new");
    for _ in 0..2 {
        state.change(|b, given| recover::superuser(b, "root", &hash, given)).await.expect("is recovered");
        let read = state.read();
        let root = read.users.get("root").expect("there");
        assert!(!root.disabled && access::is_superuser(&read, "root"));
        assert_eq!(root.password_hash.as_ref().map(Secret::reveal), Some("new"));
    }
    let nobody = state.change(|b, given| recover::superuser(b, "nobody", &hash, given)).await;
    assert_eq!(nobody.expect_err("is refused").kind(), Kind::UserNotFound);
}
