//! `wait-for`: waits until a query holds of a machine, a model, an application or a unit.
//!
//! ```text
//! not found, waiting... -> found, waiting... -> is running | is being removed | has been removed
//! ```
//! The surprise: what is dead ends the wait well, whatever the query says; what is gone without having been seen dead ends it badly.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};
use wire::yaml::{Node, natural_cmp};

use super::query::{Failure, Query, Run, Scope, Value};
use super::scope::{Kind, World};
use crate::command::{Command, Scope as CommandScope};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::{Flag, Kind as FlagKind};
use crate::select::ModelRef;

pub const COMMAND: Command = Command {
    name: "wait-for",
    args: "{application|machine|model|unit} <name>",
    purpose: "Wait for an entity to reach a specified state.",
    doc: "Waits until a query holds, at most for the time of --timeout. Without a query it waits until a machine is started, a\n\
          model available, an application or a unit active. Goes on when the controller is away for a while.\n\n\
          A query compares (== != < <= > >=) names with strings, numbers, true and false, joins by && and ||, and knows\n\
          len(x), startsWith(x, y), endsWith(x, y), int(x), print(x) and forEach(list, x => query), which is false of an\n\
          empty list. Names:\n\n\
          machine      id, life, status, agent-status, instance-status, instance-id, hostname, base, container-type\n\
          model        name, life, status, is-controller, config, machines, applications, units\n\
          application  name, life, status, exposed, charm-url, min-units, subordinate, workload-version, units\n\
          unit         name, life, workload-status, workload-message, agent-status, application, machine-id, machines ...",
    examples: "\n    juju wait-for machine 0\n    juju wait-for machine 0 --query='status==\"started\" && hostname!=\"\"' --timeout 2m\n    \
               juju wait-for model default --query='len(machines)==3 && forEach(machines, m => m.status==\"started\")'",
    see_also: &["status", "machines"],
    flags: &[
        Flag::text(&["query"], "Query the goal state"),
        Flag {
            names: &["summary"],
            kind: FlagKind::Bool,
            default: "true",
            help: "Output a summary of what was waited for",
        },
        Flag::duration(&["timeout"], "10m0s", "How long to wait, before timing out"),
    ],
    scope: CommandScope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// Between tries to reach a controller, or to watch again.
const PAUSE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(600);

struct Goal {
    kind: Kind,
    /// As typed.
    name: String,
    query: Query,
    text: String,
    summary: bool,
}

impl Goal {
    fn read(context: &Context) -> Result<Goal> {
        let args = &context.args;
        let words = Kind::ALL.map(Kind::word);
        let Some(word) = args.get(0) else {
            return Err(Error::usage(format!("no entity specified, want one of {}", words.join(", "))));
        };
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) else {
            return Err(Error::usage(format!("cannot wait for {word:?}, want one of {}", words.join(", "))));
        };
        let what = if kind == Kind::Machine { "id" } else { "name" };
        let article = if kind == Kind::Application { "an application".to_owned() } else { format!("an {word}") };
        let Some(name) = args.get(1) else {
            return Err(Error::usage(format!("{word} {what} must be supplied when waiting for {article}")));
        };
        if args.positional().len() > 2 {
            let text = format!("only one {word} {what} can be supplied as an argument to this command");
            return Err(Error::usage(text));
        }
        let valid = match kind {
            Kind::Application => base::tag::is_application_name(name),
            Kind::Machine => name.parse::<base::MachineId>().is_ok(),
            Kind::Model => true,
            Kind::Unit => name.split_once('/').is_some_and(|(application, number)| {
                base::tag::is_application_name(application) && number.parse::<base::TaskId>().is_ok()
            }),
        };
        if !valid {
            return Err(Error::usage(format!("{name:?} is not valid {word} {what}")));
        }
        let usual = match kind {
            Kind::Application => r#"life=="alive" && status=="active""#,
            Kind::Machine => r#"life=="alive" && status=="started""#,
            Kind::Model => r#"life=="alive" && status=="available""#,
            Kind::Unit => r#"life=="alive" && workload-status=="active""#,
        };
        let text = args.text("query").filter(|text| !text.is_empty()).unwrap_or(usual).to_owned();
        let query = Query::parse(&text).map_err(|wrong| Error::failed(wrong.explain(&text)))?;
        let summary = !args.given("summary") || args.is_set("summary");
        Ok(Goal { kind, name: name.to_owned(), query, text, summary })
    }

    /// The first letter is large for applications alone.
    fn subject(&self) -> String {
        let word = if self.kind == Kind::Application { "Application" } else { self.kind.word() };
        format!("{word} {:?}", self.name)
    }

    /// By what the model calls it: a model is known by its short name there.
    fn id(&self) -> &str {
        match self.kind {
            Kind::Model => self.name.rsplit(['/', ':']).next().unwrap_or(&self.name),
            _ => &self.name,
        }
    }
}

