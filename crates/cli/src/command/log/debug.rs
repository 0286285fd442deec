//! `debug-log`: the model's log, a stretch of it or as it grows.
//!
//! The surprise: it is no call but a stream of its own, and it ends when the controller closes it.

use client::log_stream::{LogRecord, LogStream};
use client::{LoginError, Place};
use serde_json::Value;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::{Args, Flag};

pub const COMMAND: Command = Command {
    name: "debug-log",
    purpose: "Displays log messages for a model.",
    doc: "Shows the log of the model's agents: the last lines, and on a terminal what comes after.\n\
          Entities are machines, units and applications; `*` stands for anything.",
    examples: "\n    juju debug-log\n    juju debug-log --replay --no-tail --level WARNING\n    juju debug-log -i machine-0 -n 100",
    see_also: &["status", "show-status-log"],
    flags: &[
        Flag::bool(&["color"], "Force use of ANSI color codes"),
        Flag::bool(&["date"], "Show dates as well as times"),
        Flag::texts(&["exclude", "x"], "Do not show log messages for these entities"),
        Flag::texts(&["exclude-label"], "Do not show log messages for these logging labels"),
        Flag::texts(&["exclude-module"], "Do not show log messages for these logging modules"),
        Flag::texts(&["include", "i"], "Only show log messages for these entities"),
        Flag::texts(&["include-label"], "Only show log messages for these logging labels"),
        Flag::texts(&["include-module"], "Only show log messages for these logging modules"),
        Flag::text(&["l", "level"], "Log level to show, one of [TRACE, DEBUG, INFO, WARNING, ERROR]"),
        Flag::uint(&["limit"], "0", "Show this many of the most recent logs and then exit"),
        Flag::uint(&["n", "lines"], "10", "Show this many of the most recent lines and continue to append new ones"),
        Flag::bool(&["location"], "Show filename and line numbers"),
        Flag::bool(&["ms"], "Show times to millisecond precision"),
        Flag::bool(&["no-tail"], "Show existing log messages and then exit"),
        Flag::bool(&["replay"], "Show the entire log and continue to append new ones"),
        Flag::bool(&["retry"], "Retry connection on failure"),
        Flag::duration(&["retry-delay"], "1s", "Retry delay between connection failure retries"),
        Flag::bool(&["tail"], "Show existing log messages and continue to append new ones"),
        Flag::bool(&["utc"], "Show times in UTC"),
    ],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const LEVELS: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"];

fn check(args: &Args) -> Result<()> {
    if let Some(level) = args.text("l").filter(|l| !l.is_empty() && !LEVELS.contains(&l.to_uppercase().as_str())) {
        let all = LEVELS.map(|l| format!("{l:?}")).join(", ");
        return Err(Error::usage(format!("level value {level:?} is not one of {all}")));
    }
    let on = |name: &str| args.is_set(name);
    let (lines, limit) = (args.given("n"), args.given("limit"));
    let clashes = [
        (on("tail") && on("no-tail"), "--tail and --no-tail"),
        (on("no-tail") && on("retry"), "--no-tail and --retry"),
        (on("no-tail") && lines, "--no-tail and --lines"),
        (on("tail") && limit, "--tail and --limit"),
        (limit && lines, "--limit and --lines"),
        (on("replay") && lines, "--replay and --lines"),
    ];
    if let Some((_, pair)) = clashes.iter().find(|(clash, _)| *clash) {
        return Err(Error::usage(format!("setting {pair} not valid")));
    }
    if args.duration_nanos("retry-delay").is_some_and(|d| d < 0) {
        return Err(Error::usage("negative retry delay not valid"));
    }
    args.at_most(0)
}

async fn run(context: &mut Context) -> Result<()> {
    check(&context.args)?;
    // One listener for all of it: also while connecting and between tries, where one of its own for each record would hear nothing.
    let stopped = context.interrupted();
    tokio::select! {
        biased;
        () = stopped => Ok(()),
        ended = show(context) => ended,
    }
}

async fn show(context: &mut Context) -> Result<()> {
    let query = query(context);
    let selected = match context.selected.clone() {
        Some(selected) => selected,
        None => return Err(Error::failed("no model selected")),
    };
    let (_, uuid) = context.find_model(&selected).await?;
    let place = Place::Model(uuid.parse().map_err(|e: base::id::IdError| Error::failed(e.to_string()))?);
    let retry = context.args.is_set("retry");
    let delay = context.args.duration("retry-delay").unwrap_or(std::time::Duration::from_secs(1));
    loop {
        let (target, who) = context.target(&selected.controller)?;
        match LogStream::open(&target, place, &who, &query).await {
            Ok(stream) => follow(context, stream).await?,
            Err(LoginError::Refused(error)) => return Err(Error::from_result(&error.message, &error.code)),
            Err(error) if !retry => return Err(Error::connection(chain(&error))),
            Err(error) => context.warn(chain(&error)),
        }
        if !retry {
            return Ok(());
        }
        context.sleep(delay).await;
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text += &format!(": {inner}");
        cause = inner.source();
    }
    text
}

async fn follow(context: &mut Context, mut stream: LogStream) -> Result<()> {
    let style = Style::of(context);
    while let Some(record) = stream.next().await {
        match record {
            Ok(record) => context.out(style.line(&record))?,
            Err(error) => return Err(Error::failed(format!("log message unreadable: {error}"))),
        }
    }
    Ok(())
}

struct Style {
    zone: jiff::tz::TimeZone,
    format: &'static str,
    location: bool,
    colour: bool,
}

impl Style {
    fn of(context: &Context) -> Self {
        let on = |name: &str| context.args.is_set(name);
        Style {
            zone: if on("utc") { jiff::tz::TimeZone::UTC } else { context.zone() },
            format: match (on("date"), on("ms")) {
                (false, false) => "%H:%M:%S",
                (false, true) => "%H:%M:%S%.3f",
                (true, false) => "%Y-%m-%d %H:%M:%S",
                (true, true) => "%Y-%m-%d %H:%M:%S%.3f",
            },
            location: on("location"),
            colour: context.colour(),
        }
    }

    fn line(&self, record: &LogRecord) -> String {
        let at = base::clock::Time::parse(&record.ts).unwrap_or_default();
        let at = at.timestamp().to_zoned_datetime(self.zone.clone()).strftime(self.format).to_string();
        let paint = |code: &str, text: &str| match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        };
        let code = match record.sev.as_str() {
            "TRACE" => "39",
            "DEBUG" => "32",
            "INFO" => "94",
            "WARNING" => "33",
            "ERROR" => "91",
            _ => "41;97",
        };
        let mut line = format!("{}: {at} {} {} ", record.tag, paint(code, &record.sev), record.module);
        if self.location {
            line += &paint("94", &format!("{} ", record.loc));
        }
        let labels = labels(&record.lab);
        if !labels.is_empty() {
            line += &format!("{labels} ");
        }
        line + &record.msg + "\n"
    }
}

