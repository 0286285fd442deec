//! A machine's upgrade to another release, through the wire: held, watched, put back in service.

use super::rig::{Client, Rig, model_path, refused};
use base::{MachineId, ModelUuid, OsBase};
use model::change::machine::upgrade::agent_did;
use model::record::upgrade::Phase;
use serde_json::{Value, json};

const DEBIAN: &str = r#"{"params": [{"base": {"name": "debian", "channel": "12"}, "jobs": ["JobHostUnits"]}]}"#;

async fn call(client: &Client, method: &str, params: Value) -> Value {
    client.call("MachineManager", 10, method, params).await.expect("answers")
}

fn arg(channel: &str) -> Value {
    json!({"tag": {"tag": "machine-0"}, "force": false, "channel": channel})
}

async fn read(client: &Client, watcher: &str) -> Value {
    let params = json!({"params": [{"entity": {"tag": "machine-0"}, "watcher-id": watcher}]});
    call(client, "GetUpgradeSeriesMessages", params).await["results"][0]["result"].clone()
}

async fn watch(client: &Client) -> String {
    let watched = call(client, "WatchUpgradeSeriesNotifications", json!({"entities": [{"tag": "machine-0"}]})).await;
    watched["results"][0]["NotifyWatcherId"].as_str().expect("an id").to_owned()
}

async fn next(client: &Client, watcher: &str) -> Result<Value, rpc::CallError> {
    client.0.call("NotifyWatcher", 1, watcher, "Next", json!({})).await
}

async fn did(rig: &Rig, model: ModelUuid, step: Phase, now: &str) {
    let (id, now) = (MachineId::top(0), OsBase::parse(now).ok());
    rig.state.change(|b, g| agent_did(b, model, &id, step, now.clone(), g)).await.expect("is noted");
}

#[tokio::test]
async fn each_step_is_told_to_all_who_watch_and_ends_their_watching() {
    let rig = Rig::start().await;
    let model = rig.add_model("m").await;
    let (one, other) = (rig.login(&model_path(model), "admin").await, rig.login(&model_path(model), "admin").await);
    call(&one, "AddMachines", serde_json::from_str(DEBIAN).expect("json")).await;
    assert_eq!(call(&one, "UpgradeSeriesPrepare", arg("13/stable")).await, json!({}));
    let (mine, theirs) = (watch(&one).await, watch(&other).await);
    let began = json!(["machine-0 started upgrade from \"debian@12/stable\" to \"debian@13/stable\""]);
    for (client, watcher) in [(&one, &mine), (&other, &theirs)] {
        assert_eq!(read(client, watcher).await, began);
        next(client, watcher).await.expect("the first comes at once");
    }
    let status = one.call("Client", 8, "FullStatus", json!({"patterns": null})).await.expect("a status");
    let info = &status["machines"]["0"]["instance-status"]["info"];
    assert_eq!(info, "series upgrade prepare started: preparing units");
    did(&rig, model, Phase::PrepareStarted, "debian@12").await;
    for (client, watcher) in [(&one, &mine), (&other, &theirs)] {
        next(client, watcher).await.expect("news");
        assert_eq!(read(client, watcher).await, json!(["machine-0 binaries and service files written"]));
        let stopped = refused(next(client, watcher).await);
        assert_eq!(stopped, "watcher has been stopped (stopped)");
    }
    let held = call(&one, "UpgradeSeriesPrepare", arg("13/stable")).await;
    assert_eq!(held["error"]["info"], json!({"status": "prepare completed"}));
    assert_eq!(call(&one, "UpgradeSeriesComplete", arg("")).await, json!({}));
    let again = watch(&one).await;
    assert_eq!(read(&one, &again).await, json!(["machine-0 complete phase started"]), "not what was told before");
    did(&rig, model, Phase::CompleteStarted, "debian@13").await;
    next(&one, &again).await.expect("news");
    assert_eq!(read(&one, &again).await, json!(["machine-0 series upgrade complete"]));
    assert!(next(&one, &again).await.is_err());
    let status = one.call("Client", 8, "FullStatus", json!({"patterns": null})).await.expect("a status");
    assert_eq!(status["machines"]["0"]["base"], json!({"name": "debian", "channel": "13/stable"}));
}

#[tokio::test]
async fn what_is_wrong_is_told_and_a_held_machine_can_be_let_go() {
    let rig = Rig::start().await;
    let model = rig.add_model("m").await;
    let client = rig.login(&model_path(model), "admin").await;
    call(&client, "AddMachines", serde_json::from_str(DEBIAN).expect("json")).await;
    let same = call(&client, "UpgradeSeriesPrepare", arg("12")).await;
    assert_eq!(same["error"]["message"], "machine-0 is already running base debian@12");
    let early = call(&client, "UpgradeSeriesComplete", arg("")).await;
    let words = "machine \"0\" can not complete, it is either not prepared or already completed";
    assert_eq!(early["error"]["message"], words);
    let valid = call(&client, "UpgradeSeriesValidate", json!({"args": [arg("13"), arg("11")]})).await;
    assert_eq!(valid["Results"][0], json!({"unit-names": []}));
    assert!(valid["Results"][1]["error"]["message"].as_str().expect("words").contains("newer base"));
    let cancel = json!({"entities": [{"tag": "machine-0"}, {"tag": "machine-9"}]});
    let answer = client.call("MachineUpgrade", 1, "Cancel", cancel.clone()).await.expect("answers");
    assert_eq!(answer["results"][0]["error"]["message"], "machine \"0\" is not being upgraded");
    assert_eq!(answer["results"][1]["error"]["code"], "not found");
    call(&client, "UpgradeSeriesPrepare", arg("13")).await;
    let watcher = watch(&client).await;
    next(&client, &watcher).await.expect("the first comes at once");
    let answer = client.call("MachineUpgrade", 1, "Cancel", cancel).await.expect("answers");
    assert_eq!(answer["results"][0], json!({}));
    let ended = refused(next(&client, &watcher).await);
    assert_eq!(ended, "watcher has been stopped (stopped)");
    assert_eq!(call(&client, "UpgradeSeriesPrepare", arg("13")).await, json!({}), "it may be prepared again");
}
