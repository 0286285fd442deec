//! The lives of tasks, enrolments, settings and blocks, step by step.

use super::{a_model, a_state};
use crate::change::task::{Ended, Exec, cancel, ended, enqueue, started};
use crate::change::{block, enrolment, machine, prune, settings};
use crate::record::block::BlockKind;
use crate::record::status::TaskStatus;
use base::{Kind, MachineId, OsBase, TaskId};
use serde_json::json;

async fn with_a_machine() -> (crate::State, base::ModelUuid) {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let one = [machine::AddMachine::default()];
    state.change(|beliefs, given| machine::add(beliefs, model, &one, &base, given)).await.expect("is added");
    (state, model)
}

fn exec(targets: &[&str]) -> Exec {
    Exec {
        command: "true".into(),
        timeout: 0,
        parallel: true,
        execution_group: String::new(),
        by: "admin".into(),
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        refused: Vec::new(),
    }
}

fn completed() -> Ended {
    Ended {
        status: TaskStatus::Completed,
        message: String::new(),
        return_code: Some(0),
        started: None,
        stdout_len: 0,
        stderr_len: 0,
        dropped: 0,
    }
}

#[tokio::test]
async fn a_task_goes_only_forward_whatever_is_told_twice() {
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Start,
        Cancel,
        End,
    }
    use Step::{Cancel, End, Start};
    let cases: [(&[Step], TaskStatus); 8] = [
        (&[], TaskStatus::Pending),
        (&[Start], TaskStatus::Running),
        (&[Start, Start, End], TaskStatus::Completed),
        (&[Start, End, End, Cancel, Start], TaskStatus::Completed),
        (&[Cancel, Start, End], TaskStatus::Cancelled),
        (&[Start, Cancel], TaskStatus::Aborting),
        (&[Start, Cancel, Cancel, Start, End], TaskStatus::Aborted),
        (&[End], TaskStatus::Completed),
    ];
    let how = completed();
    for (steps, expected) in cases {
        let (state, model) = with_a_machine().await;
        let exec = exec(&["0"]);
        let made = state.change(|b, g| enqueue(b, model, &exec, &exec.targets, None, g)).await.expect("is made");
        let id = made.tasks[0].as_ref().expect("is made").id;
        assert_eq!((made.operation.0, id), (1, TaskId(2)));
        for step in steps {
            let done = match step {
                Start => state.change(|b, g| started(b, model, id, g)).await,
                Cancel => state.change(|b, g| cancel(b, model, id, g)).await,
                End => state.change(|b, g| ended(b, model, id, &how, g)).await,
            };
            done.expect("no step is refused");
        }
        let read = state.read();
        let task = read.in_model(model).expect("there").tasks.get(&id).expect("there");
        assert_eq!(task.status, expected, "{steps:?}");
        assert_eq!(task.completed.is_some(), expected.is_final(), "{steps:?}");
    }
}

#[tokio::test]
async fn tasks_for_more_machines_than_fit_are_one_operation() {
    let (state, model) = with_a_machine().await;
    let exec = exec(&["0", "0", "9"]);
    let first = state.change(|b, g| enqueue(b, model, &exec, &exec.targets[..2], None, g)).await.expect("is made");
    let then = state
        .change(|b, g| enqueue(b, model, &exec, &exec.targets[2..], Some(first.operation), g))
        .await
        .expect("is made");
    assert_eq!(then.operation, first.operation);
    assert_eq!(
        then.tasks[0].as_ref().map_err(|refusal| refusal.words().to_owned()).err().as_deref(),
        Some("machine 9 not found")
    );
    let read = state.read();
    let operation = read.in_model(model).expect("there").operations.get(&first.operation).expect("there");
    assert_eq!(operation.tasks, [TaskId(2), TaskId(3)]);
    assert_eq!(operation.summary, "juju-exec run on machine-0,machine-0,machine-9");
}

