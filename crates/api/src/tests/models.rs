//! Models through the wire, and what different users see of them.

use super::rig::{CONTROLLER_MODEL, Rig, model_path, refused};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<String> {
    let summaries = list["results"].as_array().expect("a list");
    summaries.iter().filter_map(|one| one["result"]["name"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_model_is_made_listed_described_and_ended() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let create = json!({"name": "m1", "owner-tag": "user-admin", "cloud-tag": "cloud-lab", "region": null, "credential": null,
        "config": {"authorized-keys": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ juju-client-key\n", "development": "true"}});
    let info = client.call("ModelManager", 10, "CreateModel", create.clone()).await.expect("makes");
    let uuid = info["uuid"].as_str().expect("a uuid").to_owned();
    assert_eq!(
        (&info["name"], &info["type"], &info["agent-version"]),
        (&json!("m1"), &json!("iaas"), &json!("3.6.100"))
    );
    assert_eq!(info["cloud-credential-tag"], "cloudcred-lab_admin_default");
    // It is usable the moment that the answer comes.
    let model = rig.login(&format!("/model/{uuid}/api"), "admin").await;
    let config = model.call("ModelConfig", 3, "ModelGet", json!({})).await.expect("reads");
    assert_eq!(config["config"]["development"], json!({"value": true, "source": "model"}));
    assert_eq!(config["config"]["name"]["value"], "m1");
    assert_eq!(config["config"]["type"]["value"], "builtin");
    assert!(config["config"].get("authorized-keys").is_none());

    for (change, expected) in [
        (json!({"name": "m1"}), "failed to create new model: model \"m1\" for admin already exists (already exists)"),
        (json!({"name": ""}), "Name must be specified (not valid)"),
        (
            json!({"cloud-tag": "cloud-mars", "name": "m2"}),
            "cloud \"mars\" not found, expected one of [\"lab\"] (not found)",
        ),
        (
            json!({"region": "moon", "name": "m2"}),
            "region \"moon\" not found (expected one of [\"default\"]) (not found)",
        ),
        (json!({"owner-tag": "user-nobody", "name": "m2"}), "user \"nobody\" not found (user not found)"),
        (
            json!({"config": {"uuid": "x"}, "name": "m2"}),
            "failed to create config: uuid is generated, you cannot specify one ()",
        ),
        (
            json!({"config": {"agent-version": "4.0.0"}, "name": "m2"}),
            "failed to create config: agent-version (4.0.0) cannot be greater than the controller (3.6.100) ()",
        ),
    ] {
        let mut params = create.clone();
        params.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        assert_eq!(refused(client.call("ModelManager", 10, "CreateModel", params).await), expected);
    }

    let all = client
        .call("ModelManager", 10, "ListModelSummaries", json!({"user-tag": "user-admin", "all": false}))
        .await
        .expect("lists");
    assert_eq!(names(&all), ["controller", "m1"]);
    let described = client
        .call("ModelManager", 10, "ModelInfo", json!({"entities": [{"tag": format!("model-{uuid}")}]}))
        .await
        .expect("describes");
    assert_eq!(described["results"][0]["result"]["users"][0]["access"], "admin");
    let listed = client.call("Controller", 12, "AllModels", json!({})).await.expect("lists");
    assert_eq!(listed["user-models"].as_array().map(Vec::len), Some(2));

    model.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("adds");
    let destroy = json!({"models": [{"model-tag": format!("model-{uuid}"), "destroy-storage": false, "force": false, "max-wait": null, "timeout": null}]});
    let done = client.call("ModelManager", 10, "DestroyModels", destroy).await.expect("answers");
    assert_eq!(done, json!({"results": [{}]}));
    let entities = json!({"entities": [{"tag": format!("model-{uuid}")}]});
    let status = client.call("ModelManager", 10, "ModelStatus", entities.clone()).await.expect("answers");
    assert_eq!(
        (&status["models"][0]["life"], &status["models"][0]["hosted-machine-count"]),
        (&json!("dying"), &json!(1))
    );
    let own = json!({"models": [{"model-tag": format!("model-{CONTROLLER_MODEL}")}]});
    let own = client.call("ModelManager", 10, "DestroyModels", own).await.expect("answers");
    assert!(own["results"][0]["error"]["message"].as_str().is_some_and(|words| words.contains("controller model")));
    // The reconcilers' steps, then nothing is left of it.
    let parsed = uuid.parse().expect("valid");
    let id = base::MachineId::top(0);
    use model::change::{machine, model as steps};
    assert_eq!(rig.state.change(|b, g| steps::end_machines(b, parsed, g)).await.expect("none left to tell"), 0);
    rig.state.change(|b, g| machine::mark_dead(b, parsed, &id, g)).await.expect("dies");
    rig.state.change(|b, g| machine::remove_record(b, parsed, &id, g)).await.expect("goes");
    while !rig.state.change(|b, g| steps::remove_some(b, parsed, g)).await.expect("removes") {}
    let status = client.call("ModelManager", 10, "ModelStatus", entities).await.expect("answers");
    assert_eq!(status["models"][0]["error"]["code"], "not found");
    assert!(rig.state.read().models.get(&parsed).is_none(), "something of the model is left");
    assert_eq!(
        refused(model.call("Client", 8, "FullStatus", json!({})).await),
        format!("unknown model: \"{uuid}\" (model not found)")
    );
}

#[tokio::test]
async fn others_see_only_what_is_theirs() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let stranger = rig.login("/api", "stranger").await;
    let list = json!({"user-tag": "user-stranger", "all": true});
    assert!(names(&stranger.call("ModelManager", 10, "ListModelSummaries", list).await.expect("lists")).is_empty());
    let entities = json!({"entities": [{"tag": format!("model-{uuid}")}]});
    let info = stranger.call("ModelManager", 10, "ModelInfo", entities.clone()).await.expect("answers");
    assert_eq!(info["results"][0]["error"], json!({"message": "permission denied", "code": "unauthorized access"}));
    let others = stranger.call("ModelManager", 10, "ListModels", json!({"tag": "user-admin"})).await;
    assert_eq!(refused(others), "permission denied (unauthorized access)");
    let create = json!({"name": "mine", "owner-tag": "user-stranger"});
    assert_eq!(
        refused(stranger.call("ModelManager", 10, "CreateModel", create).await),
        "permission denied (unauthorized access)"
    );
    assert_eq!(
        refused(stranger.call("Controller", 12, "AllModels", json!({})).await),
        "permission denied (unauthorized access)"
    );

    // Given read, the stranger reads, and sees itself alone among the users.
    let admin = rig.login("/api", "admin").await;
    let grant = json!({"changes": [{"user-tag": "user-stranger", "action": "grant", "access": "read", "model-tag": format!("model-{uuid}")}]});
    assert_eq!(
        admin.call("ModelManager", 10, "ModifyModelAccess", grant.clone()).await.expect("answers"),
        json!({"results": [{}]})
    );
    let again = admin.call("ModelManager", 10, "ModifyModelAccess", grant).await.expect("answers");
    assert_eq!(again["results"][0]["error"]["message"], "user already has \"read\" access or greater");
    let info = stranger.call("ModelManager", 10, "ModelInfo", entities).await.expect("answers");
    assert_eq!(info["results"][0]["result"]["users"].as_array().map(Vec::len), Some(1));
    let model = rig.login(&model_path(uuid), "stranger").await;
    model.call("Client", 8, "FullStatus", json!({})).await.expect("may read");
    let add = model.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await;
    assert_eq!(refused(add), "permission denied (unauthorized access)");
    // `exec` needs more than write.
    let writer = rig.login(&format!("/model/{CONTROLLER_MODEL}/api"), "writer").await;
    writer
        .call("Annotations", 2, "Set", json!({"annotations": [{"entity": "machine-0", "annotations": {"a": "b"}}]}))
        .await
        .expect("may write");
    assert_eq!(
        refused(writer.call("Action", 7, "Run", json!({"commands": "id", "machines": ["0"]})).await),
        "permission denied (unauthorized access)"
    );
    let read = writer.call("Annotations", 2, "Get", json!({"entities": [{"tag": "machine-0"}]})).await.expect("reads");
    assert_eq!(read["results"][0]["annotations"], json!({"a": "b"}));
}

#[tokio::test]
async fn what_python_libjuju_asks_on_its_way_in() {
    let rig = Rig::start().await;
    let client = rig.login("/api", "admin").await;
    let info = json!({"entities": [{"tag": format!("model-{CONTROLLER_MODEL}")}]});
    let api = client.call("Controller", 12, "ControllerAPIInfoForModels", info).await.expect("answers");
    assert_eq!(api["results"][0]["addresses"], json!(["192.0.2.2:17070"]));
    assert!(api["results"][0]["cacert"].as_str().is_some_and(|pem| pem.starts_with("-----BEGIN CERTIFICATE")));
    let clouds = client.call("Cloud", 7, "Clouds", json!({})).await.expect("answers");
    assert_eq!(
        clouds["clouds"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["cloud-lab".to_owned()])
    );
    let credentials = json!({"user-clouds": [{"user-tag": "user-admin", "cloud-tag": "cloud-lab"}]});
    let credentials = client.call("Cloud", 7, "UserCredentials", credentials).await.expect("answers");
    assert_eq!(credentials["results"][0]["result"], json!(["cloudcred-lab_admin_default"]));
    let unknown = client
        .call("UserManager", 3, "UserInfo", json!({"entities": [{"tag": "user-nobody"}], "include-disabled": true}))
        .await;
    assert_eq!(unknown.expect("answers")["results"][0]["error"]["message"], "permission denied");
    let users = client
        .call("UserManager", 3, "UserInfo", json!({"entities": null, "include-disabled": true}))
        .await
        .expect("answers");
    assert_eq!(users["results"].as_array().map(Vec::len), Some(5));
    assert_eq!(client.call("Pinger", 1, "Ping", json!({})).await.expect("pings"), json!({}));
}
