//! Defaults of models: where they hold, what inherits them, what takes them away.

use super::{CONTROLLER_MODEL, a_model, a_state, first_records};
use crate::State;
use crate::change::controller::{Bootstrap, bootstrap};
use crate::change::model::{CreateModel, create};
use crate::change::model_defaults::{self, BYTES, MOST, Where};
use crate::change::{block, cloud, settings as change};
use crate::record::block::BlockKind;
use crate::record::cloud::{Cloud, Region};
use crate::settings;
use base::chance::SystemChance;
use base::clock::{FixedClock, Time};
use base::{ModelUuid, Refusal};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::memory::Memory;

const ALL: Where<'static> = Where { cloud: "", region: "" };
const EAST: Where<'static> = Where { cloud: "far", region: "east" };
const WEST: Where<'static> = Where { cloud: "far", region: "west" };

fn words(done: Result<(), Refusal>) -> String {
    done.map_or_else(|refusal| refusal.words().to_owned(), |()| "ok".to_owned())
}

async fn set(state: &State, at: Where<'_>, values: Value) -> String {
    let values: BTreeMap<String, Value> = serde_json::from_value(values).expect("a map");
    words(state.change(|beliefs, given| model_defaults::set(beliefs, at, &values, given)).await)
}

async fn unset(state: &State, at: Where<'_>, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    words(state.change(|beliefs, given| model_defaults::unset(beliefs, at, &names, given)).await)
}

/// `value from source`.
fn shown(state: &State, model: ModelUuid, name: &str) -> String {
    let read = state.read();
    let all = settings::effective(&read, read.in_model(model).expect("there"));
    all.get(name).map_or_else(|| "none".to_owned(), |(value, source)| format!("{value} from {}", source.word()))
}

fn far(regions: &[&str]) -> Cloud {
    let region = |name: &&str| Region { name: (*name).into(), ..Region::default() };
    Cloud {
        name: "far".into(),
        kind: "lxd".into(),
        endpoint: "192.0.2.9".into(),
        auth_types: vec!["certificate".into()],
        regions: regions.iter().map(region).collect(),
        ..Cloud::default()
    }
}

async fn with_far() -> State {
    let state = a_state().await;
    state.change(|b, g| cloud::add(b, &far(&["east", "west"]), "admin", true, g)).await.expect("added");
    state
}

async fn in_region(state: &State, name: &str, region: &str, config: Value) -> ModelUuid {
    let credential = crate::record::credential::Credential {
        cloud: "far".into(),
        owner: "admin".into(),
        name: "own".into(),
        auth_type: "certificate".into(),
        attributes: BTreeMap::new(),
        sealed: String::new(),
        invalid: false,
        invalid_reason: String::new(),
    };
    let mut txn = store::Txn::new();
    txn.put(crate::key::credential("far", "admin", "own"), crate::record::encode(&credential));
    let committed = state.store().commit(txn).await.expect("committed");
    state.view().wait_for(committed.revision).await.expect("shown");
    let wanted = CreateModel {
        name: name.into(),
        owner: "admin".into(),
        cloud: "far".into(),
        region: region.into(),
        config: serde_json::from_value(config).expect("a map"),
        ..CreateModel::default()
    };
    state.change(|beliefs, given| create(beliefs, &wanted, given)).await.expect("a model")
}

