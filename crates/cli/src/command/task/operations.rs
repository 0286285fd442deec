//! `operations` and `show-operation`: what was asked for, and the tasks that came of it.

use base::clock::Time;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use wire::facade::action::{ActionResult, OperationResult, OperationResults};
use wire::yaml::Node;

use super::show::{Patience, patience};
use super::targets::{is_machine, is_unit, list};
use super::{outcome, result, wait};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::table::Table;

pub(super) const UTC: Flag = Flag::bool(&["utc"], "Show times in UTC");
pub(super) const WAIT: Flag = Flag::duration(&["wait"], "-1s", "Maximum wait time for a task to complete");
pub(super) const WATCH: Flag = Flag::bool(&["watch"], "Wait indefinitely for results");

pub const LIST: Command = Command {
    name: "operations",
    aliases: &["list-operations"],
    purpose: "Lists pending, running, or completed operations for specified application, units, machines, or all.",
    doc: "Lists operations with their status, times and tasks, the newest last.",
    examples: "\n    juju operations\n    juju operations --machines 0,1 --status pending,running\n    juju operations --limit 10",
    see_also: &["exec", "show-operation", "show-task"],
    flags: &[
        Flag::text(&["actions"], "Comma separated list of actions names to filter on"),
        Flag::text(&["applications", "apps"], "Comma separated list of applications to filter on"),
        Flag::uint(&["limit"], "0", "The maximum number of operations to return"),
        Flag::text(&["machines"], "Comma separated list of machines to filter on"),
        Flag::uint(&["offset"], "0", "Return operations from offset onwards"),
        Flag::text(&["status"], "Comma separated list of operation status to filter on"),
        Flag::text(&["units"], "Comma separated list of units to filter on"),
        UTC,
    ],
    formats: &["plain", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run_list(context)),
    ..Command::BASE
};

pub const SHOW: Command = Command {
    name: "show-operation",
    args: "<operation-id>",
    arguments: &[&[Noun::Operation]],
    purpose: "Show results of an operation.",
    doc: "Shows an operation with all its tasks. With --wait or --watch it waits for the operation's end.",
    examples: "\n    juju show-operation 1\n    juju show-operation 1 --wait=2m",
    see_also: &["exec", "operations", "show-task"],
    flags: &[UTC, WAIT, WATCH],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    run: |context| Box::pin(run_show(context)),
    ..Command::BASE
};

const STATUSES: [&str; 8] = ["pending", "running", "completed", "failed", "cancelled", "aborting", "aborted", "error"];

fn zone(context: &Context) -> TimeZone {
    if context.args.is_set("utc") { TimeZone::UTC } else { context.zone() }
}

async fn run_list(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let params = query(context)?;
    let api = context.model_api().await?;
    let answer: OperationResults = api.call("Action", "ListOperations", &params).await?;
    let mut operations = answer.results;
    if operations.is_empty() {
        context.info("no matching operations");
        return Ok(());
    }
    operations.sort_by_key(|o| number(o).parse::<u64>().unwrap_or(0));
    if context.format() != "plain" {
        let zone = zone(context);
        let json = context.format() == "json";
        let mut entries: Vec<(String, Node)> = operations.iter().map(|o| (number(o), object(o, &zone, json))).collect();
        match json {
            true => entries.sort_by(|a, b| a.0.cmp(&b.0)),
            false => entries.sort_by(|a, b| wire::yaml::natural_cmp(&a.0, &b.0)),
        }
        return context.result_node(&Node::Map(entries));
    }
    let offset = context.args.uint("offset").unwrap_or(0);
    let limit = context.args.uint("limit").unwrap_or(0);
    let mut text = String::new();
    if offset > 0 || answer.truncated {
        let count = operations.len() as u64;
        text += &format!("Displaying operation results {} to {}.\n", offset + 1, offset + count);
        if answer.truncated {
            let limit = if limit == 0 { 50 } else { limit };
            let next = offset + count;
            text += &format!("Run the command again with --offset={next} --limit={limit} to see the next batch.\n\n");
        }
    }
    let mut bytes = text.into_bytes();
    bytes.extend(table(&operations, &zone(context)));
    context.result_bytes(&bytes)
}

