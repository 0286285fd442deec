//! What a machine waits for, asked through the wire.

use super::rig::{Rig, model_path, refused};
use model::change::instance;
use model::change::start::{self, Failed};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn each_machine_says_what_it_waits_for_or_has_an_error_of_its_own() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    for machine in [json!({}), json!({"placement": {"scope": "lxd", "directive": "0"}})] {
        let added = client.call("MachineManager", 10, "AddMachines", json!({ "params": [machine] })).await;
        assert!(added.expect("answers")["machines"][0]["error"].is_null());
    }
    let id = "0".parse().expect("valid");
    let begin =
        |beliefs: &model::Beliefs, given: model::Given<'_>| start::begin(beliefs, uuid, &id, "hash", &[], given);
    rig.state.change(begin).await.expect("begins").expect("it was due");
    let next = rig.state.now().plus(Duration::from_secs(600));
    let failure =
        Failed { message: "m".into(), error: "the cloud is busy".into(), next_try: Some(next), ..Failed::default() };
    let fail = |beliefs: &model::Beliefs, given: model::Given<'_>| start::failed(beliefs, uuid, &id, &failure, given);
    rig.state.change(fail).await.expect("failed");
    let tags = ["machine-0-lxd-0", "machine-99", "user-admin"].map(|tag| json!({ "tag": tag }));
    let answer = client.call("Diagnosis", 1, "Why", json!({ "entities": tags })).await.expect("answers");
    let results = answer["results"].as_array().expect("a list");
    let mut chain = results[0]["waits-for"].as_array().cloned().expect("a chain");
    for link in &mut chain {
        assert!(link.as_object_mut().expect("an object").remove("since").is_some(), "{link}");
    }
    assert_eq!(
        json!(chain),
        json!([
            {"machine": "0/lxd/0", "what": "host", "message": "the instance of its host, machine 0"},
            {"machine": "0", "what": "start-again", "message": "the next try to start its instance", "attempts": 1,
             "last-error": "the cloud is busy", "next-try": next},
        ])
    );
    assert_eq!(results[1]["error"], json!({"message": "machine 99 not found", "code": "not found"}));
    assert_eq!(results[2]["error"]["message"], "\"user-admin\" is not a valid machine tag");
}

#[tokio::test]
async fn a_log_is_the_failed_starts_or_the_clouds_or_none() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    client.call("MachineManager", 10, "AddMachines", json!({"params": [{}, {}]})).await.expect("answers");
    let id = "0".parse().expect("valid");
    let all = async |tags: Vec<&str>| {
        let entities: Vec<Value> = tags.iter().map(|tag| json!({ "tag": tag })).collect();
        client.call("Diagnosis", 1, "FirstBootLog", json!({ "entities": entities })).await
    };
    let asked = async |tag: &str| all(vec![tag]).await.expect("answers")["results"][0].clone();
    let nothing = "machine 0 has no first-boot log: no instance of it was started";
    assert_eq!(asked("machine-0").await["error"], json!({"message": nothing, "code": "not found"}));
    let failure = Failed { message: "m".into(), error: "e".into(), printed: true, ..Failed::default() };
    let fail = |beliefs: &model::Beliefs, given: model::Given<'_>| start::failed(beliefs, uuid, &id, &failure, given);
    rig.state.change(fail).await.expect("failed");
    let gone = "machine 0 has no first-boot log: it was forgotten, like the output of old tasks";
    assert_eq!(asked("machine-0").await["error"]["message"], gone);
    let name = model::output::first_boot(uuid, &id);
    rig.append.blobs().append(&name, None, b"it began\n".to_vec(), 100, 1).await.expect("kept");
    assert_eq!(asked("machine-0").await, json!({"log": "it began\n", "failed": true}));
    // One that has an instance: its cloud is asked, which this server has none of.
    let made =
        |instance: &mut model::record::instance::Instance, _: model::Given<'_>| instance.instance_id = "i-0".into();
    let set = |beliefs: &model::Beliefs, given: model::Given<'_>| instance::set(beliefs, uuid, &id, given, made);
    rig.state.change(set).await.expect("made");
    assert_eq!(asked("machine-0").await["error"]["message"], "cloud \"lab\" shows no consoles");
    assert_eq!(asked("machine-9").await["error"]["message"], "machine 9 not found");
    let many = refused(all(vec!["machine-0"; 17]).await);
    assert_eq!(many, "cannot ask for more than 16 first-boot logs at once ()");
}
