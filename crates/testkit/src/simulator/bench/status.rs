//! What `status` costs: the answer, the whole command, its memory; and whether a long history makes it slower.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base::ModelUuid;
use client::{Connection, Place};
use serde_json::{Value, json};

use super::{Done, PATIENCE, Raw, SMALL, Simulator, Times, client_store, megabytes, pss, row, time, timed};

/// Tasks in the history, and machines that each operation has one of.
const TASKS: usize = 10_000;
const SETTLING: Duration = Duration::from_secs(5);

/// A model whose status is asked for.
pub struct Size {
    pub machines: usize,
    pub calls: usize,
    /// Budgets.
    pub answer: &'static str,
    pub command: &'static str,
}

pub async fn measure(simulator: &Simulator, model: ModelUuid, size: &Size, grigri: Option<&Path>) -> Done {
    let Size { machines, calls, .. } = size;
    let (times, text) = answers(simulator, model, *calls).await?;
    let what = format!("FullStatus of {machines} machines, asked to answered, median and p99 of {calls}");
    row(&what, size.answer, &format!("{} / {}", time(times.at(50)), time(times.at(99))));
    let value: Value = serde_json::from_str(&text)?;
    let encoded = timed(SMALL, || async {
        serde_json::to_string(&value)?;
        Ok(())
    })
    .await?;
    let times_more = times.at(50).as_secs_f64() / encoded.at(50).as_secs_f64();
    let figure =
        format!("{} ({} kB); FullStatus takes {times_more:.1} times as long", time(encoded.at(50)), text.len() / 1000);
    let budget = if size.answer == "-" { "-" } else { "<= 2 times" };
    row(&format!("floor: encoding the answer of {machines} machines as JSON and no more"), budget, &figure);
    let memory = megabytes(pss(simulator.controller_pid())?);
    row(&format!("controller memory (PSS) after {calls} times FullStatus of {machines}"), "-", &memory);
    let Some(grigri) = grigri else { return Ok(()) };
    let data = tempfile::tempdir()?;
    client_store(simulator, data.path(), model)?;
    let command = || {
        let mut command = Command::new(grigri);
        command.arg("status").env("JUJU_DATA", data.path()).stdin(Stdio::null());
        command
    };
    let wall = timed(20, || async {
        if command().stdout(Stdio::null()).status()?.success() {
            Ok(())
        } else {
            Err("the command `status` failed".into())
        }
    })
    .await?;
    let figure = format!("{}; memory {}", time(wall.at(50)), peak(command())?);
    row(&format!("`grigri status` of {machines} machines, the whole command, median of 20"), size.command, &figure);
    Ok(())
}

/// The most memory that a command had before its first byte: it prints when all is laid out.
fn peak(mut command: Command) -> Done<String> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut out = child.stdout.take().ok_or("no output")?;
    let mut first = [0];
    out.read_exact(&mut first)?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    out.read_to_end(&mut Vec::new())?;
    child.wait()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM in its status")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no number in VmHWM")?.parse()?;
    Ok(megabytes(kib * 1024))
}

/// How long so many took, and the last one.
async fn answers(simulator: &Simulator, model: ModelUuid, calls: usize) -> Done<(Times, String)> {
    let mut raw = Raw::open(simulator, &Place::Model(model).api_path()).await?;
    raw.login().await?;
    let (mut times, mut text) = (Vec::new(), String::new());
    for _ in 0..calls {
        let begun = Instant::now();
        text = raw.call("Client", 8, "FullStatus", &json!({"patterns": []})).await?;
        times.push(begun.elapsed());
    }
    Ok((Times::of(times), text))
}

/// The same again once the model has had its tasks.
pub async fn beside_history(simulator: &Simulator, model: ModelUuid, session: &Connection, machines: usize) -> Done {
    let (before, _) = answers(simulator, model, 200).await?;
    let begun = Instant::now();
    let (operations, mut tasks) = (TASKS.div_ceil(machines.max(1)), 0);
    for _ in 0..operations {
        let run = json!({"commands": "true", "timeout": 0});
        let enqueued = session.call("Action", "RunOnAllMachines", run).await?;
        tasks += enqueued["actions"].as_array().map_or(0, Vec::len);
        until_ended(session).await?;
    }
    let took = begun.elapsed();
    // What is written of them, and forgotten, after their end is not what is measured.
    tokio::time::sleep(SETTLING).await;
    let (after, _) = answers(simulator, model, 200).await?;
    let rate = tasks as f64 / took.as_secs_f64();
    row(
        &format!("{tasks} tasks on {machines} simulated machines, asked for and ended"),
        "-",
        &format!("{} ({rate:.0}/s)", time(took)),
    );
    let figure = format!(
        "{} / {}, before {} / {}",
        time(after.at(50)),
        time(after.at(99)),
        time(before.at(50)),
        time(before.at(99))
    );
    let what = format!("FullStatus of {machines} machines with {tasks} tasks in the history, median and p99 of 200");
    row(&what, "as before them", &figure);
    let first = timed(20, || async { listed(session, json!({"limit": 50})).await.map(drop) }).await?;
    row(
        &format!("`operations` of {tasks} tasks, the first 50 asked to answered, median of 20"),
        "-",
        &time(first.at(50)),
    );
    Ok(())
}

async fn listed(session: &Connection, params: Value) -> Done<usize> {
    let answer = session.call("Action", "ListOperations", params).await?;
    Ok(answer["results"].as_array().map_or(0, Vec::len))
}

async fn until_ended(session: &Connection) -> Done {
    let begun = Instant::now();
    while listed(session, json!({"status": ["pending", "running"], "limit": 1})).await? > 0 {
        if begun.elapsed() > PATIENCE {
            return Err("tasks do not end".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