/// A list of labels, or a map of them from later servers.
fn labels(value: &Value) -> String {
    match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    }
}

/// The stream's query, keys in order.
fn query(context: &mut Context) -> String {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for (key, flag) in [("includeEntity", "include"), ("excludeEntity", "exclude")] {
        let names: Vec<String> = context.args.texts(flag).iter().map(|n| (*n).to_owned()).collect();
        for name in names {
            let entity = entity(context, &name);
            pairs.push((key, entity));
        }
    }
    let args = &context.args;
    for (key, flag) in [
        ("includeModule", "include-module"),
        ("excludeModule", "exclude-module"),
        ("includeLabel", "include-label"),
        ("excludeLabel", "exclude-label"),
    ] {
        pairs.extend(args.texts(flag).iter().map(|v| (key, (*v).to_owned())));
    }
    let (lines, limit) = (args.uint("n"), args.uint("limit").unwrap_or(0));
    let tails = args.is_set("tail") || lines.is_some();
    let no_tail = args.is_set("no-tail") || limit > 0 || (!tails && !context.io.stdout_is_terminal);
    if no_tail {
        pairs.push(("noTail", "true".to_owned()));
    }
    if args.is_set("replay") {
        pairs.push(("replay", "true".to_owned()));
    } else if limit == 0 {
        pairs.push(("backlog", lines.unwrap_or(10).to_string()));
    }
    if limit > 0 {
        pairs.push(("maxLines", limit.to_string()));
    }
    if let Some(level) = args.text("l").filter(|l| !l.is_empty()) {
        pairs.push(("level", level.to_uppercase()));
    }
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    pairs.iter().map(|(k, v)| format!("{k}={}", encoded(v))).collect::<Vec<_>>().join("&")
}

/// As a query holds it: what is not plain is told by its bytes.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(b)),
            b' ' => out.push('+'),
            _ => out += &format!("%{b:02X}"),
        }
        out
    })
}

/// A name as the log has it: tags for machines and units, a pattern for an application.
fn entity(context: &mut Context, name: &str) -> String {
    if name.contains('*') || name.parse::<base::Tag>().is_ok() {
        return name.to_owned();
    }
    if let Ok(machine) = name.parse::<base::MachineId>() {
        return base::Tag::Machine(machine).to_string();
    }
    if let Some((application, number)) = name.split_once('/')
        && base::tag::is_application_name(application)
        && number.parse::<base::TaskId>().is_ok()
    {
        return format!("unit-{application}-{number}");
    }
    if base::tag::is_application_name(name) {
        return format!("unit-{name}-*");
    }
    context.warn(format!("{name:?} was not recognised as a valid application, machine or unit name"));
    name.to_owned()
}