async fn run(context: &mut Context) -> Result<()> {
    let goal = Goal::read(context)?;
    let patience = context.args.duration("timeout").unwrap_or(PATIENCE);
    let selected = match (goal.kind, context.selected.clone()) {
        (Kind::Model, selected) => {
            let current = selected.map(|one| one.controller);
            let (controller, model) = match goal.name.split_once(':') {
                Some((controller, model)) => (controller.to_owned(), model.to_owned()),
                None => (current.map_or_else(|| context.controller_name(), Ok)?, goal.name.clone()),
            };
            ModelRef { controller, model }
        }
        (_, Some(selected)) => selected,
        (_, None) => return Err(Error::failed("no model selected")),
    };
    match tokio::time::timeout(patience, wait(context, &goal, &selected)).await {
        Ok(ended) => ended,
        Err(_) => Err(Error::failed(format!("timed out waiting for {:?} to reach goal state", goal.name))),
    }
}

/// What was told already.
#[derive(Default)]
struct Told {
    missing: bool,
    found: bool,
}

async fn wait(context: &mut Context, goal: &Goal, selected: &ModelRef) -> Result<()> {
    let mut told = Told::default();
    let mut connected = false;
    loop {
        let api = match context.model_api_of(selected).await {
            Ok(api) => api,
            Err(error) if connected && error.is_passing() => {
                context.sleep(PAUSE).await;
                continue;
            }
            // The model is gone, with what was waited for.
            Err(error) if connected && !error.is_unauthorized() => return Err(removed(goal)),
            Err(error) => return Err(error),
        };
        connected = true;
        if watch(context, goal, &api, &mut told).await? {
            return Ok(());
        }
        context.sleep(PAUSE).await;
    }
}

fn removed(goal: &Goal) -> Error {
    Error::failed(format!("{} {} removed", goal.kind.word(), goal.name))
}

/// Follows the model; true when the goal was reached, false when the watcher ended first.
async fn watch(context: &mut Context, goal: &Goal, api: &Api, told: &mut Told) -> Result<bool> {
    let started: Json = match api.call("Client", "WatchAll", json!({})).await {
        Err(error) if Error::is_passing(&error) => return Ok(false),
        started => started?,
    };
    let watcher = started["watcher-id"].as_str().unwrap_or_default().to_owned();
    let mut world = World::default();
    loop {
        let Ok(news) = api.connection.next::<Json>("AllWatcher", &watcher).await else { return Ok(false) };
        news["deltas"].as_array().into_iter().flatten().for_each(|delta| world.take(delta));
        let reached = look(context, goal, &world, told);
        if !matches!(reached, Ok(false)) {
            // Whether the watcher is still there makes no difference to the user.
            let _ = api.connection.stop("AllWatcher", &watcher).await;
            return reached;
        }
    }
}

