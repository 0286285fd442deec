//! `debug-log`: the model's log, a stretch of it or as it grows.
//!
//! The surprise: it is no call but a stream of its own, and it ends when the controller closes it.

use base::chain;
use client::log_stream::{LogRecord, LogStream};
use client::{LoginError, Place};

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::{Args, Flag};

mod style;

use style::Style;

pub const COMMAND: Command = Command {
    name: "debug-log",
    purpose: "Displays log messages for a model.",
    doc: "Shows the log of the model's agents: the last lines, and on a terminal what comes after.\n\
          Entities are machines, units and applications; `*` stands for anything. Modules count with those below them.\n\n\
          --lines is how many earlier lines come first, --replay asks for all of them, --limit for the newest ones and no\n\
          more. With --retry the log goes on where it stopped when the controller was away; nothing is shown twice.\n\
          --format json prints an object a line.",
    examples: "\n    juju debug-log\n    juju debug-log --replay --no-tail --level WARNING\n    juju debug-log -i machine-0 -n 100",
    see_also: &["status", "show-status-log"],
    flags: &[
        Flag::bool(&["color"], "Force use of ANSI color codes"),
        Flag::bool(&["date"], "Show dates as well as times"),
        Flag::texts(&["exclude", "x"], "Do not show log messages for these entities"),
        Flag::texts(&["exclude-label"], "Do not show log messages for these logging labels"),
        Flag::texts(&["exclude-module"], "Do not show log messages for these logging modules"),
        Flag::checked(&["format"], "text", check_format, "Specify output format (json|text)"),
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

fn check_format(value: &str) -> std::result::Result<(), String> {
    match value {
        "text" | "json" => Ok(()),
        _ => Err(format!("unknown format {value:?}")),
    }
}

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
    let first = query(context);
    let selected = match context.selected.clone() {
        Some(selected) => selected,
        None => return Err(Error::failed("no model selected")),
    };
    let (_, uuid) = context.find_model(&selected).await?;
    let style = Style::of(context, &uuid);
    let place = Place::Model(uuid.parse().map_err(|e: base::id::IdError| Error::failed(e.to_string()))?);
    let retry = context.args.is_set("retry");
    // Such a stream ends when all was said, and there is nothing to come back for.
    let ends = first.iter().any(|(key, _)| *key == "noTail");
    let delay = context.args.duration("retry-delay").unwrap_or(std::time::Duration::from_secs(1));
    let mut shown = Shown::default();
    loop {
        let (target, who) = context.proven_target(&selected.controller).await?;
        match LogStream::open(&target, place, &who, &encode(&shown.go_on(&first))).await {
            Ok(stream) => {
                follow(context, stream, &style, &mut shown).await?;
                if ends {
                    return Ok(());
                }
            }
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

/// How far the log was shown, so that a stream opened again shows none of it twice.
#[derive(Default)]
struct Shown {
    /// The time of the last record, and how many of that very time were shown.
    last: Option<(String, usize)>,
    /// So many of that time come again.
    again: usize,
}

type Pairs = Vec<(&'static str, String)>;

impl Shown {
    /// The query of the next stream.
    fn go_on(&mut self, first: &Pairs) -> Pairs {
        let Some((time, count)) = &self.last else { return first.clone() };
        self.again = *count;
        let begins = |key: &str| matches!(key, "backlog" | "replay" | "startTime");
        let mut pairs: Pairs = first.iter().filter(|(key, _)| !begins(key)).cloned().collect();
        pairs.push(("startTime", time.clone()));
        pairs
    }

    /// Whether this record is to be shown.
    fn is_new(&mut self, record: &LogRecord) -> bool {
        match &mut self.last {
            Some((time, _)) if *time == record.ts && self.again > 0 => {
                self.again -= 1;
                return false;
            }
            Some((time, count)) if *time == record.ts => *count += 1,
            last => *last = Some((record.ts.clone(), 1)),
        }
        self.again = 0;
        true
    }
}

async fn follow(context: &mut Context, mut stream: LogStream, style: &Style, shown: &mut Shown) -> Result<()> {
    while let Some(record) = stream.next().await {
        match record {
            Ok(record) if shown.is_new(&record) => context.out(style.line(&record))?,
            Ok(_) => {}
            Err(error) => return Err(Error::failed(format!("log message unreadable: {error}"))),
        }
    }
    Ok(())
}

/// The stream's query, as flags say.
fn query(context: &mut Context) -> Pairs {
    let mut pairs = Pairs::new();
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
    pairs
}

/// Keys in order.
fn encode(pairs: &Pairs) -> String {
    let mut pairs = pairs.clone();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_is_opened_again_shows_nothing_twice() {
        let record = |ts: &str| LogRecord { ts: ts.into(), ..LogRecord::default() };
        let first: Pairs = vec![("backlog", "10".into()), ("level", "INFO".into())];
        let mut shown = Shown::default();
        assert_eq!(encode(&shown.go_on(&first)), "backlog=10&level=INFO");
        assert!(["1", "2", "2"].map(|ts| shown.is_new(&record(ts))).iter().all(|new| *new));
        assert_eq!(encode(&shown.go_on(&first)), "level=INFO&startTime=2");
        // Two of that time again, a third that came meanwhile, and what follows.
        assert_eq!(["2", "2", "2", "3"].map(|ts| shown.is_new(&record(ts))), [false, false, true, true]);
        shown.go_on(&first);
        // The controller has thrown away what was shown.
        assert_eq!(["4", "4"].map(|ts| shown.is_new(&record(ts))), [true, true]);
    }
}
