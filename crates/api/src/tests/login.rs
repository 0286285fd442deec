//! Who gets in, and what everybody else is told.

use super::rig::{CONTROLLER_MODEL, PASSWORD, Rig, refused};
use serde_json::json;

#[tokio::test]
async fn a_login_tells_what_clients_need() {
    let rig = Rig::start().await;
    let client = rig.caller("/api").await;
    let told = client.log_in("admin", PASSWORD).await.expect("logs in");
    assert_eq!(told["server-version"], "3.6.100");
    assert_eq!(told["controller-tag"], "controller-a1b2c3d4-0000-4000-8000-000000000001");
    assert_eq!(told["servers"][0][0]["value"], "192.0.2.2");
    assert_eq!(
        told["user-info"],
        json!({"display-name": "", "identity": "user-admin", "controller-access": "superuser", "model-access": ""})
    );
    assert!(told.get("model-tag").is_none());
    let names: Vec<&str> =
        told["facades"].as_array().expect("a list").iter().filter_map(|f| f["name"].as_str()).collect();
    assert!(
        names.is_sorted() && names.contains(&"ModelManager") && names.contains(&"Pinger") && !names.contains(&"Client")
    );

    let client = rig.caller(&format!("/model/{CONTROLLER_MODEL}/api")).await;
    let told = client.log_in("reader", PASSWORD).await.expect("logs in");
    assert_eq!(told["model-tag"], format!("model-{CONTROLLER_MODEL}"));
    assert_eq!(told["user-info"]["model-access"], "read");
    let client_facade =
        told["facades"].as_array().expect("a list").iter().find(|f| f["name"] == "Client").expect("listed");
    assert_eq!(client_facade["versions"], json!([6, 7, 8]));
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_so() {
    let rig = Rig::start().await;
    let model = format!("/model/{CONTROLLER_MODEL}/api");
    let nobody = "/model/00000000-0000-4000-8000-00000000dead/api";
    let cases = [
        (
            "/api",
            json!({"auth-tag": "user-admin", "credentials": "x"}),
            "invalid entity name or password (unauthorized access)",
        ),
        (
            "/api",
            json!({"auth-tag": "user-nobody", "credentials": "x"}),
            "invalid entity name or password (unauthorized access)",
        ),
        (
            "/api",
            json!({"auth-tag": "machine-0", "credentials": "x", "nonce": "n"}),
            "invalid entity name or password (unauthorized access)",
        ),
        ("/api", json!({"auth-tag": "foo", "credentials": "x"}), "\"foo\" is not a valid tag ()"),
        (
            "/api",
            json!({"auth-tag": "", "credentials": "x"}),
            "failed to authenticate request: unauthorized (unauthorized access)",
        ),
        ("/api", json!({}), "no credentials provided (no credentials provided)"),
        ("/api", json!({"auth-tag": "user-bob@ldap"}), "invalid entity name or password (unauthorized access)"),
        (
            &model,
            json!({"auth-tag": "user-stranger", "credentials": PASSWORD}),
            "permission denied (unauthorized access)",
        ),
        (
            nobody,
            json!({"auth-tag": "user-admin", "credentials": PASSWORD}),
            "unknown model: \"00000000-0000-4000-8000-00000000dead\" (model not found)",
        ),
    ];
    for (path, params, expected) in cases {
        let client = rig.caller(path).await;
        assert_eq!(refused(client.call("Admin", 3, "Login", params.clone()).await), expected, "{path} {params}");
    }
    // After all that, the right password on a connection that failed once is still good.
    let client = rig.caller("/api").await;
    assert!(client.log_in("admin", "wrong").await.is_err());
    client.log_in("admin", PASSWORD).await.expect("logs in");
    let again = refused(client.log_in("admin", PASSWORD).await);
    assert_eq!(again, "facade \"Admin\" not supported for controller API connection (not supported)");
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "reader").await;
    client.call("ModelManager", 10, "ListModels", json!({"tag": "user-reader"})).await.expect("may list");
    let admin = rig.login("/api", "admin").await;
    let disable = json!({"entities": [{"tag": "user-reader"}]});
    admin.call("UserManager", 3, "DisableUser", disable).await.expect("disables");
    let words = refused(client.call("ModelManager", 10, "ListModels", json!({"tag": "user-reader"})).await);
    assert_eq!(words, "permission denied (unauthorized access)");
    assert!(rig.caller("/api").await.log_in("reader", PASSWORD).await.is_err());
}

#[tokio::test]
async fn a_changed_password_is_good_at_once_and_the_old_one_is_not() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "reader").await;
    let change = json!({"changes": [{"tag": "user-reader", "password": "new"}]});
    client.call("UserManager", 3, "SetPassword", change).await.expect("changes");
    assert!(rig.caller("/api").await.log_in("reader", PASSWORD).await.is_err());
    rig.caller("/api").await.log_in("reader", "new").await.expect("logs in");
    let other = json!({"changes": [{"tag": "user-admin", "password": "new"}]});
    let results = client.call("UserManager", 3, "SetPassword", other).await.expect("answers");
    assert_eq!(results["results"][0]["error"]["message"], "permission denied");
}
