//! `exec`: runs a command on machines and units, waits for the results, prints them.
//!
//! The surprises: what the remote command wrote to stderr comes on stdout too; a return code above zero is exit 1.

use serde_json::json;
use wire::facade::action::{ActionResult, EnqueuedActions};
use wire::yaml::{Node, natural_cmp};

use super::targets::{Targets, command_text};
use super::{result, wait};
use crate::command::{Command, Scope};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output;
use crate::output::colour::{Ink, Paint};

pub const COMMAND: Command = Command {
    name: "exec",
    args: "<commands>",
    purpose: "Run the commands on the remote targets specified.",
    doc: "Runs a shell command on machines (as user ubuntu) and units (in their context), and prints what it printed.\n\
          A `--` before the command keeps its own flags from being taken for those of exec.",
    examples: "\n    juju exec --all -- hostname -f\n    juju exec --unit hello/0 env\n    juju exec --machine 0,1 --format yaml uptime",
    see_also: &["ssh", "show-task", "operations"],
    flags: &[
        Flag::text(&["application", "a", "app"], "One or more application names"),
        Flag::bool(&["all"], "Run the commands on all the machines"),
        Flag::bool(&["background"], "Run the task in the background"),
        Flag::bool(&["color"], "Use ANSI color codes in output"),
        Flag::text(&["execution-group"], "Commands in the same execution group are run sequentially"),
        Flag::text(&["machine"], "One or more machine ids"),
        Flag::bool(&["no-color"], "Disable ANSI color codes in output"),
        Flag::bool(&["operator"], "Run the commands on the operator (k8s-only)"),
        Flag::bool(&["parallel"], "Run the commands in parallel without first acquiring a lock"),
        Flag::text(&["unit", "u"], "One or more unit ids"),
        Flag::bool(&["utc"], "Show times in UTC"),
        Flag::duration(&["wait"], "0s", "Maximum wait time for a task to complete"),
    ],
    formats: &["plain", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// The key of how many bytes were not kept; Grigri's own.
const DROPPED: &str = "output-dropped-bytes";
const PATIENCE: i128 = 300_000_000_000;

async fn run(context: &mut Context) -> Result<()> {
    let background = context.args.is_set("background");
    let waits = context.args.duration_nanos("wait").unwrap_or(0);
    if background && waits != 0 {
        return Err(Error::usage("cannot specify both --wait and --background"));
    }
    if context.args.positional().is_empty() {
        return Err(Error::usage("no commands specified"));
    }
    let commands = command_text(context.args.positional());
    let targets = Targets::read(&context.args)?;
    if context.args.is_set("operator") {
        return Err(Error::failed("only k8s models support the --operator flag"));
    }
    let waits = if waits == 0 { PATIENCE } else { waits };
    let timeout = if background { 0 } else { waits };
    let api = context.model_api().await?;
    let enqueued = enqueue(&api, &commands, timeout, &targets).await.map_err(|e| e.explain_block("all"))?;
    let Some(tasks) = scheduled(context, &enqueued) else { return Ok(()) };
    let operation = enqueued.operation.trim_start_matches("operation-").to_owned();
    if background {
        return told_to_come_back(context, &operation, &tasks);
    }
    let results = collect(context, &api, &operation, &tasks, waits).await?;
    print(context, &results)?;
    tell_of_cuts(context, &results);
    judge(&results)
}

async fn enqueue(api: &Api, commands: &str, timeout: i128, targets: &Targets) -> Result<EnqueuedActions> {
    let timeout = i64::try_from(timeout).unwrap_or(i64::MAX);
    let mut params = json!({"commands": commands, "timeout": timeout});
    if targets.all {
        return api.call("Action", "RunOnAllMachines", params).await;
    }
    let lists = [("machines", &targets.machines), ("applications", &targets.applications), ("units", &targets.units)];
    for (key, list) in lists {
        if !list.is_empty() {
            params[key] = json!(list);
        }
    }
    api.call("Action", "Run", params).await
}

/// The tasks that there are; what could not be scheduled is told. `None` when there is nothing to wait for.
fn scheduled(context: &mut Context, enqueued: &EnqueuedActions) -> Option<Vec<ActionResult>> {
    let errors: Vec<&str> =
        enqueued.actions.iter().filter_map(|a| a.error.as_ref()).map(|e| e.message.as_str()).collect();
    let tasks: Vec<ActionResult> = enqueued.actions.iter().filter(|a| a.error.is_none()).cloned().collect();
    if tasks.is_empty() {
        let operation = enqueued.operation.trim_start_matches("operation-");
        let text = format!("Operation {operation} failed to schedule any tasks:\n{}", errors.join("\n"));
        context.detail("");
        context.info(text.trim_end_matches('\n'));
        return None;
    }
    if !errors.is_empty() {
        context.info(format!("Some actions could not be scheduled:\n{}\n", errors.join("\n")));
    }
    Some(tasks)
}

fn receiver(task: &ActionResult) -> &str {
    task.action.as_ref().map(|a| a.receiver.as_str()).unwrap_or_default()
}

/// Colours of what is told while tasks run: asked for by flag alone.
fn told_in(context: &Context) -> Paint {
    Paint(context.args.is_set("color") && !context.args.is_set("no-color"))
}

fn told_to_come_back(context: &mut Context, operation: &str, tasks: &[ActionResult]) -> Result<()> {
    let paint = told_in(context);
    let operation = paint.ink(Ink::Address, operation);
    let check = format!("Check operation status with 'juju show-operation {operation}'");
    if let [one] = tasks {
        let id = paint.ink(Ink::Address, &result::id(one));
        context.info(format!("Scheduled operation {operation} with task {id}"));
        context.info(check);
        context.info(format!("Check task status with 'juju show-task {id}'"));
        return Ok(());
    }
    let count = paint.ink(Ink::Number, &tasks.len().to_string());
    context.info(format!("Scheduled operation {operation} with {count} tasks"));
    let entry = |task: &ActionResult| {
        let id = ("id".to_owned(), Node::Str(result::id(task)));
        (result::target(receiver(task)).1, Node::Map(vec![id]))
    };
    // Whatever the format, this list is YAML.
    let mut entries: Vec<(String, Node)> = tasks.iter().map(entry).collect();
    entries.sort_by(|a, b| natural_cmp(&a.0, &b.0));
    let node = Node::Map(entries);
    context.out(if paint.0 { output::yaml::print_coloured(&node) } else { wire::yaml::print(&node) })?;
    context.info(check);
    context.info("Check task status with 'juju show-task <id>'");
    Ok(())
}

async fn collect(
    context: &mut Context,
    api: &Api,
    operation: &str,
    tasks: &[ActionResult],
    waits: i128,
) -> Result<Vec<ActionResult>> {
    let paint = told_in(context);
    let verbose = context.verbose();
    if verbose {
        let many = if tasks.len() == 1 { "task" } else { "tasks" };
        let (number, count) = (paint.ink(Ink::Address, operation), paint.ink(Ink::Number, &tasks.len().to_string()));
        context.info(format!("Running operation {number} with {count} {many}"));
        for task in tasks {
            let (id, on) = (paint.ink(Ink::Address, &result::id(task)), paint.ink(Ink::Header, receiver(task)));
            context.info(format!("  - task {id} on {on}"));
        }
        context.info("");
    }
    let patience = u64::try_from(waits).ok().map(std::time::Duration::from_nanos);
    let deadline = patience.map(|time| tokio::time::Instant::now() + time);
    let mut progress = match tasks {
        [one] => {
            let tag = one.action.as_ref().map(|a| a.tag.clone()).unwrap_or_default();
            Some(wait::Progress::start(context, api, &tag).await?)
        }
        _ => None,
    };
    let mut results = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        let tag = task.action.as_ref().map(|a| a.tag.clone()).unwrap_or_default();
        if verbose {
            context.info(format!("Waiting for task {}...", paint.ink(Ink::Address, &result::id(task))));
        }
        match wait::until_final(context, api, &tag, progress.as_mut(), deadline).await? {
            Some(result) => results.push(result),
            None => {
                missing = tasks[at..].iter().map(|t| wait::told(receiver(t))).collect();
                break;
            }
        }
    }
    let logged = match progress {
        Some(progress) => progress.stop(context, api).await,
        None => false,
    };
    if !missing.is_empty() {
        missing.sort();
        return Err(Error::failed(format!("timed out waiting for results from: {}", missing.join(", "))));
    }
    if verbose && logged {
        context.info("");
    }
    Ok(results)
}

/// A map of names in the order of the format.
fn ordered(context: &Context, mut entries: Vec<(String, Node)>) -> Node {
    match context.format() {
        "json" => entries.sort_by(|a, b| a.0.cmp(&b.0)),
        _ => entries.sort_by(|a, b| natural_cmp(&a.0, &b.0)),
    }
    Node::Map(entries)
}

fn print_node(context: &mut Context, node: &Node) -> Result<()> {
    match (context.format(), context.colour()) {
        ("json", true) => context.result(output::json::print_coloured(node)),
        (_, true) => context.result(output::yaml::print_coloured(node)),
        (_, false) => context.result_node(node),
    }
}

fn print(context: &mut Context, results: &[ActionResult]) -> Result<()> {
    if context.format() != "plain" {
        let zone = if context.args.is_set("utc") { jiff::tz::TimeZone::UTC } else { context.zone() };
        let entries = results.iter().map(|r| (result::target(receiver(r)).1, result::object(r, &zone)));
        let node = ordered(context, entries.collect());
        return print_node(context, &node);
    }
    let mut named: Vec<(String, &ActionResult)> = results.iter().map(|r| (result::target(receiver(r)).1, r)).collect();
    named.sort_by(|a, b| natural_cmp(&a.0, &b.0));
    let speaks = |r: &ActionResult| !result::text(r, "stdout").is_empty() || !result::text(r, "stderr").is_empty();
    let headed = named.iter().filter(|(_, r)| speaks(r)).count() > 1;
    let mut text = String::new();
    for (name, result) in named {
        if headed {
            text += &format!("{name}:\n");
        }
        for key in ["stdout", "stderr"] {
            let output = result::text(result, key);
            text += &output;
            if !output.is_empty() && !output.ends_with('\n') {
                text.push('\n');
            }
        }
        if headed {
            text.push('\n');
        }
    }
    context.result(text)
}

/// Output is kept up to a bound; that there was more is not to be found out by counting.
fn tell_of_cuts(context: &mut Context, results: &[ActionResult]) {
    for result in results {
        let dropped = result.output.get(DROPPED).and_then(serde_json::Value::as_u64).unwrap_or(0);
        if dropped > 0 {
            let (id, on) = (result::id(result), result::target(receiver(result)).1);
            context.warn(format!("output of task {id} on {on} is cut: {dropped} bytes more were not kept"));
        }
    }
}

/// A return code above zero fails the command.
fn judge(results: &[ActionResult]) -> Result<()> {
    let mut failed: Vec<String> = results
        .iter()
        .filter_map(|r| Some((r, result::return_code(r).filter(|code| *code >= 1)?)))
        .map(|(r, code)| format!(" - id {:?} with return code {code}", result::id(r)))
        .collect();
    failed.sort();
    let (task, failure) = match failed.len() {
        0 => return Ok(()),
        1 => ("task", "failure"),
        _ => ("tasks", "failures"),
    };
    let list = failed.join("\n");
    Err(Error::failed(format!(
        "the following {task} failed:\n{list}\n\nuse 'juju show-task' to inspect the {failure}\n"
    )))
}
