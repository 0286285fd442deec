//! Machines through the wire: added, seen, run on, asked to go.

use super::rig::{Client, Rig, model_path, refused};
use base::status::{AgentStatus, InstanceStatus, TaskStatus};
use base::{ModelUuid, TaskId};
use model::change::task::{self, Ended};
use model::change::{agent, instance, machine};
use model::output::{Stream, blob};
use serde_json::{Value, json};

async fn add(client: &Client, params: Value) -> Value {
    client.call("MachineManager", 10, "AddMachines", json!({ "params": params })).await.expect("answers")
}

/// `id` or the error's words, for each machine.
fn outcome(result: &Value) -> Vec<String> {
    let machines = result["machines"].as_array().expect("a list");
    machines
        .iter()
        .map(|one| one["error"]["message"].as_str().or(one["machine"].as_str()).unwrap_or("?").to_owned())
        .collect()
}

#[tokio::test]
async fn machines_are_added_as_asked_or_refused_one_by_one() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    let nulls = json!([{"addresses": [], "base": null, "constraints": null, "container-type": null, "disks": [],
        "hardware-characteristics": null, "instance-id": null, "jobs": ["JobHostUnits"], "nonce": null, "parent-id": null, "placement": null}]);
    assert_eq!(outcome(&add(&client, nulls).await), ["0"]);
    let check = [
        (json!([{}]), "1"),
        (json!([{"base": {"name": "ubuntu", "channel": "22.04"}, "constraints": {"cores": 2, "mem": 4096}}]), "2"),
        (json!([{"placement": {"scope": "lxd", "directive": "0"}}]), "0/lxd/0"),
        (json!([{"placement": {"scope": "lxd", "directive": ""}}]), "3/lxd/0"),
        (json!([{"container-type": "lxd", "parent-id": "0"}]), "0/lxd/1"),
        (json!([{"placement": {"scope": "m1", "directive": "zone=a"}}]), "4"),
        (json!([{"parent-id": "0"}]), "parent machine specified without container type"),
        (
            json!([{"container-type": "lxd", "placement": {"scope": "lxd", "directive": "0"}}]),
            "container type and placement are mutually exclusive",
        ),
        (json!([{"placement": {"scope": "#", "directive": "0"}}]), "invalid model name \"#\""),
        (json!([{"placement": {"scope": "lxd", "directive": "99"}}]), "cannot add a new machine: machine 99 not found"),
        (
            json!([{"placement": {"scope": "lxd", "directive": "0/lxd/0"}}]),
            "cannot add a new machine: machine 0/lxd/0 cannot host lxd containers",
        ),
        (json!([{"disks": [{"Pool": "x", "Size": 1, "Count": 0}]}]), "invalid volume params: count not specified"),
    ];
    for (params, expected) in check {
        assert_eq!(outcome(&add(&client, params.clone()).await), [expected], "{params}");
    }
    let negative =
        client.call("MachineManager", 10, "AddMachines", json!({"params": [{"constraints": {"mem": -50}}]})).await;
    assert!(negative.is_err(), "a negative size is no item's error but the call's");
    let mixed = add(&client, json!([{}, {"parent-id": "0"}, {}])).await;
    assert_eq!(outcome(&mixed), ["5", "parent machine specified without container type", "6"]);
    assert_eq!(outcome(&add(&client, json!(vec![json!({}); 40])).await).len(), 40);

    let status = client.call("Client", 8, "FullStatus", json!({"patterns": null})).await.expect("a status");
    let machines = status["machines"].as_object().expect("a map");
    assert_eq!(machines.len(), 47);
    assert_eq!(machines["0"]["containers"].as_object().map(|all| all.len()), Some(2));
    assert_eq!(machines["2"]["constraints"], "cores=2 mem=4096M");
    assert_eq!(machines["2"]["base"], json!({"name": "ubuntu", "channel": "22.04/stable"}));
    assert_eq!(
        (&machines["1"]["instance-id"], &machines["1"]["agent-status"]["status"]),
        (&json!("pending"), &json!("pending"))
    );
    for map in ["applications", "remote-applications", "offers"] {
        assert_eq!(status[map], json!({}), "{map}");
    }
    let one = client.call("Client", 8, "FullStatus", json!({"patterns": ["0/lxd/1"]})).await.expect("a status");
    let kept: Vec<&String> = one["machines"].as_object().expect("a map").keys().collect();
    assert_eq!(kept, ["0"]);
}

