//! What tasks write, read through the wire while they run; and half of a batch wrong.

use super::rig::{Client, Rig, model_path};
use base::status::TaskStatus;
use base::{ModelUuid, TaskId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::change::task::{self, Ended};
use model::output::{Stream, blob};
use serde_json::{Value, json};
use wire::facade::task_output::{MAX_PART, MOST_TASKS};

/// A model with a machine that has tasks 2, 3 ... of operation 1.
async fn with_tasks(count: usize) -> (Rig, ModelUuid, Client) {
    let rig = Rig::start().await;
    let uuid = rig.add_model("m1").await;
    let client = rig.login(&model_path(uuid), "admin").await;
    client.call("MachineManager", 10, "AddMachines", json!({"params": [{}]})).await.expect("answers");
    let run = json!({"commands": "true", "machines": vec!["0"; count]});
    client.call("Action", 7, "Run", run).await.expect("runs");
    (rig, uuid, client)
}

async fn writes(rig: &Rig, model: ModelUuid, task: u64, stream: Stream, bytes: &[u8]) {
    let name = blob(model, TaskId(task), stream);
    rig.append.blobs().append(&name, None, bytes.to_vec(), 1 << 20, 1).await.expect("kept");
}

async fn ends(rig: &Rig, model: ModelUuid, task: u64, stdout_len: u64) {
    let how = Ended {
        status: TaskStatus::Completed,
        message: String::new(),
        return_code: Some(3),
        started: None,
        stdout_len,
        stderr_len: 0,
        dropped: 5,
    };
    rig.state.change(|beliefs, given| task::ended(beliefs, model, TaskId(task), &how, given)).await.expect("ends");
}

async fn read(client: &Client, tasks: Value) -> Vec<Value> {
    let answer = client.call("TaskOutput", 1, "Read", json!({"tasks": tasks})).await.expect("answers");
    answer["results"].as_array().cloned().expect("a list")
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).expect("base64")
}

#[tokio::test]
async fn output_is_read_while_a_task_runs_and_its_end_comes_with_the_last_of_it() {
    let (rig, uuid, client) = with_tasks(1).await;
    let nothing = read(&client, json!([{"tag": "action-2"}])).await;
    assert_eq!(nothing, [json!({})], "a task that waits wrote nothing");
    rig.state.change(|beliefs, given| task::started(beliefs, uuid, TaskId(2), given)).await.expect("starts");
    writes(&rig, uuid, 2, Stream::Stdout, b"one\n").await;
    writes(&rig, uuid, 2, Stream::Stderr, &[0xff, 0x00]).await;
    let first = read(&client, json!([{"tag": "action-2"}])).await;
    assert_eq!(decoded(&first[0]["stdout"]), b"one\n");
    assert_eq!(decoded(&first[0]["stderr"]), [0xff, 0x00], "bytes come as they are");
    assert!(first[0].get("end").is_none());
    // More than one answer holds, and the end.
    writes(&rig, uuid, 2, Stream::Stdout, &vec![b'x'; MAX_PART + 10]).await;
    ends(&rig, uuid, 2, 4 + MAX_PART as u64 + 10).await;
    let second = read(&client, json!([{"tag": "action-2", "stdout": 4, "stderr": 2}])).await;
    assert_eq!(decoded(&second[0]["stdout"]).len(), MAX_PART);
    assert!(second[0].get("end").is_none(), "there is more");
    let third = read(&client, json!([{"tag": "action-2", "stdout": 4 + MAX_PART, "stderr": 2}])).await;
    assert_eq!(decoded(&third[0]["stdout"]), [b'x'; 10]);
    let end = &third[0]["end"];
    assert_eq!((&end["status"], &end["action"]["tag"]), (&json!("completed"), &json!("action-2")));
    assert_eq!(end["output"], json!({"return-code": 3, "output-dropped-bytes": 5}));
    // An offset beyond the end, or before the beginning, harms nobody.
    let beyond = read(&client, json!([{"tag": "action-2", "stdout": 1_i64 << 40, "stderr": -7}])).await;
    assert_eq!(
        (decoded(&beyond[0]["stderr"]), beyond[0]["end"]["status"].clone()),
        (vec![0xff, 0], json!("completed"))
    );
}

