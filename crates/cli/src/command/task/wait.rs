//! Waiting for tasks: polled one after the other, log lines of a single one shown as they come.
//!
//! ```text
//! pending -> running -> (aborting) -> completed | failed | cancelled | aborted | error
//! ```
//! The surprise: an error of one task's poll ends the command, for the others too.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wire::facade::action::{ActionMessage, ActionResult, ActionResults, StringsWatchResults};

use super::result;
use crate::context::{Api, Context};
use crate::error::{Error, Result};

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

/// When to give up; `None` for never.
pub(super) type Deadline = Option<tokio::time::Instant>;

/// One that is being aborted still runs: its end, and what it wrote last, are yet to come.
pub(super) fn is_final(status: &str) -> bool {
    !matches!(status, "pending" | "running" | "aborting")
}

/// One poll. A task that cannot be read is an error.
pub(super) async fn fetch(api: &Api, tag: &str) -> Result<ActionResult> {
    let params = json!({"entities": [{"tag": tag}]});
    let results: ActionResults = api.call("Action", "Actions", params).await?;
    let Some(one) = results.results.into_iter().next() else {
        return Err(Error::failed(format!("expected to find one task for {tag:?}, got 0")));
    };
    match one.error {
        Some(error) => Err(Error::from_result(&error.message, &error.code)),
        None => Ok(one),
    }
}

/// The log of one task while it runs.
pub(super) struct Progress {
    watcher: String,
    lines: UnboundedReceiver<String>,
    utc: bool,
    shown: bool,
}

impl Progress {
    pub(super) async fn start(context: &mut Context, api: &Api, tag: &str) -> Result<Self> {
        let params = json!({"entities": [{"tag": tag}]});
        let results: StringsWatchResults = api.call("Action", "WatchActionsProgress", params).await?;
        let first = results.results.into_iter().next().unwrap_or_default();
        if let Some(error) = first.error {
            return Err(Error::from_result(&error.message, &error.code));
        }
        let (sender, lines) = unbounded_channel();
        for change in first.changes {
            // The receiver is held right here.
            let _ = sender.send(change);
        }
        let (connection, watcher) = (api.connection.clone(), first.watcher_id.clone());
        tokio::spawn(async move {
            // Ends with the watcher: its last answer is an error.
            while let Ok(news) = connection.next::<Value>("StringsWatcher", &watcher).await {
                let changes = news.get("changes").and_then(Value::as_array).cloned().unwrap_or_default();
                for change in changes.iter().filter_map(Value::as_str) {
                    if sender.send(change.to_owned()).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Progress { watcher: first.watcher_id, lines, utc: context.args.is_set("utc"), shown: false })
    }

    fn show(&mut self, context: &mut Context, change: &str) {
        let Ok(message) = serde_json::from_str::<ActionMessage>(change) else { return };
        let zone = if self.utc { jiff::tz::TimeZone::UTC } else { context.zone() };
        let at = message.timestamp.timestamp().to_zoned_datetime(zone).strftime("%H:%M:%S");
        self.shown = true;
        context.info(format!("{at} {}", message.message));
    }

    /// Waits, showing what comes meanwhile.
    async fn pause(&mut self, context: &mut Context, time: Duration) {
        let until = context.deadline(time);
        while let Ok(Some(line)) = tokio::time::timeout_at(until, self.lines.recv()).await {
            self.show(context, &line);
        }
        // A closed channel must not make this a busy loop.
        tokio::time::sleep_until(until).await;
    }

    /// Ends; whether any line was shown.
    pub(super) async fn stop(mut self, context: &mut Context, api: &Api) -> bool {
        // Whether the watcher is still there makes no difference to the user.
        let _ = api.connection.stop("StringsWatcher", &self.watcher).await;
        while let Ok(line) = self.lines.try_recv() {
            self.show(context, &line);
        }
        self.shown
    }
}

/// Polls until the task is final; `None` when the deadline comes first. There is no look after the deadline: it is the command's own
/// as well, which is ended by it, and whoever set it asked to be told that it passed.
pub(super) async fn until_final(
    context: &mut Context,
    api: &Api,
    tag: &str,
    mut progress: Option<&mut Progress>,
    deadline: Deadline,
) -> Result<Option<ActionResult>> {
    let mut pause = FIRST;
    loop {
        let result = fetch(api, tag).await?;
        if is_final(&result.status) {
            return Ok(Some(result));
        }
        let left = deadline.map(|d| d.saturating_duration_since(tokio::time::Instant::now()));
        let time = left.map_or(pause, |left| pause.min(shorter(left)));
        match progress.as_deref_mut() {
            Some(progress) => progress.pause(context, time).await,
            None => context.sleep(time).await,
        }
        if deadline.is_some_and(|d| tokio::time::Instant::now() >= d) {
            return Ok(None);
        }
        pause = pause.mul_f64(1.5).min(LONGEST);
    }
}

/// How long to pause at most with this much time left: looks come closer together towards the end, so that nothing that ends just
/// before it is missed.
fn shorter(left: Duration) -> Duration {
    left.min((left / 2).max(FIRST))
}

/// `unit web/0`, `machine 0`: how a target is told that did not answer.
fn told(receiver: &str) -> String {
    let (kind, name) = result::target(receiver);
    format!("{kind} {name}")
}

/// The end of a wait for those that have not answered.
pub(super) fn timed_out<'r, T>(receivers: impl Iterator<Item = &'r str>) -> Result<T> {
    let mut missing: Vec<String> = receivers.map(told).collect();
    missing.sort();
    Err(Error::failed(format!("timed out waiting for results from: {}", missing.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_closer_together_and_the_last_pause_ends_at_the_deadline() {
        let ms = Duration::from_millis;
        for (left, expected) in [(0, 0), (1, 1), (20, 20), (21, 20), (40, 20), (41, 20), (500, 250), (60_000, 30_000)] {
            assert_eq!(shorter(ms(left)).as_millis(), ms(expected).as_millis(), "{left}");
        }
    }
}
