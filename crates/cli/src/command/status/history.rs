//! `show-status-log`: the statuses that a thing had, newest last.
//!
//! The surprise: a bare machine id is refused, the kind must be named (`--type machine`).

use base::clock::Time;
use serde_json::{Value, json};
use wire::facade::client::{DetailedStatus, StatusHistoryResults};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::colour::{Ink, Paint};
use crate::output::table::Table;
use crate::status::times::moment;

pub const COMMAND: Command = Command {
    name: "show-status-log",
    args: "<entity name>",
    arguments: &[&[Noun::Machine, Noun::Unit, Noun::Application]],
    purpose: "Output past statuses for the specified entity.",
    doc: "Shows the statuses that a unit, machine, application or model had, newest last; at most 20 unless told.",
    examples: "\n    juju show-status-log mysql/0\n    juju show-status-log --type machine 2\n    juju show-status-log -n 5 mysql/0",
    see_also: &["status"],
    flags: &[
        Flag::int(&["days"], "0", "Returns the logs for the past <days> days"),
        Flag::text(
            &["from-date"],
            "Returns logs for any date after the passed one, the expected date format is YYYY-MM-DD",
        ),
        Flag::int(&["n"], "0", "Returns the last N logs"),
        Flag::text(&["type"], "Type of statuses to be displayed"),
        Flag::bool(&["utc"], "Display time as UTC in RFC3339 format"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const KINDS: &[&str] = &[
    "application",
    "container",
    "juju-container",
    "juju-machine",
    "juju-unit",
    "machine",
    "model",
    "saas",
    "unit",
    "workload",
];

struct Query {
    kind: String,
    tag: Option<String>,
    filter: Value,
}

async fn run(context: &mut Context) -> Result<()> {
    let iso = super::iso(context, true)?;
    let query = query(context)?;
    let api = context.model_api().await?;
    let tag = query.tag.unwrap_or_else(|| format!("model-{}", api.model_uuid));
    let request = json!({"historyKind": query.kind, "size": 0, "filter": query.filter, "tag": tag});
    let results: StatusHistoryResults = api.call("Client", "StatusHistory", json!({"requests": [request]})).await?;
    let result = results.results.into_iter().next().unwrap_or_default();
    if let Some(error) = result.error.or(result.history.error) {
        return Err(Error::failed(format!("while processing the request: {}", error.message)));
    }
    let mut statuses = result.history.statuses;
    // Whatever order a server has, the newest is last.
    statuses.sort_by_key(|status| status.since);
    if statuses.is_empty() {
        return Err(Error::failed("no status history available"));
    }
    if context.format() == "tabular" {
        let paint = Paint(context.colour());
        let mut table = Table::new();
        table.row(&["Time", "Type", "Status", "Message"]);
        let zone = context.zone();
        for s in &statuses {
            let since = moment(s.since, &zone, iso).unwrap_or_default();
            let word = paint.with(Ink::of_status(&s.status), &format!("{}\t", s.status));
            table.push(&format!("{since}\t{}\t{word}{}\n", s.kind, s.info));
        }
        return context.result_bytes(&table.finish());
    }
    context.result_node(&Node::Seq(statuses.iter().map(entry).collect()))
}

fn entry(s: &DetailedStatus) -> Node {
    let mut out = vec![("status".to_owned(), Node::str(&s.status))];
    if !s.info.is_empty() {
        out.push(("message".to_owned(), Node::str(&s.info)));
    }
    if !s.data.is_empty() {
        let data = s.data.iter().map(|(k, v)| (k.clone(), Node::from(v))).collect();
        out.push(("data".to_owned(), Node::Map(data).sorted()));
    }
    if s.since != Time::default() {
        out.push(("since".to_owned(), Node::Time(s.since.to_string())));
    }
    out.push(("type".to_owned(), Node::str(&s.kind)));
    Node::Map(out)
}

fn query(context: &Context) -> Result<Query> {
    let args = &context.args;
    let kind = args.text("type").unwrap_or("unit").to_owned();
    let entity = args.get(0);
    if entity.is_none() && kind != "model" {
        return Err(Error::usage("entity name is missing."));
    }
    if args.positional().len() > 1 {
        return Err(Error::usage("unexpected arguments after entity name."));
    }
    let (size, days) = (args.int("n").unwrap_or(0), args.int("days").unwrap_or(0));
    let date = args.text("from-date").filter(|d| !d.is_empty());
    if [size != 0, days != 0, date.is_some()].iter().filter(|given| **given).count() > 1 {
        return Err(Error::usage("backlog size, backlog date and backlog days back cannot be specified together"));
    }
    let date = date.map(day).transpose()?;
    if !KINDS.contains(&kind.as_str()) {
        return Err(Error::usage(format!("unexpected status type {kind:?}")));
    }
    let unbounded = days == 0 && date.is_none();
    let filter = json!({
        "size": if size == 0 && unbounded { 20 } else { size },
        "date": date.map_or(Value::Null, Value::String),
        "delta": if days == 0 { Value::Null } else { json!(days * 86_400_000_000_000) },
        "exclude": [],
    });
    let tag = entity.filter(|_| kind != "model").map(|name| tag(&kind, name)).transpose()?;
    Ok(Query { kind, tag, filter })
}

fn tag(kind: &str, name: &str) -> Result<String> {
    let invalid = |what: &str| Error::failed(format!("{name:?} is not a valid name for {what}"));
    match kind {
        "application" | "saas" => match base::tag::is_application_name(name) {
            true => Ok(format!("application-{name}")),
            false => Err(invalid("an application")),
        },
        "unit" | "workload" | "juju-unit" => match name.rsplit_once('/') {
            Some((app, n)) if base::tag::is_application_name(app) && n.parse::<base::TaskId>().is_ok() => {
                Ok(format!("unit-{app}-{n}"))
            }
            _ => Err(invalid(&format!("a {kind}"))),
        },
        _ => match name.parse::<base::MachineId>() {
            Ok(id) => Ok(format!("machine-{}", id.dashed())),
            Err(_) => Err(invalid(&format!("a {kind}"))),
        },
    }
}

/// A day as the wire wants it.
fn day(text: &str) -> Result<String> {
    let long = format!("{text}T00:00:00Z");
    match Time::parse(&long).filter(|_| text.len() == 10) {
        Some(_) => Ok(long),
        None => {
            let wrong = if text.bytes().take(4).filter(u8::is_ascii_digit).count() < 4 {
                (text, "2006")
            } else {
                (text.get(4..).unwrap_or_default(), "-")
            };
            Err(Error::usage(format!(
                "parsing backlog date: parsing time {text:?} as \"2006-01-02\": cannot parse {:?} as {:?}",
                wrong.0, wrong.1
            )))
        }
    }
}
