//! Agents that say too much, and what is not theirs.

use super::soon;
use crate::agents::Pace;
use crate::limits::Limits;
use crate::tests::rig::{CONTROLLER_MODEL, Client, Rig, Tls};
use base::{MachineId, ModelUuid};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::{Message, Socket};
use serde_json::{Value, json};
use std::time::Duration;
use wire::agent::{FromAgent, Hello, MAX_OUTPUT, Outcome, STREAM_PATH, Stream, TaskDone};

fn model() -> ModelUuid {
    CONTROLLER_MODEL.parse().expect("valid")
}

/// Machines 1 and 2, and a client that administers them.
async fn machines(rig: &Rig) -> Client {
    let client = rig.login(&format!("/model/{CONTROLLER_MODEL}/api"), "admin").await;
    client.call("MachineManager", 10, "AddMachines", json!({"params": [{}, {}]})).await.expect("added");
    client
}

struct Agent(Socket<Tls>);

impl Agent {
    /// Says hello, and has the first document.
    async fn connect(rig: &Rig, machine: &str) -> (Agent, Value) {
        let id: MachineId = machine.parse().expect("valid");
        let way = rig.way_of(rig.agent(model(), &id));
        let mut agent = Agent(way.socket(STREAM_PATH, &[]).await.expect("upgrades"));
        agent
            .say(&FromAgent::Hello(Hello {
                machine: machine.into(),
                model_uuid: CONTROLLER_MODEL.into(),
                agent_version: "3.6.100".into(),
                boot_id: "b".into(),
                running: Vec::new(),
                finished: Vec::new(),
            }))
            .await;
        let document = agent.hear("document").await;
        (agent, document)
    }

    async fn say(&mut self, message: &FromAgent) {
        self.tell(&serde_json::to_string(message).expect("plain data")).await;
    }

    async fn tell(&mut self, text: &str) {
        soon("room for a message", self.0.send(Message::text(text))).await.expect("sent");
    }

    /// The next message of that kind.
    async fn hear(&mut self, kind: &str) -> Value {
        let hears = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let message: Value = serde_json::from_str(&text).expect("JSON");
                        if message["type"] == kind {
                            return message;
                        }
                    }
                    other => panic!("no {kind}: {other:?}"),
                }
            }
        };
        soon(kind, hears).await
    }

    /// Returns when all that was said before has been taken.
    async fn settle(&mut self) {
        let done = TaskDone {
            id: "999999".into(),
            outcome: Outcome::Interrupted,
            started: 0,
            completed: 0,
            stdout_len: 0,
            stderr_len: 0,
            dropped: 0,
        };
        self.say(&FromAgent::TaskDone(done)).await;
        while self.hear("task-ack").await["id"] != "999999" {}
    }

    async fn log(&mut self, message: &str) {
        let (level, module) = ("INFO".to_owned(), "m".to_owned());
        self.say(&FromAgent::Log { at: u64::MAX, level, module, message: message.into() }).await;
    }
}

async fn logged(rig: &Rig, machine: &'static str) -> Vec<store::append::Line> {
    let lines = rig.append.logs().backlog(CONTROLLER_MODEL, None, move |line| line.entity == machine).await;
    lines.expect("read").0.into_iter().map(|logged| logged.line).collect()
}

#[tokio::test]
async fn a_flood_of_lines_is_dropped_counted_and_told() {
    let rig = Rig::start().await;
    machines(&rig).await;
    let (mut flooding, _) = Agent::connect(&rig, "1").await;
    let (mut quiet, _) = Agent::connect(&rig, "2").await;
    flooding.log(&"x".repeat(100_000)).await;
    for number in 0..6000 {
        flooding.log(&number.to_string()).await;
    }
    flooding.settle().await;
    quiet.log("hear me").await;
    quiet.settle().await;
    assert_eq!(logged(&rig, "machine-2").await.len(), 1);
    // The stream's end tells what was dropped last.
    drop(flooding);
    let mut tail = rig.append.logs().tail(CONTROLLER_MODEL, 0, |line| line.message.contains(" lines dropped: "));
    soon("the number of lines", tail.next()).await.expect("told");
    let kept = logged(&rig, "machine-1").await;
    assert!(
        kept[0].message.len() < 5000 && kept[0].message.ends_with(" bytes cut)"),
        "{} bytes",
        kept[0].message.len()
    );
    assert!(kept.iter().all(|line| line.at < 4_000_000_000_000_000), "a line is of the future");
    let (told, lines): (Vec<_>, Vec<_>) = kept.iter().partition(|line| line.module == "grigri.log");
    let dropped: usize = told
        .iter()
        .map(|line| line.message.split(' ').next().and_then(|count| count.parse::<usize>().ok()).expect("a count"))
        .sum();
    assert_eq!(lines.len() + dropped, 6001, "lines are neither kept nor counted");
    assert!(dropped > 500, "only {dropped} lines were dropped");
    assert!(told.len() <= 3000);
}