#[tokio::test]
async fn the_nearest_layer_wins_and_is_named() {
    let state = with_far().await;
    let of_cloud = json!({"http-proxy": "http://c", "development": "true", "own-key": 7, "no-proxy": "localhost"});
    assert_eq!(set(&state, Where { cloud: "far", region: "" }, of_cloud).await, "ok");
    assert_eq!(set(&state, EAST, json!({"http-proxy": "http://e", "no-proxy": "10.0.0.0/8"})).await, "ok");
    let given = json!({"no-proxy": "mine", "ftp-proxy": "http://f"});
    let east = in_region(&state, "east", "east", given).await;
    for (name, expected) in [
        ("http-proxy", "\"http://e\" from region"),
        ("development", "true from controller"),
        ("own-key", "7 from controller"),
        ("no-proxy", "\"mine\" from model"),
        ("ftp-proxy", "\"http://f\" from model"),
        ("https-proxy", "\"\" from default"),
        ("type", "\"lxd\" from model"),
    ] {
        assert_eq!(shown(&state, east, name), expected, "{name}");
    }
    let west = in_region(&state, "west", "west", json!({})).await;
    assert_eq!(shown(&state, west, "http-proxy"), "\"http://c\" from controller");
    // Another cloud has its own.
    let near = a_model(&state, "near").await;
    assert_eq!(shown(&state, near, "http-proxy"), "\"\" from default");
    assert_eq!(shown(&state, near, "own-key"), "none");
}

#[tokio::test]
async fn a_clouds_definition_counts_more_than_what_is_set_beside_it() {
    let state = with_far().await;
    let all = Where { cloud: "far", region: "" };
    assert_eq!(set(&state, all, json!({"http-proxy": "http://set", "ftp-proxy": "http://set"})).await, "ok");
    assert_eq!(set(&state, EAST, json!({"ftp-proxy": "http://east", "no-proxy": "set"})).await, "ok");
    let values = |value: Value| serde_json::from_value(value).expect("a map");
    let mut cloud = far(&["east", "west"]);
    // What counts while a controller is made may stand there, and is no model's.
    cloud.config = values(json!({"http-proxy": "http://c", "development": "true", "bootstrap-timeout": 9}));
    cloud.region_config = serde_json::from_value(json!({"east": {"no-proxy": "defined"}})).expect("maps");
    state.change(|b, g| cloud::update(b, &cloud, g)).await.expect("updated");
    let east = in_region(&state, "east", "east", json!({})).await;
    for (name, expected) in [
        ("http-proxy", "\"http://c\" from controller"),
        ("development", "true from controller"),
        ("ftp-proxy", "\"http://east\" from region"),
        ("no-proxy", "\"defined\" from region"),
        ("bootstrap-timeout", "none"),
    ] {
        assert_eq!(shown(&state, east, name), expected, "{name}");
    }
    let west = in_region(&state, "west", "west", json!({})).await;
    assert_eq!(shown(&state, west, "ftp-proxy"), "\"http://set\" from controller");
    assert_eq!(shown(&state, west, "no-proxy"), "\"127.0.0.1,localhost,::1\" from default");

    let counts_more =
        |of: &str| format!("{of} of cloud \"far\", which counts more: change it there, with update-cloud");
    let refused = set(&state, all, json!({"http-proxy": "http://other"})).await;
    assert_eq!(refused, counts_more("\"http-proxy\" is in the config"));
    assert_eq!(
        set(&state, EAST, json!({"no-proxy": "other"})).await,
        counts_more("\"no-proxy\" is in the region-config")
    );
    // The same value, which is what `model-defaults` prints, is no other.
    assert_eq!(set(&state, all, json!({"http-proxy": "http://c", "development": true})).await, "ok");
    for (config, region_config, expected) in [
        (json!({"development": 3}), json!({}), "config of cloud \"far\": development: expected bool, got 3"),
        (json!({}), json!({"east": {"a": null}}), "region-config of cloud \"far\": a: expected a value, got null"),
        (
            json!({}),
            json!({"moon": {"a": 1}}),
            "region-config of cloud \"far\": region \"moon\" not found (expected one of [\"east\" \"west\"])",
        ),
        (json!({"a": "x".repeat(BYTES)}), json!({}), "cloud \"far\" has more config than a cloud can have"),
    ] {
        let cloud = Cloud { config: values(config), ..far(&["east", "west"]) };
        let cloud = Cloud { region_config: serde_json::from_value(region_config).expect("maps"), ..cloud };
        assert_eq!(words(state.change(|b, g| cloud::update(b, &cloud, g)).await), expected);
    }
    // What is taken out of the definition uncovers what was set.
    state.change(|b, g| cloud::update(b, &far(&["east", "west"]), g)).await.expect("updated");
    assert_eq!(shown(&state, east, "no-proxy"), "\"defined\" from model");
    let east = in_region(&state, "again", "east", json!({})).await;
    assert_eq!(shown(&state, east, "no-proxy"), "\"set\" from region");
}