#[tokio::test]
async fn a_host_that_no_cloud_made_hosts_no_containers() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    add(&client, json!([{"instance-id": "manual:10.0.0.7", "nonce": "manual:10.0.0.7:1"}])).await;
    let inside = json!([{"placement": {"scope": "lxd", "directive": "0"}}]);
    let words = "cannot add a new machine: machine 0 cannot host lxd containers";
    assert_eq!(outcome(&add(&client, inside.clone()).await), [words]);
    // The controller's own host is no machine that anybody made either.
    let own = rig.state.read().controller().expect("there").model_uuid;
    let client = rig.login(&model_path(own), "admin").await;
    assert_eq!(outcome(&add(&client, inside).await), [words]);
    let status = client.call("Client", 8, "FullStatus", json!({})).await.expect("a status");
    assert_eq!(status["machines"]["0"]["containers"], json!({}), "and is left without");
}

#[tokio::test]
async fn a_machine_goes_when_nothing_is_on_it_or_by_force() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    add(&client, json!([{}, {"placement": {"scope": "lxd", "directive": "0"}}])).await;
    add(&client, json!([{"placement": {"scope": "lxd", "directive": "0"}}])).await;
    let destroy = async |params: Value| {
        client.call("MachineManager", 10, "DestroyMachineWithParams", params).await.expect("answers")
    };
    let dry = destroy(json!({"machine-tags": ["machine-0"], "dry-run": true})).await;
    assert_eq!(dry["results"][0]["info"]["destroyed-containers"][0]["info"]["machine-id"], "0/lxd/0");
    let refused = destroy(json!({"machine-tags": ["machine-0", "machine-99", "user-x1"]})).await;
    assert_eq!(
        refused["results"][0]["error"],
        json!({"message": "machine 0 is hosting containers \"0/lxd/0\"", "code": "machine is hosting containers"})
    );
    assert_eq!(refused["results"][1]["error"], json!({"message": "machine 99 not found", "code": "not found"}));
    assert_eq!(refused["results"][2]["error"]["message"], "\"user-x1\" is not a valid machine tag");
    let forced = destroy(json!({"machine-tags": ["machine-0"], "force": true, "max-wait": 0})).await;
    assert_eq!(forced["results"][0]["info"]["machine-id"], "0");
    assert_eq!(destroy(json!({"machine-tags": []})).await, json!({}));
    let status = client.call("Client", 8, "FullStatus", json!({})).await.expect("a status");
    assert_eq!(status["machines"]["0"]["agent-status"]["life"], "dying");
    assert_eq!(status["machines"]["0"]["containers"]["0/lxd/0"]["agent-status"]["life"], "dying");
    // The reconciler's side: no host goes before what is on it, and then all of it goes.
    let ids = ["0/lxd/0", "0"].map(|id| id.parse().expect("valid"));
    let host = rig.state.change(|beliefs, given| machine::remove_record(beliefs, uuid, &ids[1], given)).await;
    assert!(host.is_err());
    for id in &ids {
        rig.state.change(|beliefs, given| machine::mark_dead(beliefs, uuid, id, given)).await.expect("dies");
        rig.state.change(|beliefs, given| machine::remove_record(beliefs, uuid, id, given)).await.expect("goes");
    }
    let status = client.call("Client", 8, "FullStatus", json!({})).await.expect("a status");
    assert!(status["machines"].get("0").is_none());
    // An alarm of the controller's own shows where `status` prints notes, while it lasts.
    for words in [None, Some("controller's disk is nearly full".to_owned()), None] {
        rig.state.alarms().set("disk", words.clone());
        let status = client.call("Client", 8, "FullStatus", json!({})).await.expect("a status");
        assert_eq!(status["model"]["model-status"]["info"], words.unwrap_or_default());
    }
}

async fn make_ready(rig: &Rig, uuid: ModelUuid) {
    let id = base::MachineId::top(0);
    let cloud = |record: &mut model::record::instance::Instance, given: model::Given<'_>| {
        record.instance_id = "i-0".into();
        record.addresses = vec![model::record::address::Address::of("10.0.0.7")];
        record.says(InstanceStatus::Running, "Running", given);
    };
    rig.state.change(|beliefs, given| instance::set(beliefs, uuid, &id, given, cloud)).await.expect("noted");
    let said = |record: &mut model::record::agent::Agent, given: model::Given<'_>| {
        record.hostname = "juju-1-0".into();
        record.version = "3.6.100".into();
        record.ssh_host_keys = vec!["ssh-ed25519 AAAA".into()];
        record.says(AgentStatus::Started, "", given);
    };
    rig.state.change(|beliefs, given| agent::set(beliefs, uuid, &id, given, said)).await.expect("noted");
}

