//! A controller in a process of its own with two hundred agents in another: all start, all obey, and after a kill -9 in the middle of
//! commands all are back and every command has come to its end.

use std::path::Path;
use std::time::Duration;

use client::{Connection, Place};
use serde_json::{Value, json};
use testkit::simulator::Simulator;

const AGENTS: usize = 200;
const LONG: Duration = Duration::from_secs(120);

/// Asks until the answer is what is waited for.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let wait = async {
        loop {
            match ask().await {
                Ok(seen) => return seen,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    match tokio::time::timeout(LONG, wait).await {
        Ok(seen) => seen,
        Err(_) => panic!("never: {what}: {:?}", ask().await.err()),
    }
}

async fn started(session: &Connection) -> Result<(), String> {
    let status = session.call("Client", "FullStatus", json!({"patterns": []})).await.map_err(|e| e.to_string())?;
    let machines = status["machines"].as_object().ok_or("no machines")?;
    let started = machines.values().filter(|one| one["agent-status"]["status"] == "started").count();
    if started == AGENTS { Ok(()) } else { Err(format!("{started} are started")) }
}

async fn enqueue(session: &Connection, command: &str) -> String {
    let machines: Vec<String> = (0..AGENTS).map(|id| id.to_string()).collect();
    let params =
        json!({"commands": command, "machines": machines, "timeout": 0, "parallel": true, "execution-group": ""});
    let operation = session.call("Action", "Run", params).await.expect("enqueued");
    operation["operation"].as_str().expect("an operation's tag").to_owned()
}

async fn ended(session: &Connection, operation: &str) -> Result<Vec<Value>, String> {
    let params = json!({"entities": [{"tag": operation}]});
    let answer = session.call("Action", "Operations", params).await.map_err(|e| e.to_string())?;
    let tasks = answer["results"][0]["actions"].as_array().ok_or("no tasks")?.clone();
    let open = tasks.iter().filter(|task| !matches!(task["status"].as_str(), Some("completed" | "failed"))).count();
    if open == 0 && tasks.len() == AGENTS { Ok(tasks) } else { Err(format!("{open} are open")) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_outlive_a_kill_of_their_controller() {
    let mut simulator = Simulator::start(Path::new(env!("CARGO_BIN_EXE_simulator"))).expect("starts");
    let admin = simulator.connect(Place::Controller).await.expect("a session");
    let made = json!({"name": "m", "owner-tag": "user-admin", "cloud-tag": "cloud-fake"});
    let made = admin.call("ModelManager", "CreateModel", made).await.expect("made");
    let model = Place::Model(made["uuid"].as_str().and_then(|uuid| uuid.parse().ok()).expect("a uuid"));
    let session = simulator.connect(model).await.expect("a session");
    let one = json!({"jobs": ["JobHostUnits"], "base": {"name": "ubuntu", "channel": "24.04"}});
    session.call("MachineManager", "AddMachines", json!({"params": vec![one; AGENTS]})).await.expect("added");
    until("all are started", async || started(&session).await).await;
    assert_eq!(simulator.connected().expect("answers"), AGENTS);

    let operation = enqueue(&session, "echo hello").await;
    let tasks = until("all have said it", async || ended(&session, &operation).await).await;
    assert!(tasks.iter().all(|task| task["output"]["stdout"] == "hello\n"), "{:?}", tasks.first());

    let cut = enqueue(&session, "echo again").await;
    simulator.kill().expect("killed");
    simulator.revive().expect("serves again");
    let session = simulator.connect(model).await.expect("a session");
    let tasks = until("all have ended", async || ended(&session, &cut).await).await;
    assert!(
        tasks.iter().all(|task| task["output"]["stdout"] == "again\n"),
        "a task that was asked for is done once: {tasks:?}"
    );
    until("all are back", async || match simulator.connected() {
        Ok(AGENTS) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    started(&session).await.expect("nothing else has changed");
}