#[tokio::test]
async fn a_model_keeps_what_it_began_with_until_a_key_is_reset() {
    let state = a_state().await;
    assert_eq!(set(&state, ALL, json!({"provisioner-harvest-mode": "none", "proxy-ssh": true})).await, "ok");
    let model = a_model(&state, "m").await;
    let harvests = || settings::harvest(state.read().in_model(model).expect("there")).destroyed;
    assert!(!harvests(), "what it inherits is in force");
    assert!(settings::flag(state.read().in_model(model).expect("there"), "proxy-ssh"));
    assert_eq!(set(&state, ALL, json!({"provisioner-harvest-mode": "all"})).await, "ok");
    assert_eq!(unset(&state, ALL, &["proxy-ssh"]).await, "ok");
    assert!(!harvests());
    assert_eq!(shown(&state, model, "provisioner-harvest-mode"), "\"none\" from model");
    assert_eq!(shown(&state, model, "proxy-ssh"), "true from model");
    // One that was there before has not changed either.
    let controller: ModelUuid = CONTROLLER_MODEL.parse().expect("valid");
    assert_eq!(shown(&state, controller, "provisioner-harvest-mode"), "\"destroyed\" from default");
    let names = ["provisioner-harvest-mode".to_owned(), "proxy-ssh".to_owned()];
    state.change(|b, g| change::unset(b, model, &names, g)).await.expect("reset");
    assert_eq!(shown(&state, model, "provisioner-harvest-mode"), "\"all\" from controller");
    assert_eq!(shown(&state, model, "proxy-ssh"), "false from default");
}

#[tokio::test]
async fn what_is_wrong_is_told_and_changes_nothing() {
    let state = with_far().await;
    let before = state.read().revision();
    for (at, values, expected) in [
        (ALL, json!({"development": "maybe"}), "development: expected bool, got \"maybe\""),
        (ALL, json!({"http-proxy": [1]}), "http-proxy: expected string, got [1]"),
        (ALL, json!({"good": 1, "own-key": null}), "own-key: expected a value, got null"),
        (ALL, json!({"uuid": "x"}), "\"uuid\" is an attribute of one model, and cannot be set as a model-default"),
        (
            ALL,
            json!({"agent-version": "3.6.100"}),
            "\"agent-version\" is an attribute of one model, and cannot be set as a model-default",
        ),
        (ALL, json!({"api-port": 1}), "\"api-port\" is a controller attribute, and cannot be set as a model-default"),
        (ALL, json!({"": 1}), "a model-default needs a key"),
        (Where { cloud: "mars", region: "" }, json!({"a": 1}), "cloud \"mars\" not found"),
        (
            Where { cloud: "far", region: "south" },
            json!({"a": 1}),
            "region \"south\" not found (expected one of [\"east\" \"west\"])",
        ),
        // A region of another cloud.
        (
            Where { cloud: "", region: "east" },
            json!({"a": 1}),
            "region \"east\" not found (expected one of [\"default\"])",
        ),
        (ALL, json!({}), "ok"),
    ] {
        assert_eq!(set(&state, at, values.clone()).await, expected, "{values}");
    }
    assert_eq!(unset(&state, Where { cloud: "mars", region: "" }, &["a"]).await, "cloud \"mars\" not found");
    assert_eq!(unset(&state, ALL, &["http-proxy", "whatever"]).await, "ok", "what has none stays without");
    assert_eq!(state.read().revision(), before);
    let controller: ModelUuid = CONTROLLER_MODEL.parse().expect("valid");
    state.change(|b, g| block::switch_on(b, controller, BlockKind::Change, "frozen", g)).await.expect("on");
    assert_eq!(set(&state, ALL, json!({"a": 1})).await, "frozen");
    assert_eq!(unset(&state, ALL, &["a"]).await, "frozen");
}

