//! Defaults of models through the wire: who sets them, what is answered to nonsense, where a model says that it has a value from.
//! Blocks too, which stop it.

use super::rig::{CONTROLLER_MODEL, Client, Rig, model_path, refused};
use serde_json::{Value, json};

async fn add_far(client: &Client) {
    let regions = json!([{"name": "east"}, {"name": "west"}]);
    let cloud = json!({"type": "manual", "auth-types": ["empty"], "regions": regions});
    client.call("Cloud", 7, "AddCloud", json!({"name": "far", "cloud": cloud, "force": true})).await.expect("added");
}

async fn set(client: &Client, of: Value) -> Value {
    client.call("ModelManager", 10, "SetModelDefaults", json!({"config": [of]})).await.expect("answers")["results"][0]
        .clone()
}

async fn unset(client: &Client, of: Value) -> Value {
    client.call("ModelManager", 10, "UnsetModelDefaults", json!({"keys": [of]})).await.expect("answers")["results"][0]
        .clone()
}

async fn shown(client: &Client, cloud: &str) -> Value {
    let entities = json!({"entities": [{"tag": cloud}]});
    client.call("ModelManager", 10, "ModelDefaultsForClouds", entities).await.expect("answers")["results"][0].clone()
}

#[tokio::test]
async fn they_are_set_shown_inherited_and_taken_away() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    add_far(&client).await;
    let done = set(&client, json!({"cloud-tag": "cloud-far", "config": {"http-proxy": "http://c", "own": {"a": 1}}}));
    assert_eq!(done.await, json!({}));
    let east = json!({"cloud-tag": "cloud-far", "cloud-region": "east", "config": {"http-proxy": "http://e"}});
    assert_eq!(set(&client, east).await, json!({}));
    let all = shown(&client, "cloud-far").await;
    assert!(all.get("error").is_none());
    let expected = json!({"default": "", "controller": "http://c",
        "regions": [{"region-name": "east", "value": "http://e"}]});
    assert_eq!(all["config"]["http-proxy"], expected);
    assert_eq!(all["config"]["own"], json!({"controller": {"a": 1}}));
    assert_eq!(all["config"]["development"], json!({"default": false}));
    assert_eq!(shown(&client, "cloud-lab").await["config"]["http-proxy"], json!({"default": ""}));

    let create = json!({"name": "m", "owner-tag": "user-admin", "cloud-tag": "cloud-far", "region": "east"});
    let made = client.call("ModelManager", 10, "CreateModel", create).await.expect("makes");
    let uuid = made["uuid"].as_str().expect("a uuid").parse().expect("valid");
    let model = rig.login(&model_path(uuid), "admin").await;
    let get = async || model.call("ModelConfig", 3, "ModelGet", json!({})).await.expect("reads")["config"].clone();
    let config = get().await;
    assert_eq!(config["http-proxy"], json!({"value": "http://e", "source": "region"}));
    assert_eq!(config["own"], json!({"value": {"a": 1}, "source": "controller"}));
    model.call("ModelConfig", 3, "ModelSet", json!({"config": {"http-proxy": "http://m"}})).await.expect("set");
    assert_eq!(get().await["http-proxy"], json!({"value": "http://m", "source": "model"}));
    let east = json!({"cloud-tag": "cloud-far", "cloud-region": "east", "keys": ["http-proxy", "nothing"]});
    assert_eq!(unset(&client, east).await, json!({}));
    assert_eq!(
        shown(&client, "cloud-far").await["config"]["http-proxy"],
        json!({"default": "", "controller": "http://c"})
    );
    model.call("ModelConfig", 3, "ModelUnset", json!({"keys": ["http-proxy"]})).await.expect("reset");
    assert_eq!(get().await["http-proxy"], json!({"value": "http://c", "source": "controller"}));

    // No cloud: the controller's.
    assert_eq!(set(&client, json!({"config": {"development": true}})).await, json!({}));
    let lab = shown(&client, "cloud-lab").await["config"]["development"].clone();
    assert_eq!(lab, json!({"default": false, "controller": true}));
    assert_eq!(unset(&client, json!({"keys": ["development"]})).await, json!({}));
    assert_eq!(shown(&client, "cloud-lab").await["config"]["development"], json!({"default": false}));
}

