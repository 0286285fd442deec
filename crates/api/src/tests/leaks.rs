//! Leaks, looked for and set right through the wire, in a cloud in memory that goes wrong.

use super::rig::{Client, Rig, refused};
use crate::doors::CloudsAsked;
use base::{Hardware, MachineId, ModelUuid, OsBase};
use cloud::fake::{Call, Fake, Fault};
use cloud::{Cloud, Clouds, InstanceId, ModelRef, Progress, StartRequest, instance_name};
use model::change::machine::{self, AddMachine};
use model::change::start::{self, Running};
use model::{Beliefs, Given};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const CONTROLLER: &str = "a1b2c3d4-0000-4000-8000-000000000001";
const GONE: &str = "d0d0d0d0-0000-4000-8000-00000000d0d0";

struct Bed {
    rig: Rig,
    fake: Fake,
    client: Client,
}

impl Bed {
    async fn new() -> Bed {
        let fake = Fake::new();
        let cloud: Arc<dyn Cloud> = Arc::new(fake.clone());
        let asked = CloudsAsked::learn(Clouds::new([("lab".to_owned(), cloud)]), |_, _, _| Ok(None)).await;
        let rig = Rig::advised(Arc::new(asked)).await;
        let client = rig.login("/api", "admin").await;
        Bed { rig, fake, client }
    }

    /// An instance in the cloud, of whatever machine; its id.
    async fn instance(&self, model: &str, machine: &str) -> String {
        let told = ModelRef { controller: CONTROLLER.into(), model: model.into(), name: "m".into() };
        let request = StartRequest {
            name: instance_name(model, machine),
            model: told,
            machine: machine.into(),
            base: "ubuntu@24.04".into(),
            parent: None,
            constraints: Default::default(),
            disks: Vec::new(),
            zone: None,
            files: Vec::new(),
            agent: Vec::new(),
            heir: None,
            authorized_keys: Vec::new(),
            user_data: Default::default(),
            tags: Default::default(),
            host_keys: Vec::new(),
        };
        self.fake.prepare_model(&request.model).await.expect("prepared");
        self.fake.start_instance(&request, &Progress::silent()).await.expect("started").id.0
    }

    /// A machine's record, whose start has begun.
    async fn starting(&self, model: ModelUuid) -> MachineId {
        let base = OsBase::parse("ubuntu@24.04").expect("valid");
        let one = [AddMachine::default()];
        let add = |beliefs: &Beliefs, given: Given<'_>| machine::add(beliefs, model, &one, &base, given);
        let id = self.rig.state.change(add).await.expect("added").remove(0).expect("this one too");
        let begin = |beliefs: &Beliefs, given: Given<'_>| start::begin(beliefs, model, &id, "hash", &[], given);
        self.rig.state.change(begin).await.expect("begins").expect("it was due");
        id
    }

    /// A machine whose record has this instance.
    async fn running(&self, model: ModelUuid, instance: &str) -> MachineId {
        let id = self.starting(model).await;
        let running = Running {
            instance_id: instance.into(),
            display_name: instance.into(),
            hardware: Hardware::default(),
            addresses: Vec::new(),
            disks: Vec::new(),
            message: "Running".into(),
            ssh_host_keys: Vec::new(),
        };
        let started = |beliefs: &Beliefs, given: Given<'_>| start::started(beliefs, model, &id, &running, given);
        assert!(self.rig.state.change(started).await.expect("is noted"));
        id
    }

    async fn list(&self) -> Value {
        let audit = self.client.call("Leaks", 1, "List", json!({})).await.expect("answers");
        assert_eq!(audit["clouds"], json!([{"cloud": "lab"}]));
        audit["leaks"].clone()
    }

    async fn fix(&self, leaks: &Value) -> Value {
        self.client.call("Leaks", 1, "Fix", json!({ "leaks": leaks })).await.expect("answers")["results"].clone()
    }
}

