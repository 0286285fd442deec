//! Storage pools, as clients make and list them.

use super::rig::Rig;
use serde_json::{Value, json};

#[tokio::test]
async fn pools_are_made_listed_by_name_and_provider_and_removed() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    let list = async |filter: Value| {
        let all = model.call("Storage", 7, "ListPools", json!({"filters": [filter]})).await.expect("answers");
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

#[tokio::test]
async fn disks_of_machines_are_volumes_and_filesystems() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    let add = async |params: Value| {
        model.call("MachineManager", 10, "AddMachines", json!({"params": [params]})).await.expect("answers")
    };
    let disks = json!([{"Pool": "loop", "Size": 64, "Count": 1}, {"Pool": "tmpfs", "Size": 0, "Count": 1}]);
    assert_eq!(add(json!({"disks": disks})).await["machines"][0], json!({"machine": "0"}));
    add(json!({"disks": [{"pool": "", "size": null, "count": 1}]})).await;
    let list = async |method: &str, filter: Value| {
        let all = model.call("Storage", 7, method, json!({"filters": [filter]})).await.expect("answers");
        all["results"][0]["result"].as_array().cloned().unwrap_or_default()
    };
    let volumes = list("ListVolumes", json!({})).await;
    let since = volumes[0]["status"]["since"].clone();
    let expected = json!({
        "volume-tag": "volume-0-0",
        "info": {"volume-id": "", "pool": "loop", "size": 64, "persistent": false},
        "life": "alive",
        "status": {"status": "pending", "info": "", "since": since},
        "machine-attachments": {"machine-0": {"life": "alive"}},
    });
    assert_eq!((volumes.len(), &volumes[0]), (2, &expected));
    assert_eq!((&volumes[1]["volume-tag"], &volumes[1]["info"]["size"]), (&json!("volume-1-2"), &json!(1024)));
    let filesystems = list("ListFilesystems", json!({})).await;
    let tags: Vec<_> = filesystems.iter().map(|one| (&one["filesystem-tag"], &one["volume-tag"])).collect();
    let (first, second) = (json!("filesystem-0-0"), json!("filesystem-0-1"));
    let (volume, none, third, its) = (json!("volume-0-0"), json!(null), json!("filesystem-1-2"), json!("volume-1-2"));
    assert_eq!(tags, [(&first, &volume), (&second, &none), (&third, &its)]);
    assert_eq!(list("ListVolumes", json!({"machines": ["machine-1"]})).await.len(), 1);
    assert_eq!(list("ListVolumes", json!({"machines": ["machine-7"]})).await.len(), 0);

    let status = async |params: Value| model.call("Client", 8, "FullStatus", params).await.expect("answers");
    let shown = status(json!({"patterns": ["1"], "include-storage": true})).await;
    assert_eq!((shown["volumes"].as_array().map(Vec::len), &shown["volumes"][0]), (Some(1), &volumes[1]));
    assert_eq!(shown["storage"], json!(null));
    assert_eq!(status(json!({"patterns": null})).await["volumes"], json!(null), "only when it is asked for");
    let tag = json!({"entities": [{"tag": format!("model-{uuid}")}]});
    let controller = rig.login("/api", "admin").await;
    let of_model = controller.call("ModelManager", 9, "ModelStatus", tag).await.expect("answers");
    assert_eq!(of_model["models"][0]["volumes"][0], json!({"id": "0/0", "status": "pending"}));

    let refused = add(json!({"disks": [{"Pool": "ebs", "Size": 1, "Count": 1}]})).await;
    assert_eq!(refused["machines"][0]["error"]["message"], "cannot add a new machine: storage pool \"ebs\" not found");
    let refused = add(json!({"disks": [{"Pool": "loop", "Size": -1, "Count": 1}]})).await;
    assert!(refused["machines"][0]["error"]["message"].as_str().is_some_and(|words| words.contains("below zero")));
    let host = json!({"instance-id": "manual:1.2.3.4", "nonce": "n", "disks": [{"Pool": "loop", "Count": 1}]});
    let refused = add(host).await;
    assert!(refused["machines"][0]["error"]["message"].as_str().is_some_and(|words| words.contains("a host that is")));
}
