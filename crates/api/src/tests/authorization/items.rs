//! Calls that speak of many things ask for each by itself: what comes of each, by role. Every method with an `i` in the table has its rows here.

use super::{Bed, rows};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One question. In `params`: MODEL is where the roles have what their names say, OTHER where `other` alone has anything.
struct Ask {
    facade: &'static str,
    method: &'static str,
    params: &'static str,
    /// Where in the answer the words of a refusal stand; empty: the call as a whole is refused.
    at: &'static str,
    refused: &'static str,
    /// All others are refused.
    may: &'static [&'static str],
}

const DENIED: &str = "permission denied";
const FIRST: &str = "/results/0/error/message";
const READERS: &[&str] = &["reader", "writer", "owner", "super"];
const OWNERS: &[&str] = &["owner", "super"];
const OTHERS: &[&str] = &["other", "super"];
const CLOUDS: &[&str] = &["cloud", "super"];
const ADDERS: &[&str] = &["adder", "cloud", "super"];
const SUPER: &[&str] = &["super"];

macro_rules! ask {
    ($facade:literal . $method:literal, $params:literal, $at:expr, $refused:expr, $may:expr) => {
        Ask { facade: $facade, method: $method, params: $params, at: $at, refused: $refused, may: $may }
    };
}

/// Before those that change anything come those that read.
const ASKED: &[Ask] = &[
    // Clouds: nobody but who administers it, and superusers, has anything on `lab`; credentials are their owner's.
    ask!("Cloud"."Cloud", r#"{"entities": [{"tag": "cloud-lab"}]}"#, FIRST, "cloud \"lab\" not found", ADDERS),
    ask!("Cloud"."CloudInfo", r#"{"entities": [{"tag": "cloud-lab"}]}"#, FIRST, "cloud \"lab\" not found", ADDERS),
    ask!("Cloud"."ListCloudInfo", r#"{"user-tag": "user-admin"}"#, "", DENIED, SUPER),
    ask!("Cloud"."Credential", r#"{"entities": [{"tag": "cloudcred-lab_admin_default"}]}"#, FIRST, DENIED, SUPER),
    ask!("Cloud"."CredentialContents", r#"{"credentials": [{"cloud-name": "lab", "credential-name": "default"}], "include-secrets": true}"#, FIRST, "credential \"default\" not found", SUPER),
    ask!("Cloud"."UserCredentials", r#"{"user-clouds": [{"user-tag": "user-admin", "cloud-tag": "cloud-lab"}]}"#, FIRST, DENIED, SUPER),
    ask!("Cloud"."CheckCredentialsModels", r#"{"credentials": [{"tag": "cloudcred-lab_admin_default", "credential": {"auth-type": "empty"}}]}"#, FIRST, DENIED, SUPER),
    ask!("Cloud"."AddCredentials", r#"{"credentials": [{"tag": "cloudcred-lab_admin_more", "credential": {"auth-type": "empty"}}]}"#, FIRST, DENIED, SUPER),
    ask!("Cloud"."UpdateCredentialsCheckModels", r#"{"credentials": [{"tag": "cloudcred-lab_admin_default", "credential": {"auth-type": "empty"}}]}"#, FIRST, DENIED, SUPER),
    ask!("Cloud"."RevokeCredentialsCheckModels", r#"{"credentials": [{"tag": "cloudcred-lab_admin_more", "force": true}]}"#, FIRST, DENIED, SUPER),
    ask!("Cloud"."RemoveClouds", r#"{"entities": [{"tag": "cloud-lab"}]}"#, FIRST, DENIED, CLOUDS),
    ask!("Cloud"."ModifyCloudAccess", r#"{"changes": [{"cloud-tag": "cloud-lab", "user-tag": "user-none", "action": "grant", "access": "add-model"}]}"#, FIRST, DENIED, CLOUDS),
    // The controller.
    ask!("Controller"."ControllerAPIInfoForModels", r#"{"entities": [{"tag": "model-OTHER"}]}"#, FIRST, DENIED, OTHERS),
    ask!("Controller"."ControllerAPIInfoForModels", r#"{"entities": [{"tag": "model-MODEL"}]}"#, FIRST, DENIED, READERS),
    ask!("Controller"."GetControllerAccess", r#"{"entities": [{"tag": "user-admin"}]}"#, FIRST, DENIED, SUPER),
    ask!("Controller"."ModelStatus", r#"{"entities": [{"tag": "model-MODEL"}]}"#, "/models/0/error/message", DENIED, OWNERS),
    // Models.
    ask!("ModelManager"."ModelStatus", r#"{"entities": [{"tag": "model-MODEL"}]}"#, "/models/0/error/message", DENIED, OWNERS),
    ask!("ModelManager"."ModelStatus", r#"{"entities": [{"tag": "model-OTHER"}]}"#, "/models/0/error/message", DENIED, OTHERS),
    ask!("ModelManager"."ModelInfo", r#"{"entities": [{"tag": "model-MODEL"}]}"#, FIRST, DENIED, READERS),
    ask!("ModelManager"."ModelInfo", r#"{"entities": [{"tag": "model-OTHER"}]}"#, FIRST, DENIED, OTHERS),
    ask!("ModelManager"."DumpModels", r#"{"entities": [{"tag": "model-MODEL"}], "simplified": true}"#, FIRST, DENIED, OWNERS),
    ask!("ModelManager"."DumpModels", r#"{"entities": [{"tag": "model-OTHER"}]}"#, FIRST, DENIED, OTHERS),
    ask!("ModelManager"."DumpModelsDB", r#"{"entities": [{"tag": "model-MODEL"}]}"#, FIRST, DENIED, OWNERS),
    ask!("ModelManager"."DumpModelsDB", r#"{"entities": [{"tag": "model-OTHER"}]}"#, FIRST, DENIED, OTHERS),
    ask!("ModelManager"."ListModels", r#"{"tag": "user-admin"}"#, "", DENIED, SUPER),
    ask!("ModelManager"."ListModelSummaries", r#"{"user-tag": "user-admin", "all": true}"#, "", DENIED, SUPER),
    ask!("ModelManager"."CreateModel", r#"{"name": "mine", "owner-tag": "user-admin", "cloud-tag": "cloud-lab"}"#, "", DENIED, SUPER),
    ask!("ModelManager"."ChangeModelCredential", r#"{"model-credentials": [{"model-tag": "model-OTHER", "credential-tag": "cloudcred-lab_admin_default"}]}"#, FIRST, DENIED, SUPER),
    // Not even an owner may use what is somebody else's.
    ask!("ModelManager"."ChangeModelCredential", r#"{"model-credentials": [{"model-tag": "model-MODEL", "credential-tag": "cloudcred-lab_admin_default"}]}"#, FIRST, DENIED, SUPER),
    ask!("ModelManager"."ModifyModelAccess", r#"{"changes": [{"model-tag": "model-OTHER", "user-tag": "user-none", "action": "grant", "access": "read"}]}"#, FIRST, DENIED, OTHERS),
    ask!("ModelManager"."ModifyModelAccess", r#"{"changes": [{"model-tag": "model-MODEL", "user-tag": "user-none", "action": "grant", "access": "read"}]}"#, FIRST, DENIED, OWNERS),
    ask!("ModelManager"."DestroyModels", r#"{"models": [{"model-tag": "model-OTHER", "force": true}]}"#, FIRST, DENIED, OTHERS),
    // Users.
    ask!("UserManager"."UserInfo", r#"{"entities": [{"tag": "user-admin"}]}"#, FIRST, DENIED, SUPER),
    ask!("UserManager"."ModelUserInfo", r#"{"entities": [{"tag": "model-OTHER"}]}"#, FIRST, DENIED, OTHERS),
    ask!("UserManager"."ModelUserInfo", r#"{"entities": [{"tag": "model-MODEL"}]}"#, FIRST, DENIED, READERS),
    ask!("UserManager"."SetPassword", r#"{"changes": [{"tag": "user-admin", "password": "s3cret"}]}"#, FIRST, DENIED, SUPER),
];

const ASKERS: [&str; 8] = ["login", "reader", "writer", "owner", "other", "adder", "cloud", "super"];
/// They list what their caller may see, or have watchers of their own connection: tests below.
const OTHERWISE: [&str; 8] = [
    "ModelSummaryWatcher.Next",
    "ModelSummaryWatcher.Stop",
    "Cloud.Clouds",
    "NotifyWatcher.Next",
    "NotifyWatcher.Stop",
    "AllWatcher.Stop",
    "StringsWatcher.Next",
    "StringsWatcher.Stop",
];

#[test]
fn every_method_that_asks_by_item_is_asked() {
    let rows = rows();
    let by_item = rows.iter().filter(|row| row.cells.contains(&"i"));
    let by_item: BTreeSet<String> = by_item.map(|row| format!("{}.{}", row.facade, row.method)).collect();
    let asked = ASKED.iter().map(|ask| format!("{}.{}", ask.facade, ask.method));
    let asked: BTreeSet<String> = asked.chain(OTHERWISE.map(str::to_owned)).collect();
    assert_eq!(by_item, asked);
}

#[tokio::test]
async fn every_item_as_every_role() {
    let bed = Bed::make().await;
    let rows = rows();
    let mut wrong = Vec::new();
    for role in ASKERS {
        let client = bed.connect(role, false).await.expect("logs in");
        for ask in ASKED {
            let row = rows.iter().find(|row| row.facade == ask.facade && row.method == ask.method);
            let text = ask.params.replace("MODEL", &bed.model.to_string()).replace("OTHER", &bed.other.to_string());
            let params: Value = serde_json::from_str(&text).expect("JSON");
            for version in &row.expect("a row").versions {
                let before = bed.rig.state.read().revision();
                let answer = client.call(ask.facade, *version, ask.method, params.clone()).await;
                let words = match &answer {
                    Err(rpc::CallError::Refused(error)) => error.message.as_str(),
                    Err(_) => "closed",
                    Ok(body) => body.pointer(ask.at).and_then(Value::as_str).unwrap_or_default(),
                };
                let (refused, may) = (words.ends_with(ask.refused), ask.may.contains(&role));
                if refused == may || words == "closed" {
                    wrong.push(format!("{role}: {}.{} {text} gave {answer:?}", ask.facade, ask.method));
                }
                if refused && bed.rig.state.read().revision() != before {
                    wrong.push(format!("{role}: {}.{} {text} changed something", ask.facade, ask.method));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn lists_have_only_what_their_reader_may_see() {
    let bed = Bed::make().await;
    let seen = async |role: &str, facade: &str, version, method: &str, params: Value, at: &str| {
        let client = bed.connect(role, false).await.expect("logs in");
        let answer = client.call(facade, version, method, params).await.expect("answers");
        answer.pointer(at).map_or(0, |all| all.as_array().map_or(all.as_object().map_or(0, |all| all.len()), Vec::len))
    };
    for (role, clouds, models, users) in [
        ("login", 0, 0, 1),
        ("reader", 0, 1, 1),
        ("owner", 0, 1, 1),
        ("cloud", 1, 0, 1),
        ("adder", 1, 0, 1),
        ("other", 0, 1, 1),
        ("super", 1, 2, 9),
    ] {
        let user = super::user_of(role).expect("a user");
        assert_eq!(seen(role, "Cloud", 7, "Clouds", json!({}), "/clouds").await, clouds, "{role}: clouds");
        let tag = json!({"tag": format!("user-{user}")});
        assert_eq!(seen(role, "ModelManager", 10, "ListModels", tag, "/user-models").await, models, "{role}: models");
        assert_eq!(seen(role, "UserManager", 3, "UserInfo", json!({}), "/results").await, users, "{role}: users");
    }
    let info = json!({"entities": [{"tag": format!("model-{}", bed.model)}]});
    for (role, users) in [("reader", 1), ("writer", 1), ("owner", 4), ("super", 4)] {
        let found = seen(role, "ModelManager", 10, "ModelInfo", info.clone(), "/results/0/result/users").await;
        assert_eq!(found, users, "{role}: users of the model");
    }
    // Whoever may not read the controller's model is told its version and name.
    for (role, all) in [("login", false), ("reader", true)] {
        let found = seen(role, "ModelConfig", 3, "ModelGet", json!({}), "/config").await;
        assert_eq!(found > 5, all, "{role}: {found} settings");
    }
}

#[tokio::test]
async fn a_watcher_is_of_its_connection_alone() {
    let bed = Bed::make().await;
    let one = bed.connect("owner", true).await.expect("logs in");
    let two = bed.connect("owner", true).await.expect("logs in");
    let opened = one.call("Client", 8, "WatchAll", json!({})).await.expect("watches");
    let id = opened["watcher-id"].as_str().expect("an id");
    for (facade, version) in [("AllWatcher", 3), ("StringsWatcher", 1), ("NotifyWatcher", 1)] {
        for method in ["Next", "Stop"] {
            let answer = two.0.call(facade, version, id, method, json!({})).await;
            assert_eq!(super::super::rig::refused(answer), "unknown watcher id (not found)", "{facade}.{method}");
        }
    }
    one.0.call("AllWatcher", 3, id, "Next", json!({})).await.expect("its own");
    let one = bed.connect("super", false).await.expect("logs in");
    let two = bed.connect("super", false).await.expect("logs in");
    for (method, facade, version) in
        [("WatchAllModels", "AllModelWatcher", 4), ("WatchModelSummaries", "ModelSummaryWatcher", 1)]
    {
        let opened = one.call("Controller", 12, method, json!({})).await.expect("watches");
        let id = opened["watcher-id"].as_str().expect("an id");
        let answer = two.0.call(facade, version, id, "Next", json!({})).await;
        assert_eq!(super::super::rig::refused(answer), "unknown watcher id (not found)", "{facade}");
        one.0.call(facade, version, id, "Next", json!({})).await.expect("its own");
    }
}

#[tokio::test]
async fn a_credential_serves_its_owner_alone() {
    use model::change::user;
    use model::key::Object;
    let bed = Bed::make().await;
    let cloud = Object::Cloud("lab".into());
    let grant =
        |beliefs: &model::Beliefs, given: model::Given<'_>| user::grant(beliefs, &cloud, "owner", "add-model", given);
    bed.rig.state.change(grant).await.expect("granted");
    let client = bed.connect("owner", false).await.expect("logs in");
    let create = |name: &str, credential: &str| json!({"name": name, "owner-tag": "user-owner", "cloud-tag": "cloud-lab", "credential": credential});
    let stolen = client.call("ModelManager", 10, "CreateModel", create("one", "cloudcred-lab_admin_default")).await;
    assert_eq!(super::letter(&stolen), ".", "{stolen:?}");
    client.call("ModelManager", 10, "CreateModel", create("two", "")).await.expect("a model without a credential");
}