#[tokio::test]
async fn a_clouds_config_is_shown_among_them_and_to_its_administrators_alone() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let cloud = json!({"type": "manual", "auth-types": ["empty"], "regions": [{"name": "east"}, {"name": "west"}],
        "config": {"http-proxy": "http://u:s3cret@c", "ca-cert": "no model's"}, "region-config": {"east": {"no-proxy": "e"}}});
    client.call("Cloud", 7, "AddCloud", json!({"name": "far", "cloud": cloud, "force": true})).await.expect("added");
    let all = shown(&client, "cloud-far").await["config"].clone();
    assert_eq!(all["http-proxy"], json!({"default": "", "controller": "http://u:s3cret@c"}));
    assert_eq!(all["no-proxy"]["regions"], json!([{"region-name": "east", "value": "e"}]));
    assert!(all.get("ca-cert").is_none());
    let create = json!({"name": "m", "owner-tag": "user-admin", "cloud-tag": "cloud-far", "region": "east"});
    let made = client.call("ModelManager", 10, "CreateModel", create).await.expect("makes");
    let model = rig.login(&model_path(made["uuid"].as_str().expect("a uuid").parse().expect("valid")), "admin").await;
    let config = model.call("ModelConfig", 3, "ModelGet", json!({})).await.expect("reads")["config"].clone();
    assert_eq!(config["http-proxy"], json!({"value": "http://u:s3cret@c", "source": "controller"}));
    assert_eq!(config["no-proxy"], json!({"value": "e", "source": "region"}));

    let grant = json!({"changes": [{"cloud-tag": "cloud-far", "user-tag": "user-owner", "action": "grant", "access": "add-model"}]});
    client.call("Cloud", 7, "ModifyCloudAccess", grant).await.expect("granted");
    let owner = rig.login("/api", "owner").await;
    for (who, sees) in [(&client, true), (&owner, false)] {
        let entities = json!({"entities": [{"tag": "cloud-far"}]});
        // What lists clouds has no config for anybody.
        for (method, sees) in [("Cloud", sees), ("CloudInfo", false)] {
            let answer = who.call("Cloud", 7, method, entities.clone()).await.expect("answers");
            assert_eq!(answer.to_string().contains("s3cret"), sees, "{method}: {answer}");
        }
        let answer = who.call("Cloud", 7, "Clouds", json!({})).await.expect("answers");
        assert_eq!(answer["clouds"]["cloud-far"].get("region-config").is_some(), sees, "{answer}");
    }
}