#[tokio::test]
async fn an_answer_has_a_bound_and_wrong_items_their_own_errors() {
    let (rig, uuid, client) = with_tasks(70).await;
    for task in 2..72 {
        writes(&rig, uuid, task, Stream::Stdout, &vec![b'x'; MAX_PART]).await;
        ends(&rig, uuid, task, MAX_PART as u64).await;
    }
    let wanted: Vec<Value> = (2..72).map(|task| json!({"tag": format!("action-{task}")})).collect();
    let all = read(&client, json!(wanted)).await;
    let told = all.iter().filter(|one| one.get("end").is_some()).count();
    assert_eq!(told, 64, "four mebibytes of them");
    assert_eq!(all[69], json!({}), "the rest is asked for again");
    let rest = read(&client, json!(&wanted[64..])).await;
    assert!(rest.iter().all(|one| one.get("end").is_some()));

    let mixed =
        read(&client, json!([{"tag": "action-999"}, {"tag": "machine-0"}, {"tag": ""}, {"tag": "action-2"}])).await;
    assert_eq!(mixed[0]["error"], json!({"message": "action \"999\" not found", "code": "not found"}));
    assert_eq!(mixed[1]["error"]["message"], "\"machine-0\" is not a valid action tag");
    assert!(mixed[2]["error"]["message"].is_string());
    assert_eq!(mixed[3]["end"]["status"], "completed");
}

#[tokio::test]
async fn an_answer_waits_for_news_if_it_may() {
    let (rig, uuid, client) = with_tasks(2).await;
    rig.state.change(|beliefs, given| task::started(beliefs, uuid, TaskId(2), given)).await.expect("starts");
    let both = |stdout: u64| json!([{"tag": "action-2", "stdout": stdout}, {"tag": "action-3"}]);
    let waiting = |stdout: u64, wait: u64| {
        let client = client.clone();
        async move {
            let params = json!({"tasks": both(stdout), "wait": wait});
            let answer = client.call("TaskOutput", 1, "Read", params).await.expect("answers");
            answer["results"].as_array().cloned().expect("a list")
        }
    };
    assert_eq!(waiting(0, 1).await, [json!({}), json!({})], "not longer than it may");
    // Of output, of an end without output, and of one that came before it was asked for.
    let asked = tokio::spawn(waiting(0, 5_000));
    client.call("Pinger", 1, "Ping", json!({})).await.expect("others are answered meanwhile");
    assert!(!asked.is_finished(), "answered without news");
    writes(&rig, uuid, 2, Stream::Stdout, b"one\n").await;
    let told = asked.await.expect("whole");
    assert_eq!((decoded(&told[0]["stdout"]), &told[1]), (b"one\n".to_vec(), &json!({})));
    let asked = tokio::spawn(waiting(4, 5_000));
    ends(&rig, uuid, 3, 0).await;
    let told = asked.await.expect("whole");
    assert_eq!((&told[0], &told[1]["end"]["status"]), (&json!({}), &json!("completed")));
    assert_eq!(decoded(&waiting(0, 5_000).await[0]["stdout"]), b"one\n");

    let many: Vec<Value> = (0..=MOST_TASKS).map(|_| json!({"tag": "action-2"})).collect();
    let refused = client.call("TaskOutput", 1, "Read", json!({"tasks": many})).await.expect_err("too many");
    assert_eq!(refused.to_string(), "output of more than 500 tasks cannot be read at once");
}

#[tokio::test]
async fn cancelling_is_answered_item_by_item() {
    let (rig, uuid, client) = with_tasks(3).await;
    rig.state.change(|beliefs, given| task::started(beliefs, uuid, TaskId(3), given)).await.expect("starts");
    ends(&rig, uuid, 4, 0).await;
    let tags: Vec<Value> =
        ["action-2", "action-3", "action-4", "action-99", "unit-x-0"].iter().map(|tag| json!({"tag": tag})).collect();
    let answer = client.call("Action", 7, "Cancel", json!({"entities": tags})).await.expect("answers");
    let told: Vec<&str> = (0..5)
        .map(|n| {
            answer["results"][n]["status"].as_str().or(answer["results"][n]["error"]["message"].as_str()).unwrap_or("?")
        })
        .collect();
    assert_eq!(
        told,
        ["cancelled", "aborting", "completed", "task 99 not found", "\"unit-x-0\" is not a valid action tag"]
    );
    // Which task an error is of: clients show none that does not say.
    assert_eq!(answer["results"][3]["action"]["tag"], "action-99");
}
