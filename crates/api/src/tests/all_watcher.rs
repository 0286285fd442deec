//! The AllWatcher over the wire, as python-libjuju uses it.

use super::rig::{CONTROLLER_MODEL, Client, Rig, model_path, refused};
use serde_json::{Value, json};
use std::time::Duration;

async fn next(client: &Client, id: &str) -> Vec<Value> {
    let answer = client.0.call("AllWatcher", 3, id, "Next", json!({})).await.expect("deltas");
    answer["deltas"].as_array().cloned().expect("a list")
}

async fn watch(client: &Client) -> String {
    let watcher = client.call("Client", 8, "WatchAll", json!({})).await.expect("watches");
    watcher["watcher-id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn everything_comes_first_and_then_what_changes() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    let id = watch(&client).await;
    let first = next(&client, &id).await;
    assert_eq!(first.len(), 1);
    assert_eq!((&first[0][0], &first[0][1]), (&json!("model"), &json!("change")));
    assert_eq!((&first[0][2]["model-uuid"], &first[0][2]["name"]), (&json!(uuid), &json!("m1")));
    assert!(first[0][2]["config"].is_object(), "without it python-libjuju's watcher dies");

    let waiting = tokio::spawn({
        let (client, id) = (client.clone(), id.clone());
        async move { next(&client, &id).await }
    });
    // A waiting `Next` holds nothing else up.
    client.call("Pinger", 1, "Ping", json!({})).await.expect("pings");
    client.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("adds");
    let deltas = waiting.await.expect("ran");
    let machine = deltas.iter().find(|delta| delta[0] == "machine").expect("a machine");
    assert_eq!(
        (&machine[1], &machine[2]["id"], &machine[2]["instance-id"]),
        (&json!("change"), &json!("0"), &json!(""))
    );
    for key in ["agent-status", "instance-status", "addresses", "life", "base", "jobs"] {
        assert!(machine[2].get(key).is_some(), "{key}");
    }
    assert_eq!(machine[2]["base"], "ubuntu@24.04");

    client.call("Action", 7, "Run", json!({"commands": "true", "machines": ["0"]})).await.expect("runs");
    let action = next(&client, &id).await;
    assert_eq!(
        (&action[0][0], &action[0][2]["id"], &action[0][2]["status"]),
        (&json!("action"), &json!("2"), &json!("pending"))
    );

    client
        .call("Annotations", 2, "Set", json!({"annotations": [{"entity": "machine-0", "annotations": {"k": "v"}}]}))
        .await
        .expect("sets");
    let annotation = next(&client, &id).await;
    assert_eq!(
        annotation[0],
        json!(["annotation", "change", {"tag": "machine-0", "annotations": {"k": "v"}, "model-uuid": uuid}])
    );

    let zero = base::MachineId::top(0);
    use model::change::machine;
    client
        .call("MachineManager", 10, "DestroyMachineWithParams", json!({"machine-tags": ["machine-0"]}))
        .await
        .expect("answers");
    rig.state.change(|b, g| machine::mark_dead(b, uuid, &zero, g)).await.expect("dies");
    rig.state.change(|b, g| machine::remove_record(b, uuid, &zero, g)).await.expect("goes");
    let mut removed = Vec::new();
    while !removed.iter().any(|delta: &Value| delta[0] == "machine" && delta[1] == "remove") {
        removed.extend(next(&client, &id).await);
    }
    let gone = removed.iter().find(|delta| delta[0] == "machine" && delta[1] == "remove").expect("removed");
    assert_eq!(gone[2]["id"], "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_watcher_ends_its_next_with_the_words_that_clients_match() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(watch(&client).await);
    }
    for id in &ids {
        next(&client, id).await;
    }
    // None waits for another, and they arrive together: a `Next` is of the watcher that was there when it came.
    let calls = ids.iter().flat_map(|id| ["Next", "Stop"].map(|method| (id, method)));
    let calls = calls.map(|(id, method)| client.0.call("AllWatcher", 3, id, method, json!({})));
    let answers = futures_util::future::join_all(calls);
    let answers = tokio::time::timeout(Duration::from_secs(10), answers).await.expect("end");
    for (nth, answer) in answers.into_iter().enumerate() {
        match nth % 2 {
            0 => assert_eq!(refused(answer), "watcher was stopped ()"),
            _ => assert_eq!(answer.expect("stops"), json!({})),
        }
    }
    let id = &ids[0];
    assert_eq!(refused(client.0.call("AllWatcher", 3, id, "Stop", json!({})).await), "unknown watcher id (not found)");
    assert_eq!(refused(client.0.call("AllWatcher", 3, id, "Next", json!({})).await), "unknown watcher id (not found)");
}

#[tokio::test]
async fn the_end_of_a_model_is_told_and_then_the_watcher_ends() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    let id = watch(&client).await;
    next(&client, &id).await;
    use model::change::model as steps;
    rig.state.change(|b, g| steps::destroy(b, uuid, Default::default(), g)).await.expect("is to go");
    while !rig.state.change(|b, g| steps::remove_some(b, uuid, g)).await.expect("goes") {}
    let mut deltas = Vec::new();
    while !deltas.iter().any(|delta: &Value| delta[0] == "model" && delta[1] == "remove") {
        deltas.extend(next(&client, &id).await);
    }
    let gone = deltas.iter().find(|delta| delta[1] == "remove").expect("told");
    assert!(gone[2]["config"].is_object() && gone[2]["model-uuid"] == json!(uuid));
    let ended = client.0.call("AllWatcher", 3, &id, "Next", json!({})).await;
    assert_eq!(refused(ended), "watcher was stopped ()");
    let again = client.call("Client", 8, "WatchAll", json!({})).await;
    assert_eq!(refused(again), format!("unknown model: \"{uuid}\" (model not found)"));
    client.0.call("AllWatcher", 3, &id, "Stop", json!({})).await.expect("stops");
    client.call("Pinger", 1, "Ping", json!({})).await.expect("pings");
}

