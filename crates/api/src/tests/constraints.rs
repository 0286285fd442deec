//! Constraints of a model, and what machines make of them.

use super::rig::Rig;
use serde_json::{Value, json};

#[tokio::test]
async fn a_models_constraints_fill_up_those_of_new_machines() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    let set = async |constraints: Value| {
        let params = json!({"application": "", "constraints": constraints});
        model.call("ModelConfig", 3, "SetModelConstraints", params).await
    };
    let get = async || model.call("ModelConfig", 3, "GetModelConstraints", json!({})).await.expect("answers");
    let add = async |params: Value| {
        let added =
            model.call("MachineManager", 10, "AddMachines", json!({"params": [params]})).await.expect("answers");
        let id = added["machines"][0]["machine"].as_str().expect("added").to_owned();
        let status = model.call("Client", 8, "FullStatus", json!({"patterns": [id]})).await.expect("answers");
        let found = status["machines"][&id]["constraints"].as_str().map(str::to_owned);
        found.unwrap_or_else(|| panic!("machine {id}: {status}"))
    };
    assert_eq!(get().await, json!({"constraints": {}}));
    set(json!({"mem": 512, "arch": "amd64", "zones": ["a"]})).await.expect("set");
    assert_eq!(get().await["constraints"], json!({"arch": "amd64", "mem": 512, "zones": ["a"]}));

    assert_eq!(add(json!({})).await, "arch=amd64 mem=512M zones=a");
    assert_eq!(add(json!({"constraints": {"mem": 1024, "cores": 2}})).await, "arch=amd64 cores=2 mem=1024M zones=a");
    // Named and empty is named.
    assert_eq!(add(json!({"constraints": {"zones": []}})).await, "arch=amd64 mem=512M zones=");
    let placed = json!({"constraints": {"cores": 2}, "placement": {"scope": uuid.to_string(), "directive": "zone=b"}});
    assert_eq!(add(placed).await, "cores=2", "whoever is told where to go is not told what to be");

    // Setting replaces all, and touches no machine that is there.
    set(json!({"cores": 4})).await.expect("set");
    assert_eq!(get().await["constraints"], json!({"cores": 4}));
    let status = model.call("Client", 8, "FullStatus", json!({"patterns": null})).await.expect("answers");
    assert_eq!(status["machines"]["0"]["constraints"], "arch=amd64 mem=512M zones=a");
    set(json!({})).await.expect("set");
    assert_eq!(get().await, json!({"constraints": {}}));

    let refused = set(json!({"arch": "vax"})).await.expect_err("no such thing").to_string();
    assert!(refused.contains("invalid constraint value: arch=vax"), "{refused}");
    model
        .call("Block", 2, "SwitchBlockOn", json!({"type": "BlockChange", "message": "not now"}))
        .await
        .expect("blocked");
    assert!(set(json!({"cores": 1})).await.expect_err("blocked").to_string().contains("not now"));
}