#[tokio::test]
async fn nonsense_is_told_item_by_item() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let many: serde_json::Map<String, Value> = (0..1001).map(|n| (format!("k{n}"), json!(n))).collect();
    for (of, words, code) in [
        (json!({"cloud-tag": "cloud-mars", "config": {"a": 1}}), "cloud \"mars\" not found", "not found"),
        (json!({"cloud-tag": "machine-0", "config": {"a": 1}}), "\"machine-0\" is not a valid cloud tag", ""),
        (
            json!({"cloud-tag": "cloud-lab", "cloud-region": "moon", "config": {"a": 1}}),
            "region \"moon\" not found (expected one of [\"default\"])",
            "not found",
        ),
        (
            json!({"cloud-tag": null, "config": {"controller-name": "x"}}),
            "\"controller-name\" is a controller attribute, and cannot be set as a model-default",
            "",
        ),
        (json!({"config": {"a": null}}), "a: expected a value, got null", ""),
        (json!({"config": {"proxy-ssh": {"a": 1}}}), "proxy-ssh: expected bool, got {\"a\":1}", ""),
        (json!({"config": many}), "cloud \"lab\" has as many model defaults as it can hold, remove some first", ""),
    ] {
        let error = set(&client, of.clone()).await["error"].clone();
        assert_eq!((&error["message"], &error["code"]), (&json!(words), &json!(code)), "{of}");
    }
    // Nothing, and nulls where there should be something, change nothing.
    for of in [json!({}), json!(null), json!({"config": null}), json!({"config": {}, "cloud-region": null})] {
        assert_eq!(set(&client, of.clone()).await, json!({}), "{of}");
        assert_eq!(unset(&client, of.clone()).await, json!({}), "{of}");
    }
    for (method, params) in [
        ("SetModelDefaults", json!({"config": 1})),
        ("SetModelDefaults", json!({"config": [{"config": [1]}]})),
        ("SetModelDefaults", json!({"config": [{"cloud-tag": 1}]})),
        ("UnsetModelDefaults", json!({"keys": [{"keys": "a"}]})),
        ("UnsetModelDefaults", json!({"keys": [{"keys": [1]}]})),
    ] {
        let call = client.call("ModelManager", 10, method, params.clone()).await;
        assert!(!refused(call).is_empty(), "{method} {params}");
    }
    for method in ["SetModelDefaults", "UnsetModelDefaults"] {
        assert_eq!(client.call("ModelManager", 10, method, json!({})).await.expect("answers"), json!({"results": []}));
    }
    assert_eq!(shown(&client, "cloud-mars").await["error"]["code"], "not found");
    assert_eq!(shown(&client, "").await["error"]["message"], "\"\" is not a valid tag");
    let error = unset(&client, json!({"cloud-tag": "cloud-mars", "keys": ["a"]})).await["error"].clone();
    assert_eq!(error["message"], "cloud \"mars\" not found");
    let read = rig.state.read();
    assert!(read.model_defaults.is_empty());
}

#[tokio::test]
async fn only_superusers_have_to_do_with_them_and_a_block_stops_them_too() {
    let rig = Rig::start().await;
    let owner = rig.login("/api", "owner").await;
    for (method, params) in [
        ("SetModelDefaults", json!({"config": [{"config": {"development": true}}]})),
        ("UnsetModelDefaults", json!({"keys": [{"keys": ["development"]}]})),
        ("ModelDefaultsForClouds", json!({"entities": [{"tag": "cloud-lab"}]})),
    ] {
        let call = owner.call("ModelManager", 10, method, params).await;
        assert_eq!(refused(call), "permission denied (unauthorized access)", "{method}");
    }
    let admin = rig.login("/api", "admin").await;
    let model = rig.login(&format!("/model/{CONTROLLER_MODEL}/api"), "admin").await;
    let block = json!({"type": "BlockChange", "message": "not now"});
    model.call("Block", 2, "SwitchBlockOn", block).await.expect("on");
    let params = json!({"config": [{"config": {"development": true}}]});
    let call = admin.call("ModelManager", 10, "SetModelDefaults", params.clone()).await;
    assert_eq!(refused(call), "not now (operation is blocked)");
    let off = json!({"type": "BlockChange"});
    for _ in 0..2 {
        assert_eq!(model.call("Block", 2, "SwitchBlockOff", off.clone()).await.expect("answers"), json!({}));
    }
    admin.call("ModelManager", 10, "SetModelDefaults", params).await.expect("set");
}

#[tokio::test]
async fn settings_of_the_controller_are_checked() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let set = async |config: Value| client.call("Controller", 12, "ConfigSet", json!({"config": config})).await;
    set(json!({"audit-log-max-size": "200M", "max-agent-state-size": "4096", "features": "a,b"})).await.expect("set");
    let config = client.call("Controller", 12, "ControllerConfig", json!({})).await.expect("reads")["config"].clone();
    assert_eq!((&config["audit-log-max-size"], &config["max-agent-state-size"]), (&json!("200M"), &json!(4096)));
    assert_eq!(config["features"], json!(["a", "b"]));
    for (values, expected) in [
        (json!({"api-port": 1}), "can't change \"api-port\" after bootstrap ()"),
        (json!({"nonsense": 1}), "unknown controller config setting \"nonsense\" ()"),
        (json!({"auditing-enabled": "maybe"}), "auditing-enabled: expected bool, got \"maybe\" ()"),
        (json!({"auditing-enabled": null}), "auditing-enabled: expected bool, got null ()"),
    ] {
        assert_eq!(refused(set(values).await), expected);
    }
}