fn query(context: &Context) -> Result<Value> {
    let lists: Vec<(&str, Vec<String>)> = ["applications", "units", "machines", "actions", "status"]
        .iter()
        .map(|name| (*name, list(&context.args, name)))
        .collect();
    let mut wrong = Vec::new();
    for (name, values) in &lists {
        for value in values {
            match *name {
                "applications" if !base::tag::is_application_name(value) => {
                    wrong.push(format!("invalid application name {value:?}"));
                }
                "units" if !is_unit(value) => wrong.push(format!("invalid unit name {value:?}")),
                "machines" if !is_machine(value) => wrong.push(format!("invalid machine id {value:?}")),
                "status" if !STATUSES.contains(&value.as_str()) => {
                    wrong.push(format!("{value:?} is not a valid task status, want one of [{}]", STATUSES.join(" ")))
                }
                _ => {}
            }
        }
    }
    if !wrong.is_empty() {
        return Err(Error::usage(wrong.join("\n")));
    }
    let mut params = json!({});
    for (name, values) in lists.iter().filter(|(_, values)| !values.is_empty()) {
        params[*name] = json!(values);
    }
    for name in ["offset", "limit"] {
        if let Some(number) = context.args.uint(name).filter(|n| *n > 0) {
            params[name] = json!(number);
        }
    }
    Ok(params)
}

fn number(operation: &OperationResult) -> String {
    // One that could not be read has no number either.
    if operation.error.is_some() {
        return String::new();
    }
    operation.operation.trim_start_matches("operation-").to_owned()
}

fn task_name(task: &ActionResult) -> &str {
    task.action.as_ref().map(|a| a.name.as_str()).unwrap_or_default()
}

fn status(operation: &OperationResult) -> String {
    let broken = operation.actions.iter().any(|t| t.action.is_none());
    if broken { "error".to_owned() } else { operation.status.clone() }
}

