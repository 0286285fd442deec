//! A model as `dump-model` shows it: what is there, and what must not be.

use super::rig::{CONTROLLER_MODEL, Rig, model_path};
use serde_json::{Value, json};

#[tokio::test]
async fn a_dump_has_the_models_records_and_none_of_its_secrets() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let config =
        json!({"authorized-keys": "ssh-rsa AAAAB3 somebody", "syslog-client-key": "PRIVATE", "extra-info": "x"});
    let create = json!({"name": "m", "owner-tag": "user-admin", "cloud-tag": "cloud-lab", "config": config});
    let made = client.call("ModelManager", 10, "CreateModel", create).await.expect("makes");
    let uuid = made["uuid"].as_str().expect("a uuid").to_owned();
    let model = rig.login(&model_path(uuid.parse().expect("valid")), "admin").await;
    model.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("added");
    model.call("Action", 7, "Run", json!({"commands": "true", "machines": ["0"]})).await.expect("enqueued");

    let entities = json!([{"tag": format!("model-{uuid}")}, {"tag": "machine-0"}]);
    let db = client.call("ModelManager", 9, "DumpModelsDB", json!({"entities": entities})).await.expect("answers");
    let all = db["results"][0]["result"].clone();
    let nouns: Vec<&str> = all.as_object().expect("a map").keys().map(String::as_str).collect();
    let expected =
        ["access", "agent", "instance", "keys", "machine", "model", "operation", "sequence", "settings", "task"];
    assert_eq!(nouns, expected);
    assert!(all.as_object().expect("a map").values().all(Value::is_object), "{all}");
    assert_eq!((&all["model"]["name"], &all["access"]["admin"]), (&json!("m"), &json!("admin")));
    assert_eq!(all["machine"]["0"]["base"]["name"], "ubuntu");
    assert_eq!(all["keys"]["authorized-keys"], json!(["ssh-rsa AAAAB3 somebody"]));
    assert_eq!((&all["settings"]["extra-info"], all["settings"].get("syslog-client-key")), (&json!("x"), None));
    assert_eq!(db["results"][1]["error"]["message"], "\"machine-0\" is not a valid model tag");

    for (simplified, has_tasks) in [(false, true), (true, false)] {
        let params = json!({"entities": entities, "simplified": simplified});
        let answer = client.call("ModelManager", 10, "DumpModels", params).await.expect("answers");
        let text = answer["results"][0]["result"].as_str().expect("a text").to_owned();
        assert!(text.starts_with("access:\n  admin: admin\n"), "{text}");
        assert!(text.contains("\nmachine:\n  \"0\":\n"), "{text}");
        assert_eq!((text.contains("\noperation:\n"), text.contains("\ntask:\n")), (has_tasks, has_tasks), "{text}");
        assert!(!text.contains("PRIVATE") && !text.contains("token-hash"), "{text}");
        assert!(answer["results"][1]["error"]["message"].is_string());
    }
    let unknown = json!({"entities": [{"tag": format!("model-{}", CONTROLLER_MODEL.replace('a', "b"))}]});
    let answer = client.call("ModelManager", 10, "DumpModels", unknown).await.expect("answers");
    assert_eq!(answer["results"][0]["error"]["code"], "model not found");
}

#[tokio::test]
async fn whoever_asks_for_the_same_model_again_and_again_gets_no_more_than_an_answer_holds() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let create = json!({"name": "m", "owner-tag": "user-admin", "cloud-tag": "cloud-lab", "config": {"extra-info": "x".repeat(60_000)}});
    let made = client.call("ModelManager", 10, "CreateModel", create).await.expect("makes");
    let one = json!({"tag": format!("model-{}", made["uuid"].as_str().expect("a uuid"))});
    for method in ["DumpModels", "DumpModelsDB"] {
        let answer = client.call("ModelManager", 10, method, json!({"entities": vec![&one; 10_000]})).await;
        let answer = answer.expect("answers");
        let results = answer["results"].as_array().expect("a list");
        assert_eq!(results.len(), 10_000);
        let refused = results.iter().filter(|one| !one["error"].is_null());
        let words: Vec<&str> = refused.filter_map(|one| one["error"]["message"].as_str()).collect();
        assert!(words.iter().all(|words| *words == "too much for one answer: ask for fewer at once"), "{words:?}");
        assert!((9_000..9_999).contains(&words.len()), "{method}: {} were refused", words.len());
    }
}
