//! Machines' agents against a whole controller, over real TLS on loopback: added, started, given commands, removed; with the controller
//! killed in between, tokens stolen, and nonsense said.

use std::time::Duration;

use base::status::{AgentStatus, TaskStatus};
use base::{MachineId, ModelUuid, OsBase, Secret, TaskId};
use model::change::{self, Given};
use model::output::{self, Stream};
use model::{Beliefs, record::task::Task};
use testkit::agents::{Config, Refused, SimAgent, Way, enrol, key_pair, request};
use testkit::controller::TestController;
use wire::agent::{Proxies, ProxySettings};

/// The way of somebody who has no certificate.
fn nobody(config: &Config, controller: &TestController) -> Way {
    Way::new(&config.addresses, controller.ca_cert(), None).expect("a usable CA")
}

async fn add_model(controller: &TestController) -> ModelUuid {
    let config = [("authorized-keys".to_owned(), "ssh-ed25519 AAAA client".into())].into();
    let wanted = change::model::CreateModel { name: "m".into(), owner: "admin".into(), config, ..Default::default() };
    controller.state().change(|beliefs, given| change::model::create(beliefs, &wanted, given)).await.expect("made")
}

async fn add_machines(controller: &TestController, model: ModelUuid, count: usize) -> Vec<MachineId> {
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let mut ids = Vec::new();
    for _ in 0..count {
        let one = [change::machine::AddMachine::default()];
        let add = |beliefs: &Beliefs, given: Given<'_>| change::machine::add(beliefs, model, &one, &base, given);
        ids.push(controller.state().change(add).await.expect("added").remove(0).expect("this one too"));
    }
    ids
}

async fn started(controller: &TestController, model: ModelUuid, ids: &[MachineId]) {
    let is = |beliefs: &Beliefs| {
        ids.iter().all(|id| {
            let agent = beliefs.models[&model].machines[id].agent.as_ref();
            agent.is_some_and(|agent| agent.status.current == AgentStatus::Started)
        })
    };
    controller.until("all are started", is).await;
}

async fn exec(controller: &TestController, model: ModelUuid, machine: &MachineId, command: &str) -> TaskId {
    let exec = change::task::Exec {
        command: command.into(),
        timeout: 0,
        parallel: true,
        execution_group: String::new(),
        by: "admin".into(),
        targets: vec![machine.to_string()],
        refused: Vec::new(),
    };
    let targets = exec.targets.clone();
    let run = |beliefs: &Beliefs, given: Given<'_>| change::task::enqueue(beliefs, model, &exec, &targets, None, given);
    controller.state().change(run).await.expect("enqueued").tasks.remove(0).expect("this one too").id
}

async fn until_task(controller: &TestController, model: ModelUuid, id: TaskId, status: TaskStatus) -> Task {
    let what = format!("task {id} is {status}");
    let seen = controller.until(&what, |beliefs| beliefs.models[&model].tasks[&id].status == status).await;
    seen.models[&model].tasks[&id].to_record()
}