fn table(operations: &[OperationResult], zone: &TimeZone) -> Vec<u8> {
    let time = |time: Option<Time>| {
        let time = time.filter(|t| *t != Time::default());
        let local = time.map(|t| t.timestamp().to_zoned_datetime(zone.clone()));
        local.map(|t| t.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
    };
    let mut table = Table::new().right(&[0]);
    table.row(&["ID", "Status", "Started", "Finished", "Task IDs", "Summary"]);
    for o in operations {
        if o.error.is_some() {
            table.row(&["", "", "", "", "", ""]);
            continue;
        }
        let ids: Vec<String> = o.actions.iter().filter(|t| t.action.is_some()).map(result::id).collect();
        let mut shown = ids.iter().take(5).cloned().collect::<Vec<_>>().join(",");
        if ids.len() > 5 {
            shown += "...";
        }
        table.row(&[number(o), status(o), time(o.started), time(o.completed), shown, o.summary.clone()]);
    }
    table.finish()
}

/// The object of one operation.
fn object(o: &OperationResult, zone: &TimeZone, json: bool) -> Node {
    let mut out: Vec<(String, Node)> = Vec::new();
    let mut put = |key: &str, node: Node| out.push((key.to_owned(), node));
    put("summary", Node::str(&o.summary));
    put("status", Node::Str(status(o)));
    if !o.fail.is_empty() {
        put("fail", Node::str(&o.fail));
    }
    if let Some(error) = &o.error {
        put("error", Node::str(&error.message));
    }
    let tasks: Vec<&ActionResult> = o.actions.iter().filter(|t| t.action.is_some()).collect();
    let one = |t: &&ActionResult| t.action.as_ref().map(|a| (a.name.clone(), a.parameters.clone()));
    // Tasks without parameters never count as the same, unless there is but one.
    let bare = |t: &&ActionResult| t.action.as_ref().is_some_and(|a| a.parameters.is_empty());
    let same = tasks.len() == o.actions.len()
        && tasks.windows(2).all(|w| one(&w[0]) == one(&w[1]))
        && (tasks.len() == 1 || !tasks.iter().any(bare));
    let common = tasks.first().filter(|_| same).and_then(|t| t.action.as_ref());
    if let Some(action) = common {
        let parameters = action.parameters.iter().map(|(k, v)| (k.clone(), result::loose(v))).collect();
        let mut entries = vec![("name".to_owned(), Node::str(&action.name))];
        entries.push(("parameters".to_owned(), Node::Map(parameters).sorted()));
        put("action", Node::Map(entries));
    }
    let timing = result::timing([o.enqueued, o.started, o.completed], zone);
    if !timing.is_empty() || json {
        put("timing", Node::Map(timing));
    }
    let mut entries: Vec<(String, Node)> =
        tasks.iter().map(|t| (result::id(t), task(t, zone, common.is_none(), json))).collect();
    match json {
        true => entries.sort_by(|a, b| a.0.cmp(&b.0)),
        false => entries.sort_by(|a, b| wire::yaml::natural_cmp(&a.0, &b.0)),
    }
    if !entries.is_empty() {
        put("tasks", Node::Map(entries));
    }
    Node::Map(out)
}

fn task(t: &ActionResult, zone: &TimeZone, named: bool, json: bool) -> Node {
    let mut out: Vec<(String, Node)> = Vec::new();
    let mut put = |key: &str, node: Node| out.push((key.to_owned(), node));
    if named {
        put("name", Node::str(task_name(t)));
    }
    let receiver = t.action.as_ref().map(|a| a.receiver.as_str()).unwrap_or_default();
    put("host", Node::Str(result::target(receiver).1));
    put("status", Node::str(&t.status));
    let timing = result::timing([t.enqueued, t.started, t.completed], zone);
    if !timing.is_empty() || json {
        put("timing", Node::Map(timing));
    }
    let log = result::log(&t.log, zone);
    if !log.is_empty() {
        put("log", Node::Seq(log));
    }
    if !t.message.is_empty() {
        put("message", Node::str(&t.message));
    }
    let results = result::results(t);
    if !results.is_empty() {
        put("results", Node::Map(results));
    }
    Node::Map(out)
}

async fn run_show(context: &mut Context) -> Result<()> {
    let patience = patience(context)?;
    let id = match context.args.get(0) {
        Some(id) => id.to_owned(),
        None => return Err(Error::usage("no operation ID specified")),
    };
    id.parse::<base::OperationId>().map_err(|_| Error::usage(format!("operation ID {id:?} not valid")))?;
    context.args.at_most(1)?;
    let api = context.model_api().await?;
    let deadline = match patience {
        Patience::None => None,
        Patience::For(time) => Some(tokio::time::Instant::now() + time),
        Patience::Ever => None,
    };
    let mut pause = std::time::Duration::from_millis(100);
    let operation = loop {
        let operation = fetch(&api, &id).await?;
        if matches!(patience, Patience::None) || wait::is_final(&operation.status) {
            break operation;
        }
        if deadline.is_some_and(|d| tokio::time::Instant::now() >= d) {
            return Err(Error::failed("timeout reached"));
        }
        context.sleep(pause).await;
        pause = pause.mul_f64(1.5).min(std::time::Duration::from_secs(2));
    };
    let json = context.format() == "json";
    let node = object(&operation, &zone(context), json);
    context.result_node(&node)?;
    // An answer of several outputs has a bound; each by itself has all that was kept.
    let whole = |task: &&ActionResult| task.output.contains_key("output-left-out-bytes");
    let cut: Vec<ActionResult> = operation.actions.iter().filter(whole).cloned().collect();
    outcome::tell_of_cuts(context, &cut);
    Ok(())
}

async fn fetch(api: &Api, id: &str) -> Result<OperationResult> {
    let params = json!({"entities": [{"tag": format!("operation-{id}")}]});
    let answer: OperationResults = api.call("Action", "Operations", params).await?;
    let Some(one) = answer.results.into_iter().next() else {
        return Err(Error::failed(format!("operation {id:?} not found")));
    };
    match one.error {
        Some(error) => Err(Error::from_result(&error.message, &error.code)),
        None => Ok(one),
    }
}