#[tokio::test]
async fn of_all_models_each_change_says_whose_it_is() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let opened = client.call("Controller", 12, "WatchAllModels", json!({})).await.expect("watches");
    let id = opened["watcher-id"].as_str().expect("an id").to_owned();
    let next = async || client.0.call("AllModelWatcher", 4, &id, "Next", json!({})).await.expect("deltas");
    let first = next().await;
    assert!(
        first["deltas"].as_array().is_some_and(|all| all.iter().all(|one| one[2]["model-uuid"] == CONTROLLER_MODEL))
    );
    let model = rig.add_model("m").await.to_string();
    let second = next().await;
    assert_eq!((&second["deltas"][0][0], &second["deltas"][0][2]["model-uuid"]), (&json!("model"), &json!(model)));
    assert_eq!(second["deltas"][0][2]["name"], "m");
    client.0.call("AllModelWatcher", 4, &id, "Stop", json!({})).await.expect("stops");
    let gone = client.0.call("AllModelWatcher", 4, &id, "Next", json!({})).await;
    assert_eq!(refused(gone), "unknown watcher id (not found)");
}

#[tokio::test]
async fn a_line_for_each_model_that_its_reader_may_see() {
    let rig = Rig::start().await;
    let (admin, reader) = (rig.login("/api", "admin").await, rig.login("/api", "reader").await);
    let open = async |client: &Client, method: &str| {
        let opened = client.call("Controller", 12, method, json!({})).await.expect("watches");
        opened["watcher-id"].as_str().expect("an id").to_owned()
    };
    let (all, own) = (open(&admin, "WatchAllModelSummaries").await, open(&reader, "WatchModelSummaries").await);
    let next = async |client: &Client, id: &str| {
        let lines = client.0.call("ModelSummaryWatcher", 1, id, "Next", json!({})).await.expect("lines");
        lines["models"].as_array().cloned().expect("a list")
    };
    assert_eq!((next(&admin, &all).await.len(), next(&reader, &own).await.len()), (1, 1));
    let model = rig.add_model("m").await.to_string();
    let line = next(&admin, &all).await.remove(0);
    assert_eq!((&line["name"], &line["admins"], &line["status"]), (&json!("m"), &json!(["admin"]), &json!("green")));
    assert_eq!(line["size"], json!({"machines": 0, "containers": 0, "applications": 0, "units": 0, "relations": 0}));
    let change = |action: &str| {
        let tag = format!("model-{model}");
        json!({"changes": [{"user-tag": "user-reader", "action": action, "access": "read", "model-tag": tag}]})
    };
    admin.call("ModelManager", 10, "ModifyModelAccess", change("grant")).await.expect("grants");
    assert_eq!(next(&reader, &own).await[0]["name"], "m");
    admin.call("ModelManager", 10, "ModifyModelAccess", change("revoke")).await.expect("revokes");
    assert_eq!(next(&reader, &own).await[0], json!({"uuid": model, "removed": true}));
}
