//! Who did what is kept, and can be asked for; and no secret is in it.

use super::rig::{Client, PASSWORD, Rig, refused};
use serde_json::{Value, json};
use std::time::Duration;

async fn entries(client: &Client, query: Value) -> Vec<Value> {
    let told = client.call("Audit", 1, "List", query).await.expect("answers");
    told["entries"].as_array().cloned().expect("a list")
}

/// Entries are written a moment after the answer.
async fn until(client: &Client, query: Value, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let seen = entries(client, query.clone()).await;
        if seen.len() >= count {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {count} entries of {query}: {:?}", entries(client, query.clone()).await)
}

fn short(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", text("user"), text("method"), text("error"))
}

#[tokio::test]
async fn what_was_done_and_refused_is_kept_and_what_was_read_is_not() {
    let rig = Rig::start().await;
    let admin = rig.caller("/api").await;
    let login = json!({"auth-tag": "user-admin", "credentials": PASSWORD, "cli-args": "juju add-user bob"});
    admin.call("Admin", 3, "Login", login).await.expect("logs in");
    let reader = rig.login("/api", "reader").await;
    admin.call("ModelManager", 10, "ListModels", json!({"tag": "user-admin"})).await.expect("lists");
    let users = json!({"users": [{"username": "bob", "display-name": "Bob", "password": "hush-hush"}]});
    admin.call("UserManager", 3, "AddUser", users.clone()).await.expect("adds");
    admin.call("UserManager", 3, "AddUser", users.clone()).await.expect("answers");
    assert!(reader.call("UserManager", 3, "AddUser", users).await.is_err());
    assert!(rig.caller("/api").await.log_in("eve\n\u{1b}[2J", "guess").await.is_err());
    let all = until(&admin, json!({}), 6).await;
    let seen: Vec<String> = all.iter().map(short).collect();
    assert_eq!(
        seen,
        [
            "admin Admin.Login ",
            "reader Admin.Login ",
            "admin UserManager.AddUser ",
            "admin UserManager.AddUser failed to create user: user bob already exists",
            "reader UserManager.AddUser permission denied",
            "eve\\n\\u{1b}[2J Admin.Login \"user-eve\\n\\u{1b}[2J\" is not a valid tag",
        ]
    );
    let added = &all[2];
    assert_eq!(added["command"], "juju add-user bob");
    assert_eq!(added["from"], "127.0.0.1");
    assert_eq!(added["arguments"], r#"{"users":[{"username":"bob","display-name":"Bob","password":"..."}]}"#);
    let text = format!("{all:?}");
    assert!(!text.contains("hush-hush") && !text.contains(PASSWORD) && !text.contains("guess"), "{text}");

    let one = entries(&admin, json!({"users": ["reader"], "methods": ["UserManager"]})).await;
    assert_eq!(one.iter().map(short).collect::<Vec<_>>(), ["reader UserManager.AddUser permission denied"]);
    assert_eq!(entries(&admin, json!({"failed": true})).await.len(), 3);
    assert_eq!(entries(&admin, json!({"limit": 2})).await.iter().map(short).collect::<Vec<_>>(), seen[4..]);
    assert!(entries(&admin, json!({"since": "2100-01-01T00:00:00Z"})).await.is_empty());
    let denied = reader.call("Audit", 1, "List", json!({})).await;
    assert_eq!(refused(denied), "permission denied (unauthorized access)");
}

#[tokio::test]
async fn an_operator_may_keep_more_or_less() {
    let rig = Rig::start().await;
    let admin = rig.login("/api", "admin").await;
    let set = async |config: Value| {
        admin.call("Controller", 12, "ConfigSet", json!({ "config": config })).await.expect("is set");
    };
    let create = async |name: &str| {
        let model = json!({"name": name, "owner-tag": "user-admin", "cloud-tag": "cloud-lab", "config": {"extra-info": "hush"}});
        admin.call("ModelManager", 10, "CreateModel", model).await.expect("a model");
    };
    create("a").await;
    set(json!({"auditing-enabled": false})).await;
    create("b").await;
    set(json!({"auditing-enabled": true, "audit-log-capture-args": false})).await;
    create("c").await;
    set(json!({"audit-log-exclude-methods": ["ModelManager.CreateModel"]})).await;
    create("d").await;
    admin.call("ModelManager", 10, "ListModels", json!({"tag": "user-admin"})).await.expect("lists");
    let made = until(&admin, json!({"methods": ["ModelManager.ListModels"]}), 1).await;
    assert_eq!(made.len(), 1, "what reads is kept when it is not left out");
    let made = entries(&admin, json!({"methods": ["ModelManager.CreateModel"]})).await;
    let arguments: Vec<&str> = made.iter().map(|entry| entry["arguments"].as_str().unwrap_or_default()).collect();
    assert_eq!(arguments.len(), 2, "{made:?}");
    assert!(arguments[0].contains(r#""name":"a""#) && !arguments[0].contains("hush"), "{made:?}");
    assert_eq!(arguments[1], "");
}

#[tokio::test]
async fn whoever_leaves_before_the_answer_is_kept_too() {
    let rig = Rig::start().await;
    let admin = rig.login("/api", "admin").await;
    let leaver = rig.login("/api", "admin").await;
    let users = json!({"users": [{"username": "bob", "display-name": "", "password": "hush-hush"}]});
    // The hash of a password takes a while: nobody is answered at once.
    let call = leaver.call("UserManager", 3, "AddUser", users);
    let _ = tokio::time::timeout(Duration::from_millis(1), call).await;
    drop(leaver);
    let seen = until(&admin, json!({"methods": ["UserManager.AddUser"]}), 1).await;
    let error = seen[0]["error"].as_str().unwrap_or_default();
    assert!(["", "its connection ended before the answer"].contains(&error), "{error}");
}