/// Waits for what an agent was told: its stream is not ours to follow.
async fn until_agent(agent: &SimAgent, what: &str, is: impl Fn(&SimAgent) -> bool) {
    let wait = async {
        while !is(agent) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn wrote(controller: &TestController, model: ModelUuid, id: TaskId, stream: Stream) -> Vec<u8> {
    let (mut all, mut offset) = (Vec::new(), 0);
    while let Some(part) =
        controller.append().blobs().read(&output::blob(model, id, stream), offset, 1 << 20).await.expect("read")
    {
        if part.bytes.is_empty() {
            break;
        }
        offset = part.next;
        all.extend(part.bytes);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_from_its_beginning_to_its_end() {
    let controller = TestController::start().await;
    let model = add_model(&controller).await;
    let ids = add_machines(&controller, model, 3).await;
    started(&controller, model, &ids).await;
    let read = controller.state().read();
    let agent = read.models[&model].machines[&ids[1]].agent.clone().expect("there");
    assert_eq!((agent.hostname.as_str(), agent.addresses[0].value.as_str()), ("sim-1", "10.9.0.1"));
    assert!(agent.ssh_host_keys[0].starts_with("ssh-ed25519 "), "host keys are known, though no agent told them");
    let agent = controller.agents.of(model, &ids[0]).expect("there");
    let keys = Some(vec!["ssh-ed25519 AAAA client".to_owned()]);
    until_agent(&agent, "it has its document", |agent| agent.document().authorized_keys == keys).await;
    let set = [("http-proxy".to_owned(), "http://p:3128".into()), ("apt-https-proxy".to_owned(), "http://q:1".into())];
    let set = std::collections::BTreeMap::from(set);
    let set = controller.state().change(|beliefs, given| change::settings::set(beliefs, model, &set, given)).await;
    set.expect("set");
    let no_proxy = "127.0.0.1,localhost,::1".to_owned();
    let all = Proxies { http: "http://p:3128".into(), no_proxy, ..Proxies::default() };
    let apt = Proxies { https: "http://q:1".into(), ..all.clone() };
    let proxies = Some(Box::new(ProxySettings { all, apt }));
    until_agent(&agent, "it knows the model's proxies", |agent| agent.document().proxies == proxies).await;

    let echo = exec(&controller, model, &ids[0], "echo hello").await;
    let task = until_task(&controller, model, echo, TaskStatus::Completed).await;
    assert_eq!((task.return_code, task.stdout_len, task.stderr_len), (Some(0), 6, 0));
    assert_eq!(wrote(&controller, model, echo, Stream::Stdout).await, b"hello\n");
    let fail = exec(&controller, model, &ids[1], "fail 3").await;
    assert_eq!(until_task(&controller, model, fail, TaskStatus::Completed).await.return_code, Some(3));
    assert_eq!(wrote(&controller, model, fail, Stream::Stderr).await, b"failed\n");
    let flood = exec(&controller, model, &ids[2], "flood 300000").await;
    until_task(&controller, model, flood, TaskStatus::Completed).await;
    assert_eq!(wrote(&controller, model, flood, Stream::Stdout).await.len(), 300_000);

    let hang = exec(&controller, model, &ids[2], "hang").await;
    until_task(&controller, model, hang, TaskStatus::Running).await;
    controller
        .state()
        .change(|beliefs, given| change::task::cancel(beliefs, model, hang, given))
        .await
        .expect("cancelled");
    until_task(&controller, model, hang, TaskStatus::Aborted).await;

    let lost = exec(&controller, model, &ids[2], "hang").await;
    until_task(&controller, model, lost, TaskStatus::Running).await;
    for id in &ids {
        let how = change::machine::Destroy::default();
        let destroy = |beliefs: &Beliefs, given: Given<'_>| change::machine::destroy(beliefs, model, id, how, given);
        controller.state().change(destroy).await.expect("is to go");
    }
    controller.until("all are gone", |beliefs| beliefs.models[&model].machines.is_empty()).await;
    until_task(&controller, model, lost, TaskStatus::Cancelled).await;
    assert!(
        !controller.cloud.objects().iter().any(|object| object.starts_with("instance")),
        "{:?}",
        controller.cloud.objects()
    );
    let all_gone = async {
        while controller.connected() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all_gone).await.expect("no stream is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_is_killed_forgets_nothing_and_runs_nothing_twice() {
    let mut controller = TestController::start().await;
    let model = add_model(&controller).await;
    let ids = add_machines(&controller, model, 2).await;
    started(&controller, model, &ids).await;
    let hang = exec(&controller, model, &ids[0], "hang").await;
    until_task(&controller, model, hang, TaskStatus::Running).await;
    // One is asked for while nobody can take it up, and one machine more.
    let agent = controller.agents.of(model, &ids[0]).expect("there");
    let before = agent.connections();
    controller.kill();
    controller.revive().await;
    let echo = exec(&controller, model, &ids[0], "echo again").await;
    let more = add_machines(&controller, model, 1).await;
    until_task(&controller, model, echo, TaskStatus::Completed).await;
    started(&controller, model, &more).await;
    assert!(agent.connections() > before, "it connected again");
    agent.crash();
    controller.kill();
    controller.revive().await;
    let task = until_task(&controller, model, hang, TaskStatus::Failed).await;
    assert!(task.message.starts_with("interrupted: "), "{}", task.message);
    assert_eq!(wrote(&controller, model, hang, Stream::Stdout).await, b"begun\n");
    assert!(agent.begun().iter().all(|(_, times)| *times == 1), "{:?}", agent.begun());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_binds_to_the_first_key_that_it_is_used_with() {
    let controller = TestController::start().await;
    let model = add_model(&controller).await;
    controller.cloud.watch(|_| {});
    let ids = add_machines(&controller, model, 1).await;
    controller
        .until("it runs", |beliefs| {
            beliefs.models[&model].machines[&ids[0]].instance.as_ref().is_some_and(|i| i.is_provisioned())
        })
        .await;
    let id = cloud::InstanceId(cloud::instance_name(&model.to_string(), "0"));
    let files = controller.cloud.request(&id).expect("it runs").files;
    let cloud::Content::Bytes(file) = &files[0].content else { panic!("bytes") };
    let config: Config = serde_json::from_slice(file).expect("our own");
    let ask = async |config: &Config, key: &str| match enrol(&nobody(config, &controller), &request(config, key)).await
    {
        Ok(reply) => {
            assert!(reply.certificate_pem.contains("CERTIFICATE") && !reply.addresses.is_empty());
            200
        }
        Err(Refused::Answered(status, _)) => status,
        Err(Refused::Unreachable(why)) => panic!("{why}"),
    };
    let (own, thief) = (key_pair(), key_pair());
    let guess = Config { token: Secret::new("0".repeat(64)), ..config.clone() };
    assert_eq!(ask(&guess, &own).await, 401);
    assert_eq!(ask(&config, &own).await, 200);
    assert_eq!(ask(&config, &thief).await, 409);
    assert_eq!(ask(&config, &own).await, 200, "the same key may ask again");
    assert_eq!(ask(&Config { machine: "7".into(), ..config.clone() }, &own).await, 403);
    assert_eq!(ask(&Config { machine: "seven".into(), ..config.clone() }, &own).await, 400);
    assert_eq!(ask(&Config { model: "nobody".into(), ..config.clone() }, &own).await, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_follow_what_changes() {
    let controller = TestController::start().await;
    let model = add_model(&controller).await;
    let ids = add_machines(&controller, model, 1).await;
    started(&controller, model, &ids).await;
    let agent = controller.agents.of(model, &ids[0]).expect("there");
    let read = controller.state().read();
    let mut endpoints = read.controller().expect("there").endpoints.clone();
    endpoints.push(model::record::address::Endpoint {
        address: model::record::address::Address::of("192.0.2.1"),
        port: 17070,
    });
    let change = |beliefs: &Beliefs, given: Given<'_>| change::controller::set_endpoints(beliefs, &endpoints, given);
    controller.state().change(change).await.expect("set");
    let new = "192.0.2.1:17070".to_owned();
    until_agent(&agent, "the new address is known", |agent| {
        agent.document().addresses.is_some_and(|all| all.contains(&new))
    })
    .await;
}

/// Heard by nobody else: machine 1 speaks of machine 0's task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_speaks_for_its_own_machine_alone() {
    use futures_util::SinkExt;
    use rpc::websocket::Message;
    use testkit::agents::stream;
    let controller = TestController::start().await;
    let model = add_model(&controller).await;
    let ids = add_machines(&controller, model, 1).await;
    started(&controller, model, &ids).await;
    let task = exec(&controller, model, &ids[0], "hang").await;
    until_task(&controller, model, task, TaskStatus::Running).await;
    controller.cloud.watch(|_| {});
    let thief = add_machines(&controller, model, 1).await.remove(0);
    controller
        .until("it runs", |beliefs| {
            beliefs.models[&model].machines[&thief].instance.as_ref().is_some_and(|i| i.is_provisioned())
        })
        .await;
    let id = cloud::InstanceId(cloud::instance_name(&model.to_string(), thief.as_str()));
    let files = controller.cloud.request(&id).expect("it runs").files;
    let cloud::Content::Bytes(file) = &files[0].content else { panic!("bytes") };
    let config: Config = serde_json::from_slice(file).expect("our own");
    let key = key_pair();
    let reply = enrol(&nobody(&config, &controller), &request(&config, &key)).await.expect("enrolled");
    let open = async || {
        let identity = testkit::agents::identity(&reply.certificate_pem, &key);
        stream(&Way::new(&config.addresses, controller.ca_cert(), Some(&identity)).expect("usable"))
            .await
            .expect("connected")
    };
    let hello = r#"{"type":"hello","machine":"0","model-uuid":"x","agent-version":"3.6.100","boot-id":"b"}"#;
    let lie = format!(
        r#"{{"type":"task-done","id":"{task}","outcome":{{"kind":"exited","code":0}},"started":1,"completed":2,"stdout-len":9,"stderr-len":0}}"#
    );
    let garbage = [
        "",
        "{",
        "[]",
        "null",
        r#"{"type":"task-output","id":"x","stream":"stdout","offset":-1,"data":""}"#,
        r#"{"type":"hello"}"#,
    ];
    let mut socket = open().await;
    for text in [hello, r#"{"type":"unheard-of"}"#, &lie] {
        socket.send(Message::text(text.to_owned())).await.expect("sent");
    }
    for text in garbage {
        let mut socket = open().await;
        socket.send(Message::text(text)).await.expect("sent");
        let mut socket = open().await;
        socket.send(Message::text(hello)).await.expect("sent");
        socket.send(Message::text(text)).await.expect("sent");
    }
    let sign_of_life = exec(&controller, model, &ids[0], "echo alive").await;
    until_task(&controller, model, sign_of_life, TaskStatus::Completed).await;
    let read = controller.state().read();
    assert_eq!(read.models[&model].tasks[&task].status, TaskStatus::Running, "a lie changed another machine's task");
}
