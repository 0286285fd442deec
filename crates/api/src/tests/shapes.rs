//! Answers that no other test asks for, so that their shapes are looked at as all others are (`schema`).

use super::rig::{CONTROLLER_MODEL, Rig, model_path};
use serde_json::json;

#[tokio::test]
async fn blocks_operations_and_spaces_answer_in_the_original_shapes() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let (client, controller) = (rig.login(&model_path(uuid), "admin").await, rig.login("/api", "admin").await);
    client.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("answers");
    let run = json!({"commands": "true", "machines": ["0"]});
    client.call("Action", 7, "Run", run).await.expect("runs");
    let entities = |tag: &str| json!({"entities": [{"tag": tag}]});
    let operations = client.call("Action", 7, "Operations", entities("operation-1")).await.expect("answers");
    assert_eq!(operations["results"][0]["operation"], "operation-1");
    let watched = client.call("Action", 7, "WatchActionsProgress", entities("action-2")).await.expect("answers");
    assert_ne!(watched["results"][0]["watcher-id"], json!(null));
    let space = client.call("Spaces", 6, "ShowSpace", entities("space-alpha")).await.expect("answers");
    assert_eq!(space["results"][0]["space"]["name"], "alpha");

    let block = json!({"type": "BlockChange", "message": "not now"});
    client.call("Block", 2, "SwitchBlockOn", block.clone()).await.expect("answers");
    let blocks = client.call("Block", 2, "List", json!({})).await.expect("answers");
    assert_eq!(blocks["results"][0]["result"]["message"], "not now");
    let models = controller.call("Controller", 12, "ListBlockedModels", json!({})).await.expect("answers");
    assert_eq!(models["models"][0]["name"], "m1");
    client.call("Block", 2, "SwitchBlockOff", block).await.expect("answers");
    controller.call("Controller", 12, "RemoveBlocks", json!({"all": true})).await.expect("answers");
    let spec = controller.call("Controller", 12, "CloudSpec", entities(&format!("model-{CONTROLLER_MODEL}"))).await;
    assert_eq!(spec.expect("answers")["results"][0]["result"]["name"], "lab");
}