#[tokio::test]
async fn a_cloud_has_no_more_of_them_than_its_record_holds() {
    let state = with_far().await;
    let many = |from: usize, count: usize| -> Value {
        (from..from + count).map(|n| (format!("key-{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into()
    };
    let full = "cloud \"far\" has as many model defaults as it can hold, remove some first";
    assert_eq!(set(&state, EAST, many(0, MOST - 1)).await, "ok");
    assert_eq!(set(&state, WEST, many(0, 2)).await, full);
    assert_eq!(set(&state, WEST, many(0, 1)).await, "ok");
    assert_eq!(set(&state, EAST, many(0, 5)).await, "ok", "the same again are no more");
    assert_eq!(set(&state, ALL, json!({"big": "x".repeat(BYTES)})).await, full.replace("far", "lab"));
    assert_eq!(unset(&state, EAST, &["key-0"]).await, "ok");
    assert_eq!(set(&state, WEST, many(1, 1)).await, "ok");
}

#[tokio::test]
async fn they_go_with_their_region_and_with_their_cloud() {
    let state = with_far().await;
    assert_eq!(set(&state, EAST, json!({"a": 1})).await, "ok");
    assert_eq!(set(&state, WEST, json!({"a": 2})).await, "ok");
    let regions = |state: &State| -> Vec<String> {
        let read = state.read();
        read.model_defaults.get("far").into_iter().flat_map(|all| all.regions.keys().cloned()).collect()
    };
    assert_eq!(regions(&state), ["east", "west"]);
    state.change(|b, g| cloud::update(b, &far(&["west", "north"]), g)).await.expect("updated");
    assert_eq!(regions(&state), ["west"]);
    assert_eq!(unset(&state, WEST, &["a"]).await, "ok");
    assert!(state.read().model_defaults.is_empty(), "the last value takes the record along");
    assert_eq!(set(&state, WEST, json!({"a": 3})).await, "ok");
    state.change(|b, g| cloud::remove(b, "far", g)).await.expect("removed");
    assert!(state.read().model_defaults.is_empty());
    state.change(|b, g| cloud::add(b, &far(&["west"]), "admin", true, g)).await.expect("added");
    assert!(state.read().model_defaults.is_empty());
}

/// Before there is a controller.
async fn nothing() -> State {
    let clock = Arc::new(FixedClock::new(Time::from_unix(1_000)));
    State::open(Arc::new(Memory::new()), clock, Arc::new(SystemChance)).await.expect("opens")
}

#[tokio::test]
async fn a_controller_begins_with_those_it_is_given() {
    let mut with = first_records();
    with.model_defaults = [("development".to_owned(), json!("true")), ("no-proxy".to_owned(), json!("d"))].into();
    with.model_config = [("no-proxy".to_owned(), json!("c"))].into();
    let state = nothing().await;
    state.change(|b, g| bootstrap(b, &with, g)).await.expect("bootstraps");
    let first = a_model(&state, "first").await;
    assert_eq!(shown(&state, first, "development"), "true from controller");
    assert_eq!(shown(&state, with.model_uuid, "development"), "true from controller");
    assert_eq!(shown(&state, with.model_uuid, "no-proxy"), "\"c\" from model");
    for (name, value, expected) in [
        ("development", "maybe", "development: expected bool, got \"maybe\""),
        ("features", "x", "\"features\" is a controller attribute, and cannot be set as a model-default"),
    ] {
        with.model_defaults = [(name.to_owned(), json!(value))].into();
        let refused = nothing().await.change(|b, g| bootstrap(b, &with, g)).await;
        assert_eq!(words(refused), expected);
    }
}

/// Its cloud is as it was defined, and what it is given is checked as what is set later.
#[tokio::test]
async fn a_controllers_own_cloud_and_config_are_checked() {
    let mut with = first_records();
    let region = with.region.clone();
    with.cloud.config = serde_json::from_value(json!({"development": "true", "no-proxy": "c"})).expect("a map");
    with.cloud.region_config = serde_json::from_value(json!({region: {"no-proxy": "r"}})).expect("maps");
    with.config = [("auditing-enabled".to_owned(), json!("False"))].into();
    with.model_config = [("authorized-keys", "ssh-rsa AAAA me"), ("default-series", "jammy"), ("extra-info", "x")]
        .map(|(key, text)| (key.to_owned(), json!(text)))
        .into();
    let state = nothing().await;
    state.change(|b, g| bootstrap(b, &with, g)).await.expect("bootstraps");
    let model = a_model(&state, "first").await;
    for (name, expected) in [("development", "true from controller"), ("no-proxy", "\"r\" from region")] {
        assert_eq!(shown(&state, model, name), expected);
        assert_eq!(shown(&state, with.model_uuid, name), expected);
    }
    assert_eq!(shown(&state, with.model_uuid, "extra-info"), "\"x\" from model");
    assert_eq!(shown(&state, with.model_uuid, "default-base"), "\"ubuntu@22.04\" from model");
    assert_eq!(shown(&state, with.model_uuid, "authorized-keys"), "none");
    let read = state.read();
    assert_eq!(read.controller().expect("one").config["auditing-enabled"], json!(false));
    let keys = read.models[&with.model_uuid].keys.as_ref().expect("keys").0.clone();
    assert!(keys.contains(&"ssh-rsa AAAA me".to_owned()), "{keys:?}");
    let good = with;
    let mut with = good.clone();
    let refused = async |with: &Bootstrap, expected: &str| {
        assert_eq!(words(nothing().await.change(|b, g| bootstrap(b, with, g)).await), expected);
    };
    with.config = [("auditing-enabled".to_owned(), json!("maybe"))].into();
    refused(&with, "auditing-enabled: expected bool, got \"maybe\"").await;
    with = good.clone();
    with.model_config = [("development".to_owned(), json!("maybe"))].into();
    refused(&with, "development: expected bool, got \"maybe\"").await;
    with = good.clone();
    with.cloud.region_config = serde_json::from_value(json!({"moon": {}})).expect("maps");
    let known = format!("{:?}", good.region);
    refused(
        &with,
        &format!("region-config of cloud {:?}: region \"moon\" not found (expected one of [{known}])", good.cloud.name),
    )
    .await;
}

#[tokio::test]
async fn what_was_decided_on_older_ones_is_decided_again() {
    let state = a_state().await;
    let mut wanted = CreateModel { name: "m".into(), owner: "admin".into(), ..CreateModel::default() };
    let old = state.read();
    let given = crate::change::Given { now: state.now(), chance: &SystemChance };
    assert_eq!(set(&state, ALL, json!({"a": 1})).await, "ok");
    // There were none, and now there are some.
    let stale = create(&old, &wanted, given).expect("decided").txn;
    assert!(state.store().commit(stale).await.is_err());
    let old = state.read();
    let model = a_model(&state, "other").await;
    let mine = [("a".to_owned(), json!(0))].into();
    state.change(|b, g| change::set(b, model, &mine, g)).await.expect("set");
    let before_reset = state.read();
    assert_eq!(set(&state, ALL, json!({"a": 2})).await, "ok");
    wanted.name = "third".into();
    let stale = create(&old, &wanted, given).expect("decided").txn;
    assert!(state.store().commit(stale).await.is_err());
    let stale = change::unset(&before_reset, model, &["a".to_owned()], given).expect("decided").txn;
    assert!(state.store().commit(stale).await.is_err());
}
