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

#[tokio::test]
async fn spaces_and_subnets_of_a_cloud_with_networks_answer_in_the_original_shapes() {
    use base::SeenSubnet;
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let seen = ["10.0.0.0/24", "10.0.1.0/24"].map(|cidr| {
        let subnet = SeenSubnet::on_machine(cidr.parse().expect("a subnet"));
        SeenSubnet { provider_id: format!("net-{cidr}"), zones: vec!["a".into()], ..subnet }
    });
    let learn = rig.state.change(|beliefs, given| model::change::network::learn(beliefs, uuid, &seen, true, given));
    learn.await.expect("learns");
    let client = rig.login(&model_path(uuid), "admin").await;
    let call = async |facade: &str, version, method: &str, params| {
        client.call(facade, version, method, params).await.unwrap_or_else(|error| panic!("{method}: {error:?}"))
    };
    let space = json!({"space-tag": "space-db", "cidrs": ["10.0.1.0/24"], "public": false});
    let made = call("Spaces", 6, "CreateSpaces", json!({"spaces": [space]})).await;
    assert_eq!(made["results"][0]["error"], json!(null), "{made}");
    let listed = call("Subnets", 5, "ListSubnets", json!({"space-tag": "space-db"})).await;
    assert_eq!(listed["results"][0]["cidr"], "10.0.1.0/24", "{listed}");
    let found = call("Subnets", 5, "SubnetsByCIDR", json!({"cidrs": ["10.0.0.0/24"]})).await;
    assert_eq!(found["results"][0]["subnets"][0]["space-tag"], "space-alpha", "{found}");
    let id = found["results"][0]["subnets"][0]["id"].as_str().expect("an id").to_owned();
    let moves = json!({"args": [{"space-tag": "space-db", "subnets": [format!("subnet-{id}")], "force": false}]});
    let moved = call("Spaces", 6, "MoveSubnets", moves).await;
    assert_eq!(moved["results"][0]["moved-subnets"][0]["cidr"], "10.0.0.0/24", "{moved}");
    let change = json!({"changes": [{"from-space-tag": "space-db", "to-space-tag": "space-data"}]});
    let renamed = call("Spaces", 6, "RenameSpace", change).await;
    assert_eq!(renamed["results"][0]["error"], json!(null), "{renamed}");
    let remove = json!({"space-param": [{"space": {"tag": "space-data"}, "force": false, "dry-run": false}]});
    let removed = call("Spaces", 6, "RemoveSpace", remove).await;
    assert_eq!(removed["results"][0]["error"], json!(null), "{removed}");
    let spaces = call("Spaces", 6, "ListSpaces", json!({})).await;
    assert_eq!(spaces["results"].as_array().map(Vec::len), Some(1), "{spaces}");
}