#[tokio::test]
async fn a_command_is_run_and_its_result_is_read() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    add(&client, json!([{}])).await;
    make_ready(&rig, uuid).await;
    let run = json!({"commands": "hostname", "machines": ["0", "7"], "timeout": 300_000_000_000i64});
    let enqueued = client.call("Action", 7, "Run", run).await.expect("runs");
    assert_eq!(enqueued["operation"], "operation-1");
    assert_eq!(enqueued["actions"][0]["action"]["tag"], "action-2");
    assert_eq!(enqueued["actions"][0]["status"], "pending");
    assert_eq!(enqueued["actions"][0]["started"], "0001-01-01T00:00:00Z");
    assert_eq!(enqueued["actions"][1]["error"]["code"], "not found");
    let now = 1;
    rig.append
        .blobs()
        .append(&blob(uuid, TaskId(2), Stream::Stdout), None, b"juju-1-0\n".to_vec(), 1 << 20, now)
        .await
        .expect("kept");
    rig.state.change(|beliefs, given| task::started(beliefs, uuid, TaskId(2), given)).await.expect("starts");
    let how = Ended {
        status: TaskStatus::Completed,
        message: String::new(),
        return_code: Some(0),
        started: None,
        stdout_len: 9,
        stderr_len: 0,
        dropped: 0,
    };
    rig.state.change(|beliefs, given| task::ended(beliefs, uuid, TaskId(2), &how, given)).await.expect("ends");
    let read = client
        .call("Action", 7, "Actions", json!({"entities": [{"tag": "action-2"}, {"tag": "action-9"}]}))
        .await
        .expect("reads");
    assert_eq!(read["results"][0]["status"], "completed");
    assert_eq!(read["results"][0]["output"], json!({"return-code": 0, "stdout": "juju-1-0\n"}));
    assert_eq!(read["results"][1]["error"]["code"], "not found");
    let listed = client.call("Action", 7, "ListOperations", json!({"machines": ["0"]})).await.expect("lists");
    assert_eq!(listed["results"][0]["summary"], "juju-exec run on machine-0,machine-7");
    assert_eq!(listed["results"][0]["status"], "completed");
    let cancelled =
        client.call("Action", 7, "Cancel", json!({"entities": [{"tag": "action-2"}]})).await.expect("answers");
    assert_eq!(cancelled["results"][0]["status"], "completed", "what is over stays as it is");
    let words = refused(client.call("Action", 7, "Run", json!({"commands": "juju-exec x", "machines": ["0"]})).await);
    assert_eq!(words, "cannot use \"juju-exec x\" as an action command (not supported)");
    let nothing = client.call("Action", 7, "RunOnAllMachines", json!({"commands": "true"})).await.expect("runs");
    assert_eq!(nothing["actions"].as_array().map(Vec::len), Some(1));
    // Blocked changes are refused with the switch's own words.
    client
        .call("Block", 2, "SwitchBlockOn", json!({"type": "BlockChange", "message": "no changes today"}))
        .await
        .expect("on");
    let words = refused(client.call("Action", 7, "Run", json!({"commands": "true", "machines": ["0"]})).await);
    assert_eq!(words, "no changes today (operation is blocked)");
}

#[tokio::test]
async fn a_ready_machine_is_found_by_ssh() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    add(&client, json!([{}, {}])).await;
    make_ready(&rig, uuid).await;
    let entities = json!({"entities": [{"tag": "machine-0"}, {"tag": "machine-1"}]});
    let public = client.call("SSHClient", 4, "PublicAddress", entities.clone()).await.expect("answers");
    assert_eq!(public["results"][0]["address"], "10.0.0.7");
    assert_eq!(public["results"][1]["error"]["message"], "no public address");
    let all = client.call("SSHClient", 4, "AllAddresses", entities.clone()).await.expect("answers");
    assert_eq!(all["results"][0]["addresses"], json!(["10.0.0.7"]));
    let keys = client.call("SSHClient", 4, "PublicKeys", entities).await.expect("answers");
    assert_eq!(keys["results"][0]["public-keys"], json!(["ssh-ed25519 AAAA"]));
    assert_eq!(keys["results"][1]["error"], json!({"message": "keys not found", "code": "not found"}));
    let status = client.call("Client", 8, "FullStatus", json!({"patterns": ["10.0.0.0/24"]})).await.expect("a status");
    let machine = &status["machines"]["0"];
    assert_eq!(
        (&machine["dns-name"], &machine["hostname"], &machine["instance-id"]),
        (&json!("10.0.0.7"), &json!("juju-1-0"), &json!("i-0"))
    );
    assert_eq!(machine["agent-status"]["version"], "3.6.100");
    assert!(status["machines"].get("1").is_none());
    // Its statuses left a history.
    let request = json!({"requests": [{"historyKind": "machine", "filter": {"size": 20}, "tag": "machine-0"}]});
    for _ in 0..200 {
        let history = client.call("Client", 8, "StatusHistory", request.clone()).await.expect("answers");
        let statuses = history["results"][0]["history"]["statuses"].as_array().cloned().unwrap_or_default();
        if statuses.len() == 2 {
            assert_eq!((&statuses[0]["status"], &statuses[1]["status"]), (&json!("pending"), &json!("running")));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no history was written");
}