#[tokio::test]
async fn facts_are_cut_to_size_and_their_agent_stays() {
    let rig = Rig::start().await;
    machines(&rig).await;
    let (mut agent, _) = Agent::connect(&rig, "1").await;
    let interfaces: Vec<Value> = (0..5000)
        .map(|number| json!({"name": format!("eth{number}"), "up": true, "addresses": ["10.0.0.5/24"]}))
        .collect();
    let facts = json!({"type": "facts", "hostname": "h".repeat(500_000), "arch": "amd64", "cores": 2, "interfaces": interfaces, "ssh_host_keys": []});
    agent.tell(&facts.to_string()).await;
    agent.settle().await;
    let read = rig.state.read();
    let within = read.models.get(&model()).expect("there");
    let kept =
        within.machines.get(&"1".parse::<MachineId>().expect("valid")).expect("there").agent.as_ref().expect("said");
    assert_eq!((kept.hostname.len(), kept.interfaces.len()), (256, 256));
}

#[tokio::test]
async fn output_is_kept_to_its_bound_and_the_rest_is_told() {
    let rig = Rig::start().await;
    let client = machines(&rig).await;
    let run = json!({"commands": "yes", "machines": ["1"]});
    let made = client.call("Action", 7, "Run", run).await.expect("enqueued");
    let tag = made["actions"][0]["action"]["tag"].as_str().expect("a tag").to_owned();
    let id = tag.trim_start_matches("action-").to_owned();
    let (mut agent, document) = Agent::connect(&rig, "1").await;
    assert_eq!(document["tasks"][0]["id"], id);
    agent.say(&FromAgent::TaskStarted { id: id.clone(), at: 1 }).await;
    let chunk = vec![b'y'; 64 << 10];
    let sent = MAX_OUTPUT * 2;
    for offset in (0..sent).step_by(chunk.len()) {
        let data = STANDARD.encode(&chunk);
        agent.say(&FromAgent::TaskOutput { id: id.clone(), stream: Stream::Stdout, offset, data }).await;
    }
    let outcome = Outcome::Exited { code: 0 };
    // An agent that does not count itself is counted.
    let done = TaskDone { id, outcome, started: 1, completed: 2, stdout_len: sent, stderr_len: 0, dropped: 0 };
    agent.say(&FromAgent::TaskDone(done)).await;
    agent.hear("task-ack").await;
    let answer = client.call("Action", 7, "Actions", json!({"entities": [{"tag": tag}]})).await.expect("answers");
    let output = &answer["results"][0]["output"];
    assert_eq!(output["stdout"].as_str().expect("text").len() as u64, MAX_OUTPUT);
    assert_eq!(output["output-dropped-bytes"], MAX_OUTPUT);
    // One answer carries a bounded part of many outputs, and says what it leaves out.
    let many: Vec<Value> = (0..20).map(|_| json!({"tag": tag})).collect();
    let answer = client.call("Action", 7, "Actions", json!({"entities": many})).await.expect("answers");
    let shown = |one: usize| answer["results"][one]["output"]["stdout"].as_str().map_or(0, str::len) as u64;
    assert_eq!((0..20).map(shown).sum::<u64>(), 16 << 20);
    assert_eq!(answer["results"][19]["output"]["output-left-out-bytes"], MAX_OUTPUT);
}

