//! `exec`: runs a command on machines and units, and waits for the results.
//!
//! The surprise: the original drops `--parallel` and `--execution-group` on the way; here they do what their help says.

use serde_json::json;
use wire::facade::action::{ActionResult, EnqueuedActions};
use wire::yaml::{Node, natural_cmp};

use super::batch::{Batch, Way, receiver, told_in};
use super::follow::{self, Follow};
use super::targets::{Targets, command_text};
use super::{input, interrupt, outcome, result};
use crate::command::{Command, Scope};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::{Args, Flag, Kind};
use crate::output;
use crate::output::colour::Ink;

pub const COMMAND: Command = Command {
    name: "exec",
    args: "<commands>",
    purpose: "Run the commands on the remote targets specified.",
    doc: "Runs a shell command on machines (as user ubuntu) and units (in their context), and prints what it printed.\n\
          A `--` before the command keeps its own flags from being taken for those of exec.\n\n\
          Results are printed when all tasks have ended; what a command wrote to stderr comes on stdout, too. With --follow\n\
          output is shown while it is written, stderr on stderr, each line after its machine's id if there is more than one\n\
          machine. The command reads nothing from standard input, but with\n\
          --stdin what exec itself is given there, 64 KiB at most.\n\n\
          --wait is how long the results are waited for and how long the command may run (5 minutes; a negative one: for\n\
          ever). With --background there is no limit but what cancel-task sets. Ctrl-C asks whether to cancel the tasks.\n\n\
          Commands run beside each other on a machine. With --parallel=false each waits for the one before; commands of\n\
          one --execution-group wait only for each other.\n\n\
          The exit code is 1 if a command's is not 0. Of each output 1 MiB is kept; what was not is told.",
    examples: "\n    juju exec --all -- hostname -f\n    juju exec --unit hello/0 env\n    juju exec --machine 0,1 --format yaml uptime\n    \
               juju exec --all --follow -- 'apt-get update && apt-get -y upgrade'\n    \
               juju exec --all --background --execution-group apt -- apt-get update\n    \
               juju exec --machine 0 --stdin -- sudo tee /etc/motd < motd",
    see_also: &["ssh", "cancel-task", "show-task", "show-operation", "operations"],
    flags: &[
        Flag::text(&["application", "a", "app"], "One or more application names"),
        Flag::bool(&["all"], "Run the commands on all the machines"),
        Flag::bool(&["background"], "Run the task in the background"),
        Flag::bool(&["color"], "Use ANSI color codes in output"),
        Flag::text(&["execution-group"], "Commands in the same execution group are run sequentially"),
        Flag::bool(&["follow"], "Show what the commands write while they run"),
        Flag::text(&["machine"], "One or more machine ids"),
        Flag::bool(&["no-color"], "Disable ANSI color codes in output"),
        Flag::bool(&["operator"], "Run the commands on the operator (k8s-only)"),
        Flag {
            names: &["parallel"],
            kind: Kind::Bool,
            default: "true",
            help: "Run the commands in parallel without first acquiring a lock",
        },
        Flag::bool(&["stdin"], "Give the commands what exec reads on standard input"),
        Flag::text(&["unit", "u"], "One or more unit ids"),
        Flag::bool(&["utc"], "Show times in UTC"),
        Flag::duration(&["wait"], "0s", "Maximum wait time for a task to complete"),
    ],
    formats: &["plain", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const PATIENCE: i128 = 300_000_000_000;

/// How long to wait, in nanoseconds: nothing for ever.
fn patience(args: &Args) -> Result<Option<u64>> {
    let given = args.duration_nanos("wait").unwrap_or(0);
    if args.is_set("background") && given != 0 {
        return Err(Error::usage("cannot specify both --wait and --background"));
    }
    let nanos = if given == 0 { PATIENCE } else { given };
    Ok(u64::try_from(nanos).ok())
}

/// What cannot go together with `--follow`.
fn check_follow(context: &Context) -> Result<bool> {
    let follow = context.args.is_set("follow");
    if follow && context.args.is_set("background") {
        return Err(Error::usage("cannot specify both --follow and --background"));
    }
    if follow && context.format() != "plain" {
        return Err(Error::usage(format!("cannot specify both --follow and --format {}", context.format())));
    }
    Ok(follow)
}

async fn run(context: &mut Context) -> Result<()> {
    let background = context.args.is_set("background");
    let patience = patience(&context.args)?;
    let follow = check_follow(context)?;
    if context.args.positional().is_empty() {
        return Err(Error::usage("no commands specified"));
    }
    let commands = command_text(context.args.positional());
    let targets = Targets::read(&context.args)?;
    if context.args.is_set("operator") {
        return Err(Error::failed("only k8s models support the --operator flag"));
    }
    // Whoever waits for ever wants no deadline; the original sends one that is over already.
    let timeout = if background { 0 } else { patience.unwrap_or(0) };
    let commands = match context.args.is_set("stdin") {
        true => input::handed_on(context, commands).await?,
        false => commands,
    };
    let api = context.model_api().await?;
    if follow {
        follow::check(&api)?;
    }
    let enqueued = enqueue(context, &api, &commands, timeout, &targets).await.map_err(|e| e.explain_block("all"))?;
    let Some(tasks) = scheduled(context, &enqueued) else { return Ok(()) };
    let batch = Batch { operation: enqueued.operation.trim_start_matches("operation-").to_owned(), tasks };
    if background {
        return told_to_come_back(context, &batch.operation, &batch.tasks);
    }
    let way = if follow { Way::Follow(Follow::new(&batch.tasks)) } else { Way::Wait };
    let ended = batch.attend(context, &api, patience.map(std::time::Duration::from_nanos), way).await?;
    if !follow {
        outcome::print(context, &ended.results)?;
    }
    outcome::tell_of_cuts(context, &ended.results);
    if ended.cancelled {
        return Err(interrupt::cancelled(&batch));
    }
    outcome::judge(&ended.results, follow)
}

async fn enqueue(
    context: &Context,
    api: &Api,
    commands: &str,
    timeout: u64,
    targets: &Targets,
) -> Result<EnqueuedActions> {
    let timeout = i64::try_from(timeout).unwrap_or(i64::MAX);
    let mut params = json!({"commands": commands, "timeout": timeout});
    if context.args.given("parallel") && !context.args.is_set("parallel") {
        params["parallel"] = json!(false);
    }
    if let Some(group) = context.args.text("execution-group").filter(|group| !group.is_empty()) {
        params["execution-group"] = json!(group);
    }
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
