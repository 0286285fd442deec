//! Storage pools, as clients make and list them.

use super::rig::Rig;
use serde_json::{Value, json};

#[tokio::test]
async fn pools_are_made_listed_by_name_and_provider_and_removed() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    let list = async |filter: Value| {
        let all = model.call("Storage", 6, "ListPools", json!({"filters": [filter]})).await.expect("answers");
        all["results"][0].clone()
    };
    let names = |result: &Value| -> Vec<String> {
        let pools = result["storage-pools"].as_array().cloned().unwrap_or_default();
        pools.iter().map(|pool| pool["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(&list(json!({})).await), ["rootfs", "tmpfs", "loop"]);
    let pools = json!({"pools": [
        {"name": "thin", "provider": "loop", "attrs": {"reserve": false}},
        {"name": "x", "provider": "ebs", "attrs": null},
        {"name": "y", "provider": "loop", "attrs": {"reserve": {}}},
    ]});
    let made = model.call("Storage", 7, "CreatePool", pools).await.expect("answers");
    assert_eq!(made["results"][0], json!({}));
    assert_eq!(made["results"][1]["error"]["code"], "not found");
    assert_eq!(made["results"][2]["error"]["message"], "attribute \"reserve\" is neither a text nor a number");
    let thin = json!({"name": "thin", "provider": "loop", "attrs": {"reserve": "false"}});
    assert_eq!(list(json!({"names": ["thin"]})).await, json!({"storage-pools": [thin]}));
    assert_eq!(names(&list(json!({"providers": ["loop", "tmpfs"]})).await), ["tmpfs", "loop", "thin"]);
    assert_eq!(list(json!({"providers": ["ebs"]})).await["error"]["code"], "not found");
    assert_eq!(list(json!({"names": ["nope"]})).await, json!({}));

    let update = json!({"pools": [{"name": "thin", "attrs": {"reserve": "true"}}]});
    assert_eq!(model.call("Storage", 7, "UpdatePool", update).await.expect("answers"), json!({"results": [{}]}));
    assert_eq!(list(json!({"names": ["thin"]})).await["storage-pools"][0]["attrs"], json!({"reserve": "true"}));

    let block = json!({"type": "BlockRemove", "message": "not now"});
    model.call("Block", 2, "SwitchBlockOn", block).await.expect("blocked");
    let remove = json!({"pools": [{"name": "thin"}]});
    let refused = model.call("Storage", 7, "RemovePool", remove.clone()).await.expect_err("blocked").to_string();
    assert!(refused.contains("not now"), "{refused}");
    model.call("Block", 2, "SwitchBlockOff", json!({"type": "BlockRemove"})).await.expect("free");
    assert_eq!(model.call("Storage", 7, "RemovePool", remove).await.expect("answers"), json!({"results": [{}]}));
    assert_eq!(names(&list(json!({})).await).len(), 3);
}

#[tokio::test]
async fn without_storage_the_lists_are_empty_and_none_is_found() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    for method in ["ListFilesystems", "ListVolumes", "ListStorageDetails"] {
        let list = model.call("Storage", 7, method, json!({"filters": [{}]})).await.expect("answers");
        assert_eq!(list, json!({"results": [{}]}), "{method}");
    }
    let tags = json!({"entities": [{"tag": "storage-pgdata-0"}]});
    let details = model.call("Storage", 7, "StorageDetails", tags).await.expect("answers");
    assert_eq!(details["results"][0]["error"]["message"], "storage instance \"pgdata/0\" not found");
}