/// Everything that can be wrong at once, and machines that are well or on their way.
#[tokio::test]
async fn what_no_record_has_is_listed_and_removed_and_nothing_else() {
    let bed = Bed::new().await;
    let model = bed.rig.add_model("m1").await;
    let uuid = model.to_string();
    // Well; starting, its instance made and not said; lost; of no machine; of no model.
    let well = bed.instance(&uuid, "0").await;
    bed.running(model, &well).await;
    bed.starting(model).await;
    let unsaid = bed.instance(&uuid, "1").await;
    let lost = bed.running(model, "juju-lost-2").await;
    let stray = bed.instance(&uuid, "77").await;
    let orphan = bed.instance(GONE, "0").await;
    let network = format!("net-{GONE}");
    let found = bed.list().await;
    let expected = json!([
        {"cloud": "lab", "kind": "instance", "id": orphan, "model-uuid": GONE, "machine": "0"},
        {"cloud": "lab", "kind": "instance", "id": stray, "model-uuid": uuid, "model": "admin/m1", "machine": "77"},
        {"cloud": "lab", "kind": "machine", "id": "juju-lost-2", "model-uuid": uuid, "model": "admin/m1", "machine": "2"},
        {"cloud": "lab", "kind": "network", "id": network, "model-uuid": GONE},
    ]);
    let by_id = |leaks: &Value| {
        let mut all = leaks.as_array().expect("a list").clone();
        all.sort_by_key(|one| (one["kind"].to_string(), one["id"].to_string()));
        all
    };
    assert_eq!(by_id(&found), by_id(&expected));
    assert_eq!(bed.list().await, found, "two looks are alike");

    // What was not asked for stays; what is asked for and is no leak stays too.
    let more =
        json!([{"cloud": "lab", "kind": "instance", "id": unsaid}, {"cloud": "lab", "kind": "instance", "id": well}]);
    assert_eq!(bed.fix(&more).await, json!([{"gone": true}, {"gone": true}]));
    assert_eq!(bed.list().await, found);

    assert_eq!(bed.fix(&found).await, json!([{}, {}, {}, {}]));
    let mut left =
        vec![format!("instance {well}"), format!("instance {unsaid}"), format!("network {CONTROLLER} {uuid}")];
    left.sort();
    assert_eq!(bed.fake.objects(), left);
    let read = bed.rig.state.read();
    let status = &read.models[&model].machines[&lost].instance.as_ref().expect("kept").status;
    assert_eq!(status.message, "instance juju-lost-2 is not found in its cloud");
    // A record is never forgotten here, so it goes on being told; now with the time.
    let after = bed.list().await;
    assert_eq!((after.as_array().map(Vec::len), &after[0]["kind"]), (Some(1), &json!("machine")));
    assert!(after[0]["since"].is_string(), "{after}");
    assert_eq!(bed.fix(&found).await[0], json!({"gone": true}));
}

/// While the cloud answers, machines come and go.
#[tokio::test]
async fn what_comes_and_goes_while_the_cloud_is_asked_is_no_leak() {
    // What its instances were before, and what they are after.
    for slow in [Call::Things, Call::Instances] {
        comes_and_goes(slow).await;
    }
}

async fn comes_and_goes(slow: Call) {
    let bed = Bed::new().await;
    let model = bed.rig.add_model("m1").await;
    let uuid = model.to_string();
    let going = bed.instance(&uuid, "0").await;
    let id = bed.running(model, &going).await;
    // Slow enough for all that follows.
    bed.fake.next(slow, Fault::Late(Duration::from_millis(700)));
    let audit = {
        let client = bed.client.clone();
        tokio::spawn(async move { client.call("Leaks", 1, "List", json!({})).await.expect("answers") })
    };
    tokio::time::timeout(Duration::from_secs(10), async {
        while bed.fake.count(slow) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the cloud is asked");
    // One ends: instance first, record after, as always.
    let destroy =
        |beliefs: &Beliefs, given: Given<'_>| machine::destroy(beliefs, model, &id, Default::default(), given);
    bed.rig.state.change(destroy).await.expect("is to go");
    bed.rig.state.change(|beliefs, given| machine::mark_dead(beliefs, model, &id, given)).await.expect("dies");
    bed.fake.stop_instance(CONTROLLER, &InstanceId(going)).await.expect("stopped");
    bed.rig.state.change(|beliefs, given| machine::remove_record(beliefs, model, &id, given)).await.expect("goes");
    // One comes: record first, instance after; and its start is over.
    let coming = bed.instance(&uuid, "1").await;
    bed.running(model, &coming).await;
    let seen = audit.await.expect("it ends");
    assert_eq!(seen["leaks"], json!([]), "{slow:?}");
}

#[tokio::test]
async fn a_cloud_that_cannot_be_asked_or_does_not_remove_says_why() {
    let bed = Bed::new().await;
    let stray = bed.instance(GONE, "0").await;
    bed.fake.next(Call::Instances, Fault::transient());
    let audit = bed.client.call("Leaks", 1, "List", json!({})).await.expect("answers");
    let error = json!({"message": "the cloud is busy", "code": ""});
    assert_eq!(audit, json!({"clouds": [{"cloud": "lab", "error": error}], "leaks": []}));
    let found = bed.list().await;
    bed.fake.next(Call::Stop, Fault::permanent());
    bed.fake.next(Call::RemoveThing, Fault::transient());
    let results = bed.fix(&found).await;
    let words: Vec<&str> = (0..2).filter_map(|n| results[n]["error"]["message"].as_str()).collect();
    let expected = [
        format!("cannot remove instance {stray} of cloud \"lab\": quota exceeded"),
        format!("cannot remove network net-{GONE} of cloud \"lab\": the cloud is busy"),
    ];
    assert_eq!(words, expected, "{results}");
    assert_eq!(bed.fix(&found).await, json!([{}, {}]));
    assert_eq!(bed.fake.objects(), Vec::<String>::new());
}

#[tokio::test]
async fn only_a_superuser_may_look() {
    let bed = Bed::new().await;
    let reader = bed.rig.login("/api", "owner").await;
    assert_eq!(refused(reader.call("Leaks", 1, "List", json!({})).await), "permission denied (unauthorized access)");
}
