//! The facade of ssh keys over a real connection, with a stand-in for those who publish keys.

use super::rig::Rig;
use crate::doors::{Boxed, KeySource, KeySourceError};
use base::ssh_key::KeyId;
use serde_json::{Value, json};

const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXcPYjNSne8WLcXxgOVCnObMrHJExS0kQZws51BP/wr";
const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

/// `bob` publishes two keys at both publishers, `empty` none; nobody else is known.
pub struct People;

impl KeySource for People {
    fn lines(&self, id: &KeyId) -> Boxed<Result<Vec<String>, KeySourceError>> {
        let answer = match id.user.as_str() {
            "bob" => Ok(vec![format!("{ONE} bob@home"), TWO.to_owned()]),
            "empty" => Ok(Vec::new()),
            _ => Err(KeySourceError(format!("no one is known as {id}"))),
        };
        Box::pin(async move { answer })
    }
}

fn messages(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().expect("results");
    results.iter().map(|one| one["error"]["message"].as_str().unwrap_or("ok")).collect()
}

#[tokio::test]
async fn keys_are_added_imported_listed_and_removed() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    let change = async |method: &str, keys: Value| {
        model.call("KeyManager", 1, method, json!({"user": "whoever", "ssh-keys": keys})).await.expect("answers")
    };
    let list = async |mode: bool| {
        let asked = json!({"entities": {"entities": [{"tag": format!("model-{uuid}")}]}, "mode": mode});
        model.call("KeyManager", 1, "ListKeys", asked).await.expect("lists")["results"][0].clone()
    };
    assert_eq!(list(true).await, json!({}), "no keys are no list");

    let mine = format!("{ONE} me");
    assert_eq!(
        change("AddKeys", json!([mine, "nonsense"])).await,
        json!({"results": [{}, {"error": {"message": "invalid ssh key: nonsense", "code": ""}}]})
    );
    assert_eq!(list(true).await["result"], json!([mine]));
    let fingerprint = "10:8e:0f:72:ff:95:0e:70:4a:e7:be:2e:5a:16:a8:e2";
    assert_eq!(list(false).await["result"], json!([format!("{fingerprint} (me)")]));

    let imported = change("ImportKeys", json!(["gh:bob", "gh:zoe", "lp:empty", "lp:a/../b", "gh:bob"])).await;
    let duplicate = format!("duplicate ssh key: {ONE} bob@home # ssh-import-id gh:bob");
    assert_eq!(
        messages(&imported),
        [
            "ok",
            "no one is known as gh:zoe",
            "no ssh keys are published for lp:empty",
            "invalid ssh key id: lp:a/../b",
            &duplicate,
        ]
    );
    assert_eq!(list(true).await["result"], json!([mine, format!("{TWO} # ssh-import-id gh:bob")]));

    assert_eq!(
        messages(&change("DeleteKeys", json!([fingerprint, "me", TWO])).await),
        ["ok", "key not found: me", "cannot delete all keys"]
    );
    assert_eq!(change("DeleteKeys", Value::Null).await, json!({"results": []}), "nothing asked, nothing answered");
}

#[tokio::test]
async fn others_are_not_asked_without_end_nor_while_changes_are_blocked() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    let many: Vec<String> = (0..21).map(|number| format!("gh:b{number}")).collect();
    let import =
        async |ids: Value| model.call("KeyManager", 1, "ImportKeys", json!({"user": "admin", "ssh-keys": ids})).await;
    let refused = import(json!(many)).await.expect_err("refused").to_string();
    assert!(refused.contains("cannot import more than 20 key ids at once"), "{refused}");
    assert_eq!(import(json!(many[..20])).await.expect("answers")["results"].as_array().map(Vec::len), Some(20));
    model
        .call("Block", 2, "SwitchBlockOn", json!({"type": "BlockChange", "message": "not now"}))
        .await
        .expect("blocked");
    let refused = import(json!(["gh:bob"])).await.expect_err("refused").to_string();
    assert!(refused.contains("not now"), "{refused}");
}
