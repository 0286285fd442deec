//! `audit-log`: who did what on a controller (Grigri's own). The surprise: what only reads is not in it, unless the controller is told to keep it.

use base::clock::Time;
use serde_json::json;
use wire::facade::audit::{Entries, Entry, Query};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::table::Table;
use crate::select::ModelRef;
use crate::status::times::moment;

pub const COMMAND: Command = Command {
    name: "audit-log",
    purpose: "Show who did what on a controller.",
    doc: "Every call that may change something, every login, and whatever was refused: when, who, from which address, which\n\
          call, on which model, and how it went. json and yaml also have the command line and the arguments; passwords,\n\
          credentials, settings and the like are left out of both. The newest come last.\n\n\
          --user, --method and --of-model choose; --method takes the beginning of a name, such as 'UserManager' or\n\
          'MachineManager.Destroy'. --since takes a time, or how long ago ('90m', '24h').\n\n\
          'controller-config' says what is kept: auditing-enabled, audit-log-exclude-methods, audit-log-capture-args. Needs a\n\
          superuser.",
    examples: "\n    grigri audit-log\n    grigri audit-log --since 24h --user admin --format yaml\n    grigri audit-log --method UserManager --failed",
    see_also: &["controller-config", "debug-log", "users"],
    flags: &[
        Flag::bool(&["failed"], "Only what was refused or failed"),
        Flag::int(&["limit"], "50", "Show the last so many (0: as many as one answer has)"),
        Flag::text(&["method"], "Only calls whose name begins so"),
        Flag::text(&["of-model"], "Only what was done on this model's own connections"),
        Flag::text(&["since"], "Only what is not older: a time, or how long ago"),
        Flag::text(&["user"], "Only what this user did"),
        Flag::bool(&["utc"], "Display timestamps in the UTC timezone"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let iso = crate::command::status::iso(context, true)?;
    context.args.at_most(0)?;
    let query = query(context).await?;
    let api = context.controller_api().await?;
    if api.connection.version("Audit") == 0 {
        return Err(Error::failed(format!("controller {:?} keeps no audit that can be asked for", api.controller)));
    }
    let told: Entries = api.call("Audit", "List", json!(query)).await?;
    let zone = context.zone();
    let when = |entry: &Entry| moment(entry.when, &zone, iso).unwrap_or_default();
    if context.format() != "tabular" {
        let all = told.entries.iter().map(|entry| fields(entry, &when(entry))).collect();
        return context.result_node(&Node::Seq(all));
    }
    if told.entries.is_empty() {
        context.info("Nothing of that kind was done.");
        return Ok(());
    }
    let mut table = Table::new();
    table.row(&["Time", "User", "From", "Call", "Model", "Outcome"]);
    for entry in &told.entries {
        let outcome = if entry.error.is_empty() { "done" } else { entry.error.as_str() };
        let model = if entry.model.is_empty() { &entry.model_uuid } else { &entry.model };
        table.row(&[when(entry).as_str(), &entry.user, &entry.from, &entry.method, model, outcome]);
    }
    context.result_bytes(&table.finish())
}

async fn query(context: &mut Context) -> Result<Query> {
    let limit = context.args.int("limit").unwrap_or_default();
    let limit = usize::try_from(limit).map_err(|_| Error::usage("limit must be zero or greater"))?;
    let since = match context.args.maybe("since").map(str::to_owned) {
        Some(text) => Some(since(context, &text)?),
        None => None,
    };
    let model_uuid = match context.args.maybe("of-model").map(str::to_owned) {
        Some(model) => {
            let controller = context.controller_name()?;
            context.find_model(&ModelRef { controller, model }).await?.1
        }
        None => String::new(),
    };
    let list = |name: &str| context.args.maybe(name).map(str::to_owned).into_iter().collect();
    let failed = context.args.is_set("failed");
    Ok(Query { users: list("user"), methods: list("method"), model_uuid, since, failed, limit })
}

fn since(context: &Context, text: &str) -> Result<Time> {
    if let Some(time) = Time::parse(text) {
        return Ok(time);
    }
    let bad = || Error::usage(format!("invalid value {text:?} for option --since: no time, and no length of time"));
    let ago = base::duration::parse(text).and_then(|nanos| i64::try_from(nanos / 1_000_000_000).ok());
    let ago = ago.filter(|ago| *ago >= 0).ok_or_else(bad)?;
    Ok(Time::from_unix(context.now().unix().saturating_sub(ago)))
}

fn fields(entry: &Entry, when: &str) -> Node {
    Fields::new()
        .text("when", when)
        .text("user", &entry.user)
        .text("from", &entry.from)
        .text("call", &entry.method)
        .some("model", &entry.model)
        .some("model-uuid", &entry.model_uuid)
        .some("command", &entry.command)
        .some("arguments", &entry.arguments)
        .text("outcome", if entry.error.is_empty() { "done" } else { "failed" })
        .some("error", &entry.error)
        .done()
}