#[tokio::test]
async fn an_agent_that_does_not_read_is_sent_away_though_it_talks() {
    let rig = Rig::paced(Limits::default(), Pace::of_silence(Duration::from_secs(3))).await;
    let client = machines(&rig).await;
    let ((mut unread, _), (mut bystander, _)) = (Agent::connect(&rig, "1").await, Agent::connect(&rig, "2").await);
    let long = json!({"commands": "x".repeat(model::change::task::MAX_COMMAND), "machines": ["1"]});
    let line = serde_json::to_string(&FromAgent::TaskStarted { id: "999999".into(), at: 1 }).expect("plain data");
    let end = async {
        // Each task is another document of up to two MiB for it; once there are too many, none is added, and enough is on its way.
        while unread.0.send(Message::text(line.as_str())).await.is_ok() {
            let _ = client.call("Action", 7, "Run", long.clone()).await;
            bystander.settle().await;
        }
    };
    soon("the end of its stream", end).await;
    bystander.settle().await;
    assert_eq!(rig.door.connected(), 1, "the one who reads");
}

#[tokio::test]
async fn an_agent_has_no_say_in_what_is_anothers() {
    let rig = Rig::start().await;
    let client = machines(&rig).await;
    let run = json!({"commands": "true", "machines": ["1"]});
    let made = client.call("Action", 7, "Run", run).await.expect("enqueued");
    let tag = made["actions"][0]["action"]["tag"].as_str().expect("a tag").to_owned();
    let id = tag.trim_start_matches("action-").to_owned();
    let (mut other, document) = Agent::connect(&rig, "2").await;
    assert_eq!(document["tasks"], json!([]), "a task of another machine is shown");
    other.say(&FromAgent::TaskStarted { id: id.clone(), at: 1 }).await;
    let data = STANDARD.encode("forged");
    other.say(&FromAgent::TaskOutput { id: id.clone(), stream: Stream::Stdout, offset: 0, data }).await;
    let outcome = Outcome::Exited { code: 7 };
    let done = TaskDone { id, outcome, started: 1, completed: 2, stdout_len: 6, stderr_len: 0, dropped: 0 };
    other.say(&FromAgent::TaskDone(done)).await;
    other.settle().await;
    let answer = client.call("Action", 7, "Actions", json!({"entities": [{"tag": tag}]})).await.expect("answers");
    assert_eq!((&answer["results"][0]["status"], &answer["results"][0]["output"]), (&json!("pending"), &Value::Null));
    // Nor in what is not of its model: the same number of machine there is another machine.
    let elsewhere = rig.add_model("elsewhere").await;
    let way = rig.way_of(rig.agent(elsewhere, &"1".parse().expect("valid")));
    let mut stranger = Agent(way.socket(STREAM_PATH, &[]).await.expect("upgrades"));
    stranger.tell(r#"{"type":"hello","machine":"1","model-uuid":"a1b2c3d4-0000-4000-8000-000000000002","agent-version":"x","boot-id":"b"}"#).await;
    let document = stranger.hear("document").await;
    assert_eq!(document["life"], "dead", "it is told that it is not there: {document}");
}

#[tokio::test]
async fn a_machine_has_one_stream_and_only_with_the_key_that_enrolled() {
    use model::change::enrolment;
    let rig = Rig::start().await;
    machines(&rig).await;
    let id: MachineId = "1".parse().expect("valid");
    let (mut first, _) = Agent::connect(&rig, "1").await;
    let (_second, _) = Agent::connect(&rig, "1").await;
    let ended = async {
        while let Some(Ok(message)) = first.0.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.reason.to_string());
            }
        }
        None
    };
    // Not because nothing was heard of it: that it is told, too, but later.
    let why = soon("the first stream ends", ended).await;
    assert_eq!(why.as_deref(), Some("the agent opened another, or the controller is stopping"));
    assert_eq!(rig.door.connected(), 1);
    rig.state.change(|beliefs, given| enrolment::issue(beliefs, model(), &id, "hash", given)).await.expect("issued");
    let way = rig.way_of(rig.agent(model(), &id));
    let mut forged = way.socket(STREAM_PATH, &[]).await.expect("upgrades");
    match soon("a farewell", forged.next()).await {
        Some(Ok(Message::Close(Some(frame)))) => {
            assert_eq!(frame.reason.as_str(), "certificate is not of this machine's enrolment")
        }
        other => panic!("{other:?}"),
    }
}