#[tokio::test]
async fn a_token_is_bound_by_its_first_key_and_good_for_no_other() {
    let (state, model) = with_a_machine().await;
    let id = MachineId::top(0);
    let bind = async |token: &str, key: &str| {
        let bound = state.change(|b, g| enrolment::bind(b, model, &id, token, key, g)).await;
        bound.map_err(|refusal| refusal.kind())
    };
    assert_eq!(bind("hash", "key-a").await, Err(Kind::Unauthorized));
    state.change(|b, g| enrolment::issue(b, model, &id, "hash", g)).await.expect("is issued");
    assert_eq!(bind("other", "key-a").await, Err(Kind::Unauthorized));
    assert_eq!(bind("hash", "key-a").await, Ok(()));
    assert_eq!(bind("hash", "key-a").await, Ok(()), "the same key may ask again");
    assert_eq!(bind("hash", "key-b").await, Err(Kind::AlreadyExists));
    state.change(|b, g| machine::destroy(b, model, &id, Default::default(), g)).await.expect("is to go");
    state.change(|b, g| machine::mark_dead(b, model, &id, g)).await.expect("dies");
    assert_eq!(bind("hash", "key-a").await, Err(Kind::NotFound));
}

#[tokio::test]
async fn fixed_settings_stay_and_the_same_value_again_is_no_change() {
    let (state, model) = with_a_machine().await;
    let set = async |name: &str, value: serde_json::Value| {
        let values = [(name.to_owned(), value)].into();
        let done = state.change(|b, g| settings::set(b, model, &values, g)).await;
        done.map_err(|refusal| refusal.words().to_owned())
    };
    assert_eq!(set("agent-version", json!("3.6.100")).await, Ok(()));
    assert_eq!(set("agent-version", json!("3.6.99")).await, Err("agent-version cannot be changed".into()));
    assert_eq!(set("authorized-keys", json!("x")).await, Err("authorized-keys cannot be set".into()));
    assert_eq!(
        set("firewall-mode", json!("none")).await,
        Err("cannot change firewall-mode from \"instance\" to \"none\"".into())
    );
    let before = state.read().revision();
    assert_eq!(set("own-key", json!({"a": [1]})).await, Ok(()));
    assert!(state.read().revision() > before);
    let before = state.read().revision();
    assert_eq!(set("own-key", json!({"a": [1]})).await, Ok(()));
    assert_eq!(state.read().revision(), before, "nothing changed, so nothing is written");
}

#[tokio::test]
async fn a_block_is_switched_on_anew_and_off_twice() {
    let (state, model) = with_a_machine().await;
    let on = async |message: &str| {
        let done = state.change(|b, g| block::switch_on(b, model, BlockKind::Remove, message, g)).await;
        done.map_err(|refusal| refusal.words().to_owned())
    };
    assert_eq!(on("one").await, Ok(()));
    assert_eq!(on("two").await, Ok(()));
    assert_eq!(on(&"x".repeat(block::MESSAGE + 1)).await, Err("message is longer than 1024 bytes".into()));
    let messages = || -> Vec<(String, String)> {
        let read = state.read();
        let blocks = &read.in_model(model).expect("there").blocks;
        blocks.values().map(|block| (block.id.clone(), block.message.clone())).collect()
    };
    assert_eq!(messages(), [("0".to_owned(), "two".to_owned())]);
    for _ in 0..2 {
        state.change(|b, g| block::switch_off(b, model, BlockKind::Remove, g)).await.expect("off");
        assert!(messages().is_empty());
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_when_the_model_says_so() {
    let (state, model) = with_a_machine().await;
    for _ in 0..3 {
        state
            .change(|beliefs, given| enqueue(beliefs, model, &exec(&["0"]), &["0".to_owned()], None, given))
            .await
            .expect("is enqueued");
    }
    let tasks: Vec<TaskId> = state.read().models[&model].tasks.keys().copied().collect();
    let how = completed();
    // The third goes on.
    for task in &tasks[..2] {
        state.change(|beliefs, given| ended(beliefs, model, *task, &how, given)).await.expect("ended");
    }
    let hours = |n: u64| state.now().plus(std::time::Duration::from_secs(n * 3600));
    let count = |now, most| prune::prunable(&state.read(), model, now, most).len();
    assert_eq!((count(hours(336), 100), count(hours(337), 100)), (0, 2));
    assert_eq!((count(hours(0), 2), count(hours(0), 0)), (1, 2), "too many go whatever their age, but those that run");
    for (age, at, expected) in [("1h", 2, 2), ("1h", 1, 0), ("1000h", 337, 0), ("0", 1_000_000, 0)] {
        let set = [("max-action-results-age".to_owned(), json!(age))].into();
        state.change(|beliefs, given| settings::set(beliefs, model, &set, given)).await.expect("set");
        assert_eq!(count(hours(at), 100), expected, "{age}, {at} hours later");
    }
}
