//! What a model's watchers cost: memory for each, and how soon all of them have a change.
//! The surprise: the clients are on the controller's cores, so that the figure holds their work, too.

use std::time::Instant;

use base::ModelUuid;
use client::{Connection, Place};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::{Done, Raw, SMALL, Simulator, Times, pss, row, time};

const WATCHERS: usize = 100;

/// A dashboard that looks at one model.
struct Looker {
    raw: Raw,
    id: Value,
}

impl Looker {
    /// Has all that there is, and waits for what comes.
    async fn new(simulator: &Simulator, model: ModelUuid) -> Done<Looker> {
        let mut raw = Raw::open(simulator, &Place::Model(model).api_path()).await?;
        raw.login().await?;
        let made: Value = serde_json::from_str(&raw.call("Client", 8, "WatchAll", &json!({})).await?)?;
        let mut looker = Looker { raw, id: made["response"]["watcher-id"].clone() };
        looker.next().await?;
        Ok(looker)
    }

    async fn next(&mut self) -> Done<String> {
        self.raw.call_of(&self.id, "AllWatcher", 3, "Next", &json!({})).await
    }

    /// Until it is told of this.
    async fn until(&mut self, what: &str) -> Done {
        while !self.next().await?.contains(what) {}
        Ok(())
    }
}

pub async fn measure(simulator: &Simulator, model: ModelUuid, session: &Connection, machines: usize) -> Done {
    let before = pss(simulator.controller_pid())?;
    let mut lookers = Vec::new();
    for _ in 0..WATCHERS {
        lookers.push(Looker::new(simulator, model).await?);
    }
    let each = pss(simulator.controller_pid())?.saturating_sub(before) as f64 / WATCHERS as f64;
    let what =
        format!("controller memory for one watcher that has seen all of {machines} machines, its connection with it");
    row(&what, "-", &format!("{:.0} kB", each / 1e3));
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for number in 0..SMALL {
        let mark = format!("change-{number}.");
        let set = json!({"annotations": [{"entity": "machine-0", "annotations": {"bench": mark}}]});
        let begun = Instant::now();
        let told = lookers.iter_mut().map(|looker| {
            let mark = &mark;
            async move {
                looker.until(mark).await.map_err(|error| error.to_string())?;
                Ok::<_, String>(begun.elapsed())
            }
        });
        let (set, told) = tokio::join!(session.call("Annotations", "Set", set), try_join_all(told));
        set?;
        let told = told?;
        first.extend(told.iter().min());
        last.extend(told.iter().max());
    }
    let (first, last) = (Times::of(first), Times::of(last));
    let what = format!(
        "a change of {machines} machines asked for, to the first and the last of {WATCHERS} watchers, median of {SMALL}"
    );
    row(&what, "-", &format!("{} / {}", time(first.at(50)), time(last.at(50))));
    Ok(())
}
