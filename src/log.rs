//! The controller's own log: written to its file, and kept where `debug-log` finds it, in the log of the model that a line speaks of, else
//! of the controller's own model.
//! It never waits: when lines come faster than they can be kept, the file has them all and the kept log has fewer.

pub mod file;

use base::ModelUuid;
use base::clock::{Clock, SystemClock};
use file::LogFile;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use store::append::{Level, Line, LogBounds, Logs, Micros};
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt as text};

/// What may wait to be kept.
const WAITING: usize = 4096;
/// Lines written at once.
const AT_ONCE: usize = 256;
/// Who speaks: the controller is machine 0 of its own model; in another's log that name would be one of that model's machines.
const AT_HOME: &str = "machine-0";
const ELSEWHERE: &str = "controller-0";

/// Where lines go once there is a database to keep them in.
static KEPT: OnceLock<mpsc::Sender<(Option<ModelUuid>, Line)>> = OnceLock::new();

/// Chooses the form of lines: `json` for one object a line; all else is text.
const FORMAT: &str = "GRIGRI_LOG_FORMAT";

/// Starts logging to a file, which takes stderr's place, or to stderr as it is. `GRIGRI_LOG` chooses levels as `RUST_LOG` does elsewhere.
pub fn start(path: Option<&Path>) -> Option<LogFile> {
    let filter = EnvFilter::try_from_env("GRIGRI_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A directory that is not there, or not ours, is told of on stderr, by whoever opens it next.
    let file = path.and_then(|path| LogFile::open(path).ok());
    let writer = match &file {
        Some(file) => BoxMakeWriter::new({
            let file = file.clone();
            move || file.clone()
        }),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let lines = match std::env::var(FORMAT).as_deref() {
        Ok("json") => text::layer().json().flatten_event(true).with_writer(writer).boxed(),
        _ => text::layer().with_ansi(false).with_writer(writer).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).with(Keep).init();
    file
}

/// From now on lines are kept too; `own` is the controller's model.
pub fn keep_in(logs: Logs, own: ModelUuid) {
    let (sender, mut lines) = mpsc::channel(WAITING);
    if KEPT.set(sender).is_err() {
        return;
    }
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while lines.recv_many(&mut batch, AT_ONCE).await > 0 {
            let mut by_model: BTreeMap<ModelUuid, Vec<Line>> = BTreeMap::new();
            for (model, mut line) in batch.drain(..) {
                if model.is_some_and(|model| model != own) {
                    line.entity = ELSEWHERE.to_owned();
                }
                by_model.entry(model.unwrap_or(own)).or_default().push(line);
            }
            for (model, lines) in by_model {
                // A line about lines that cannot be kept would be one more of them; the file has them all.
                let _ = logs.append(&model.to_string(), lines, LogBounds::default()).await;
            }
        }
    });
}

struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(kept) = KEPT.get() else { return };
        let mut words = Words::default();
        event.record(&mut words);
        let meta = event.metadata();
        let line = Line {
            at: Micros::try_from(SystemClock.now().unix_nanos() / 1000).unwrap_or(0),
            entity: AT_HOME.to_owned(),
            level: level(*meta.level()),
            module: meta.target().replace("::", "."),
            location: match (meta.file().and_then(|path| path.rsplit('/').next()), meta.line()) {
                (Some(file), Some(number)) => format!("{file}:{number}"),
                _ => String::new(),
            },
            message: words.message + &words.rest,
            labels: BTreeMap::new(),
        };
        let _ = kept.try_send((words.model, line));
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::ERROR => Level::Error,
    }
}

/// The message, then the other fields as `name=value`; a field `model` says whose log it is.
#[derive(Default)]
struct Words {
    message: String,
    rest: String,
    model: Option<ModelUuid>,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        match field.name() {
            "message" => drop(write!(self.message, "{value:?}")),
            "model" => match format!("{value:?}").trim_matches('"').parse() {
                Ok(model) => self.model = Some(model),
                Err(_) => drop(write!(self.rest, " model={value:?}")),
            },
            name => drop(write!(self.rest, " {name}={value:?}")),
        }
    }
}
