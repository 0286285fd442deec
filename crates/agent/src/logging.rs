//! The log of a machine's processes: lines on standard error, which whoever started them keeps; the agent's go to the
//! controller too, for `debug-log`.
//! It must not know of connections. The surprise: what nobody fetches is bounded, and the oldest goes first; and what the controller gets is chosen
//! by the model's `logging-config`, whatever is written here.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt as lines, reload};
use wire::agent::FromAgent;

const WAITING: usize = 200;

static QUEUE: Mutex<VecDeque<FromAgent>> = Mutex::new(VecDeque::new());
static FILLED: Notify = Notify::const_new();
/// Puts another filter before what the controller gets.
static SENT: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// What is kept where nobody says otherwise, and on standard error in any case.
const USUAL: &str = "info,russh=warn,russh_sftp=off";

/// Once per process; a second call changes nothing. `GRIGRI_LOG` chooses, as in `debug` or `agent=trace`;
/// `GRIGRI_LOG_FORMAT=json` makes each line an object.
pub fn start() {
    let filter = || EnvFilter::try_from_env("GRIGRI_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    let shown = match std::env::var("GRIGRI_LOG_FORMAT").as_deref() {
        Ok("json") => lines::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        _ => lines::layer().with_ansi(false).with_writer(std::io::stderr).boxed(),
    };
    let (chosen, handle) = reload::Layer::new(filter());
    let layers = tracing_subscriber::registry().with(shown.with_filter(filter())).with(Sent.with_filter(chosen));
    if layers.try_init().is_ok() {
        // It fails only where the layers are gone, which are there as long as the process.
        let _ = SENT.set(Box::new(move |filter| drop(handle.reload(filter))));
    }
}

/// Sends the controller what a model's `logging-config` asks for from now on.
pub fn send(config: &str) {
    if let Some(set) = SENT.get() {
        set(EnvFilter::new(directives(config)));
    }
}

/// `<root>=WARNING;grigri.agent.tasks=DEBUG` as the filter reads it. Names are those that `debug-log` shows; others are of programs that are not
/// here. More than INFO is had of the agent itself alone: what it is made of would tell of every line that it sends.
fn directives(config: &str) -> String {
    let mut root = None;
    let mut modules = String::new();
    for (name, level) in config.split(';').map(|part| part.split_once('=').unwrap_or(("", part))) {
        let level = match level.trim().to_uppercase().as_str() {
            "TRACE" => "trace",
            "DEBUG" => "debug",
            "INFO" => "info",
            "WARNING" => "warn",
            "ERROR" | "CRITICAL" => "error",
            _ => continue,
        };
        let is_plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        match name.trim() {
            "" | "<root>" | "root" => root = Some(level),
            name => match name.strip_prefix("grigri.").filter(|name| is_plain(name)) {
                Some(name) if !name.is_empty() => modules.push_str(&format!(",{}={level}", name.replace('.', "::"))),
                _ => {}
            },
        }
    }
    let root = match root {
        None | Some("info") => USUAL.to_owned(),
        Some(more @ ("trace" | "debug")) => format!("{USUAL},agent={more}"),
        Some(less) => format!("{less},russh_sftp=off"),
    };
    root + &modules
}

/// The oldest line that the controller has not been told.
pub fn next() -> Option<FromAgent> {
    queue().pop_front()
}

/// Ready when there may be a line.
pub async fn filled() {
    FILLED.notified().await;
}

fn queue() -> MutexGuard<'static, VecDeque<FromAgent>> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what is worth an operator's eyes.
struct Sent;

impl<S: Subscriber> Layer<S> for Sent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        };
        let mut text = Text::default();
        event.record(&mut text);
        let module = format!("grigri.{}", event.metadata().target().replace("::", "."));
        let line =
            FromAgent::Log { at: crate::now(), level: level.into(), module, message: text.message + &text.fields };
        let mut queue = queue();
        if queue.len() >= WAITING {
            queue.pop_front();
        }
        queue.push_back(line);
        drop(queue);
        FILLED.notify_one();
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_asks_for_is_what_the_filter_reads() {
        for (config, expected) in [
            ("", USUAL),
            ("<root>=INFO", USUAL),
            ("<root>=UNSPECIFIED", USUAL),
            ("DEBUG", "info,russh=warn,russh_sftp=off,agent=debug"),
            ("<root>=warning", "warn,russh_sftp=off"),
            ("<root>=ERROR; grigri.agent.tasks = TRACE", "error,russh_sftp=off,agent::tasks=trace"),
            ("juju.worker=TRACE;grigri.=DEBUG;grigri.a,b=INFO", USUAL),
        ] {
            let got = directives(config);
            assert_eq!(got, expected, "{config}");
            got.parse::<EnvFilter>().unwrap_or_else(|error| panic!("{config}: {error}"));
        }
    }
}
