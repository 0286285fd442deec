//! The log of a machine's processes: lines on standard error, which whoever started them keeps; the agent's go to the
//! controller too, for `debug-log`.
//! It must not know of connections. The surprise: what nobody fetches is bounded, and the oldest goes first.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt as lines};
use wire::agent::FromAgent;

const WAITING: usize = 200;

static QUEUE: Mutex<VecDeque<FromAgent>> = Mutex::new(VecDeque::new());
static FILLED: Notify = Notify::const_new();

/// Once per process; a second call changes nothing. `GRIGRI_LOG` chooses, as in `debug` or `agent=trace`;
/// `GRIGRI_LOG_FORMAT=json` makes each line an object.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("GRIGRI_LOG").unwrap_or_else(|_| EnvFilter::new("info,russh=warn,russh_sftp=off"));
    let shown = match std::env::var("GRIGRI_LOG_FORMAT").as_deref() {
        Ok("json") => lines::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        _ => lines::layer().with_ansi(false).with_writer(std::io::stderr).boxed(),
    };
    let _ = tracing_subscriber::registry().with(filter).with(shown).with(Sent).try_init();
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
            _ => return,
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