/// Whether the goal is reached, and what is told then.
fn look(context: &mut Context, goal: &Goal, world: &World, told: &mut Told) -> Result<bool> {
    let Some(scope) = world.scope(goal.kind, goal.id()) else {
        if told.found {
            return Err(removed(goal));
        }
        if !std::mem::replace(&mut told.missing, true) {
            context.info(format!("{} {:?} not found, waiting...", goal.kind.word(), goal.name));
        }
        return Ok(false);
    };
    let text = |name: &str| match scope.names.get(name) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let life = text("life");
    let mut run = Run::default();
    let holds = run.holds(&goal.query.expr, &scope).map_err(|failure| Error::failed(explain(&failure, &goal.text)))?;
    for line in &run.printed {
        context.info(line);
    }
    if !holds && life != "dead" {
        if !std::mem::replace(&mut told.found, true) {
            let status = match goal.kind {
                Kind::Application => format!(" with {:?}", text("status")),
                Kind::Machine | Kind::Model | Kind::Unit => String::new(),
            };
            context.info(format!("{} {:?} found{status}, waiting...", goal.kind.word(), goal.name));
        }
        return Ok(false);
    }
    if !goal.summary {
        return Ok(true);
    }
    let became = match life.as_str() {
        "dead" => "has been removed",
        "dying" => "is being removed",
        _ => "is running",
    };
    context.info(format!("{} {became}", goal.subject()));
    if !matches!(life.as_str(), "dead" | "dying") {
        context.result(wire::yaml::print(&summary(goal, &scope, &run)))?;
    }
    Ok(true)
}

/// What the query asked for, and what it asked of the members of lists.
fn summary(goal: &Goal, scope: &Scope, run: &Run) -> Node {
    let mut properties = Vec::new();
    let mut lists = Vec::new();
    for name in goal.query.names() {
        let Some(value) = scope.names.get(&name) else { continue };
        properties.push((name.clone(), node(value)));
        let Value::List(items) = value else { continue };
        let mut members: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
        for item in items {
            let Value::Thing(thing) = item else { continue };
            let of_this = run.seen.iter().filter(|(kind, id, ..)| *kind == thing.kind && *id == thing.id);
            for (_, _, asked, value) in of_this {
                members.entry(&thing.id).or_default().insert(asked, value);
            }
        }
        let mut members: Vec<(String, Node)> = members
            .into_iter()
            .map(|(id, asked)| {
                (id.to_owned(), Node::Map(asked.into_iter().map(|(k, v)| (k.to_owned(), node(v))).collect()))
            })
            .collect();
        members.sort_by(|a, b| natural_cmp(&a.0, &b.0));
        if !members.is_empty() {
            lists.push((name, Node::Map(members)));
        }
    }
    let mut all = vec![("properties".to_owned(), Node::Map(properties))];
    all.extend(lists);
    Node::Map(all)
}

fn node(value: &Value) -> Node {
    match value {
        Value::Bool(value) => Node::from(&Json::from(*value)),
        Value::Int(value) => Node::Int(i128::from(*value)),
        Value::Float(value) => Node::Float(*value),
        Value::Text(text) => Node::str(text),
        // Entities stand below, by what was asked of them.
        Value::List(items) if items.iter().all(|one| matches!(one, Value::Thing(_))) => Node::Map(Vec::new()),
        Value::List(items) => Node::Seq(items.iter().map(node).collect()),
        Value::Map(map) => Node::Map(map.iter().map(|(key, value)| (key.clone(), node(value))).collect()),
        Value::Thing(thing) => Node::str(&thing.id),
    }
}

fn explain(failure: &Failure, query: &str) -> String {
    match failure {
        Failure::Senseless(words) => format!("Cannot execute query: {words}.\n\n1 | {query}\n"),
        Failure::UnknownName { name, kind, known } => {
            let far = |one: &String| crate::command::distance(name, one);
            let nearest = known.iter().map(far).min().filter(|far| *far <= NEAR);
            let near = known.iter().filter(|one| Some(far(one)) == nearest);
            let near: Vec<String> = near.map(|one| format!("    {one}")).collect();
            let rest = known.iter().filter(|one| !near.iter().any(|line| line.trim_start() == one.as_str()));
            let rest: Vec<String> = rest.map(|one| format!("    - {one}")).collect();
            let mut text = format!(
                "Cannot execute query: invalid identifier.\n\n1 | {query}\n\nNo possible matches for {name:?} on {kind}: \n"
            );
            if !near.is_empty() {
                text += &format!("Did you mean:\n\n{}\n\n", near.join("\n"));
            }
            if !rest.is_empty() {
                text += &format!("Other possible matches:\n\n{}", rest.join("\n"));
            }
            text
        }
    }
}

/// So many letters may be wrong.
const NEAR: usize = 2;
