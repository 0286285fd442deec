//! Hosts that are there already, through the wire: recorded, given their script, sent their program.

use super::rig::{Client, Rig, TICKET, model_path, refused};
use crate::doors::CloudsAsked;
use base::{MachineId, ModelUuid};
use cloud::fake::Fake;
use cloud::{Cloud, Clouds};
use model::change::enrolment;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn host(arch: &str) -> Value {
    json!({"params": [{"jobs": ["JobHostUnits"], "instance-id": "manual:10.0.0.7", "nonce": "manual:10.0.0.7:n1",
        "base": {"name": "debian", "channel": "12"},
        "hardware-characteristics": {"arch": arch, "mem": 2048, "cpu-cores": 2},
        "addresses": [{"value": "10.0.0.7", "type": "ipv4", "scope": "local-cloud"}]}]})
}

async fn script(client: &Client, machine: &str) -> Result<Value, rpc::CallError> {
    let params = json!({"machine-id": machine, "nonce": "manual:10.0.0.7:n1", "data-dir": "", "disable-package-commands": false});
    client.call("MachineManager", 10, "ProvisioningScript", params).await
}

/// What a GET of the path answers: its status and its body.
async fn get(rig: &Rig, path: &str) -> (String, String) {
    let mut tls = rig.tls().await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    tls.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    (head.split(' ').nth(1).unwrap_or_default().to_owned(), body.to_owned())
}

async fn enrol(rig: &Rig, model: ModelUuid, machine: &MachineId) {
    let hash = format!("hash-of-{machine}");
    let bind = rig.state.change(|beliefs, given| enrolment::bind(beliefs, model, machine, &hash, "key", given));
    bind.await.expect("the script's token is good");
}

#[tokio::test]
async fn a_host_runs_from_the_start_with_what_was_found_on_it() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    let added = client.call("MachineManager", 10, "AddMachines", host("amd64")).await.expect("answers");
    assert_eq!(added["machines"][0]["machine"], "0");
    let status = client.call("Client", 8, "FullStatus", json!({"patterns": null})).await.expect("a status");
    let one = &status["machines"]["0"];
    assert_eq!(one["instance-id"], "manual:10.0.0.7");
    assert_eq!(one["instance-status"]["status"], "running");
    assert_eq!(one["instance-status"]["info"], "Manually provisioned machine");
    assert_eq!(one["agent-status"]["status"], "pending");
    assert_eq!(one["hardware"], "arch=amd64 cores=2 mem=2048M");
    assert_eq!(one["ip-addresses"], json!(["10.0.0.7"]));
    assert_eq!(one["base"], json!({"name": "debian", "channel": "12/stable"}));
    let other = client.call("MachineManager", 10, "AddMachines", host("s390x")).await.expect("answers");
    let words = "cannot add a new machine: no agent binaries for s390x: this controller has them for amd64";
    assert_eq!(other["machines"][0]["error"]["message"], words);
}

#[tokio::test]
async fn a_script_is_for_a_host_that_has_not_enrolled() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    client.call("MachineManager", 10, "AddMachines", host("amd64")).await.expect("answers");
    client.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("answers");
    assert_eq!(refused(script(&client, "9").await), "machine 9 not found (not found)");
    assert_eq!(refused(script(&client, "1").await), "machine 1 not provisioned (not provisioned)");
    for _ in 0..2 {
        assert_eq!(script(&client, "0").await.expect("a script")["script"], "script of 0", "it may be asked for again");
    }
    enrol(&rig, uuid, &MachineId::top(0)).await;
    assert_eq!(refused(script(&client, "0").await), "machine 0 is provisioned already (already exists)");
}

#[tokio::test]
async fn the_controllers_own_host_is_not_taken_in() {
    let rig = Rig::start().await;
    let uuid = rig.state.read().controller().expect("there").model_uuid;
    let client = rig.login(&model_path(uuid), "admin").await;
    let words = "machine 0 is the controller's own host: it has no agent of its own (not supported)";
    assert_eq!(refused(script(&client, "0").await), words);
}

#[tokio::test]
async fn a_cloud_that_makes_no_machines_says_what_to_do_instead() {
    let fake = Fake::new();
    fake.makes_none("bring hosts to it");
    let cloud: Arc<dyn Cloud> = Arc::new(fake);
    let rig =
        Rig::advised(Arc::new(CloudsAsked::learn(Clouds::new([("lab".to_owned(), cloud)]), |_, _, _| Ok(None)).await))
            .await;
    let uuid = rig.add_model("m").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    let added = client.call("MachineManager", 10, "AddMachines", host("amd64")).await.expect("answers");
    assert_eq!(added["machines"][0]["machine"], "0", "a host is brought");
    let cloud = "cannot add a new machine: bring hosts to it";
    let container = "cannot add a new machine: machine 0 cannot host lxd containers";
    for (one, words) in [
        (json!({}), cloud),
        (json!({"placement": {"scope": "m", "directive": "zone=a"}}), cloud),
        (json!({"container-type": "lxd"}), cloud),
        (json!({"container-type": "lxd", "parent-id": "0"}), container),
        (json!({"instance-id": "manual:x", "nonce": "n", "container-type": "lxd", "parent-id": "0"}), container),
    ] {
        let params = json!({"params": [one]});
        let answer = client.call("MachineManager", 10, "AddMachines", params.clone()).await.expect("answers");
        let message = answer["machines"][0]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(words), "{params}: {message}");
    }
}

#[tokio::test]
async fn a_cloud_whose_machines_host_nothing_says_why() {
    let fake = Fake::new();
    fake.hosts_none("no server is in them");
    let cloud: Arc<dyn Cloud> = Arc::new(fake);
    let rig =
        Rig::advised(Arc::new(CloudsAsked::learn(Clouds::new([("lab".to_owned(), cloud)]), |_, _, _| Ok(None)).await))
            .await;
    let uuid = rig.add_model("m").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    for (one, words) in [
        (json!({}), None),
        (
            json!({"placement": {"scope": "lxd", "directive": "0"}}),
            Some("cannot add a new machine: machine 0 cannot host lxd containers: no server is in them"),
        ),
        (
            json!({"container-type": "lxd"}),
            Some("cannot add a new machine: a new machine cannot host lxd containers: no server is in them"),
        ),
    ] {
        let answer = client.call("MachineManager", 10, "AddMachines", json!({"params": [one]})).await.expect("answers");
        assert_eq!(answer["machines"][0]["error"]["message"].as_str(), words);
    }
    let status = client.call("Client", 8, "FullStatus", json!({})).await.expect("a status");
    assert_eq!(status["machines"].as_object().map(|all| all.len()), Some(1), "no host was made for nothing");
}

#[tokio::test]
async fn the_program_is_for_a_host_that_is_awaited_and_has_its_ticket() {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    client.call("MachineManager", 10, "AddMachines", host("amd64")).await.expect("answers");
    let id = MachineId::top(0);
    let path = |ticket: &str| wire::path::agent_program(uuid, &id, ticket);
    assert_eq!(get(&rig, &path(TICKET)).await.0, "404", "no script was asked for");
    script(&client, "0").await.expect("a script");
    assert_eq!(get(&rig, &path("bad")).await.0, "404");
    let (status, body) = get(&rig, &path(TICKET)).await;
    assert_eq!((status.as_str(), body.contains("name = \"api\"")), ("200", true));
    enrol(&rig, uuid, &id).await;
    assert_eq!(get(&rig, &path(TICKET)).await.0, "404", "it has enrolled");
}
