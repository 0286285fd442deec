//! Which tasks only the controller can end, and when.

use super::{a_model, a_state};
use crate::change::lost::is_lost;
use crate::change::machine;
use crate::change::task::{Exec, enqueue, started};
use base::{OsBase, TaskId};
use std::time::Duration;

const SECOND: i64 = 1_000_000_000;

/// What is said of a task with that timeout, so long after it was asked for, its agent away as long; `runs`: it had begun.
async fn told(timeout: i64, runs: bool, later: u64, absent: Option<u64>) -> Result<Option<String>, u64> {
    let state = a_state().await;
    let model = a_model(&state, "m").await;
    let base = OsBase::parse("ubuntu@24.04").expect("valid");
    let one = [machine::AddMachine::default()];
    state.change(|b, g| machine::add(b, model, &one, &base, g)).await.expect("is added");
    let exec = Exec {
        command: "true".into(),
        timeout,
        parallel: true,
        execution_group: String::new(),
        by: "admin".into(),
        targets: vec!["0".into()],
        refused: Vec::new(),
    };
    state.change(|b, g| enqueue(b, model, &exec, &exec.targets, None, g)).await.expect("is made");
    if runs {
        state.change(|b, g| started(b, model, TaskId(2), g)).await.expect("starts");
    }
    let read = state.read();
    let task = read.models[&model].tasks[&TaskId(2)].to_record();
    let now = task.enqueued.plus(Duration::from_secs(later));
    is_lost(&read, model, &task, absent.map(Duration::from_secs), now).map_err(|then| then.since(now).as_secs())
}

#[tokio::test]
async fn a_task_whose_agent_is_away_ends_a_minute_after_its_deadline() {
    let gone = Some("interrupted: machine 0 was not heard of again".to_owned());
    let never = Some("machine 0 did not take the task up in time".to_owned());
    for (timeout, runs, later, absent, expected) in [
        (30 * SECOND, true, 1000, None, Ok(None)),
        (30 * SECOND, true, 80, Some(80), Err(10)),
        (30 * SECOND, true, 90, Some(90), Ok(gone.clone())),
        (30 * SECOND, false, 90, Some(90), Ok(never.clone())),
        (30 * SECOND, true, 1000, Some(59), Err(1)),
        // No deadline, no end but the agent's or the machine's.
        (0, true, 100_000, Some(100_000), Ok(None)),
        // Over before it began, as a client asks that wants to wait for ever.
        (-SECOND, false, 59, Some(59), Err(1)),
        (-SECOND, false, 60, Some(60), Ok(never.clone())),
        (i64::MIN, false, 60, None, Ok(None)),
    ] {
        assert_eq!(told(timeout, runs, later, absent).await, expected, "{timeout} {runs} {later} {absent:?}");
    }
}
