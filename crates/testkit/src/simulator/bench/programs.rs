//! What programs do that come often and go soon (Terraform: ten at once, a connection for each question), and the list of many models.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use client::{Connection, Place};
use futures_util::future::try_join_all;
use serde_json::json;

use super::{Done, Raw, Simulator, Times, client_store, create_model, row, time, timed};

const AT_ONCE: usize = 10;
const EACH: usize = 100;
const MODELS: usize = 800;

/// A connection that is opened, asks one thing, and is closed.
pub async fn short(simulator: &Simulator) -> Done {
    let begun = Instant::now();
    let worker = || async {
        let mut times = Vec::new();
        for _ in 0..EACH {
            let begun = Instant::now();
            let mut raw = Raw::open(simulator, "/api").await.map_err(|error| error.to_string())?;
            let asked = async {
                raw.login().await?;
                raw.call("ModelManager", 9, "ListModels", &json!({"tag": "user-admin"})).await
            };
            asked.await.map_err(|error| error.to_string())?;
            times.push(begun.elapsed());
        }
        Ok::<_, String>(times)
    };
    let times = Times::of(try_join_all((0..AT_ONCE).map(|_| worker())).await?.concat());
    let rate = (AT_ONCE * EACH) as f64 / begun.elapsed().as_secs_f64();
    let what = format!("short connections, {AT_ONCE} at once: TLS, login, one question; each a second, median and p99");
    row(&what, "-", &format!("{rate:.0}; {} / {}", time(times.at(50)), time(times.at(99))));
    Ok(())
}

/// `admin` is on the controller, where some models are already.
pub async fn models(simulator: &Simulator, admin: &Connection, grigri: Option<&Path>) -> Done {
    let have = admin.call("ModelManager", "ListModels", json!({"tag": "user-admin"})).await?;
    let mut last = None;
    for number in have["user-models"].as_array().map_or(0, Vec::len)..MODELS {
        last = Some(create_model(admin, &format!("one-of-many-{number}")).await?);
    }
    let mut raw = Raw::open(simulator, &Place::Controller.api_path()).await?;
    raw.login().await?;
    let mut times = Vec::new();
    for _ in 0..EACH {
        let begun = Instant::now();
        raw.call("ModelManager", 9, "ListModelSummaries", &json!({"user-tag": "user-admin", "all": true})).await?;
        times.push(begun.elapsed());
    }
    let times = Times::of(times);
    let what = format!("the summaries of {MODELS} models, asked to answered, median and p99 of {EACH}");
    row(&what, "-", &format!("{} / {}", time(times.at(50)), time(times.at(99))));
    let (Some(grigri), Some(model)) = (grigri, last) else { return Ok(()) };
    let data = tempfile::tempdir()?;
    client_store(simulator, data.path(), model)?;
    let wall = timed(20, || async {
        let mut command = Command::new(grigri);
        command.arg("models").env("JUJU_DATA", data.path()).stdin(Stdio::null()).stdout(Stdio::null());
        if command.status()?.success() { Ok(()) } else { Err("the command `models` failed".into()) }
    })
    .await?;
    row(&format!("`grigri models` of {MODELS}, the whole command, median of 20"), "-", &time(wall.at(50)));
    Ok(())
}
