//! `show-controller`: what a controller says of itself.
//!
//! The surprise: a question that fails stands in the output under `errors`, and the exit code stays 0.

use client::files::Controller;
use serde_json::{Value, json};
use wire::yaml::Node;

use crate::command::Command;
use crate::command::controller::refresh::{self, ModelView};
use crate::completion::Noun;
use crate::context::connect::redirect::fingerprint;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::{Fields, flow, named};
use crate::select;

pub const COMMAND: Command = Command {
    name: "show-controller",
    args: "[<controller name> ...]",
    arguments: &[&[Noun::Controller]],
    purpose: "Shows detailed information of a controller.",
    doc: "Shows extended information about a controller(s) as well as related models\n\
          and user login details. Without a name it is the current controller.",
    examples: "\n    juju show-controller\n    juju show-controller aws google",
    see_also: &["controller-config", "controllers"],
    flags: &[Flag::bool(&["show-password"], "Show password for logged in user")],
    formats: &["yaml", "json"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let all = context.store.controllers()?;
    let mut names = context.args.positional().to_vec();
    if names.is_empty() {
        match select::current_controller(&all, &context.io) {
            Some(name) => names.push(name),
            None => return Err(Error::failed("there is no active controller")),
        }
    }
    let json = context.format() == "json";
    let mut shown = Vec::new();
    for name in names {
        if !all.controllers.contains_key(&name) {
            return Err(select::controller_not_found(&name));
        }
        let node = one(context, &name, json).await?;
        shown.push((name, node));
    }
    context.result_node(&named(shown, json))
}

/// What was learned, and what could not be.
#[derive(Default)]
struct Learned {
    access: String,
    model_version: String,
    commit: String,
    database: String,
    identity: String,
    models: Vec<ModelView>,
    errors: Vec<String>,
}

async fn one(context: &mut Context, name: &str, json: bool) -> Result<Node> {
    let mut learned = Learned::default();
    match context.controller_api_of(name).await {
        Ok(api) => ask(&api, &mut learned).await,
        Err(error) => learned.errors.push(error.to_string()),
    }
    // The login may have brought news.
    let entry = context.store.controllers()?.controllers.get(name).cloned().unwrap_or_default();
    let account = context.account(name)?.unwrap_or_default();
    let access = match learned.access.is_empty() {
        true => account.last_known_access.clone().unwrap_or_default(),
        false => learned.access.clone(),
    };
    let known = context.store.models()?;
    let current = known.controllers.get(name).and_then(|k| k.current_model.clone()).unwrap_or_default();
    let mut login = Fields::new().some("user", &account.user).some("access", &access);
    if let Some(password) = account.password.filter(|_| context.args.is_set("show-password")) {
        login = login.some("password", password.reveal());
    }
    Ok(Fields::new()
        .node("details", details(&entry, &learned, json))
        .filled("controller-machines", machines(&learned.models, json))
        .filled("models", models(&learned.models, &account.user, json))
        .some("current-model", &current)
        .filled("account", login.done())
        .filled("errors", Node::Seq(learned.errors.iter().map(Node::str).collect()))
        .done())
}

async fn ask(api: &Api, learned: &mut Learned) {
    let Learned { errors, .. } = learned;
    let me = json!({"entities": [{"tag": format!("user-{}", api.user)}]});
    let access = api.call_one("Controller", "GetControllerAccess", me).await;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    learned.access = note(errors, access.map(|v| text(&v, "access")));
    let config: Result<Value> = api.call("ModelConfig", "ModelGet", json!({})).await;
    let version = |v: Value| v.pointer("/config/agent-version/value").and_then(Value::as_str).unwrap_or("").to_owned();
    learned.model_version = note(errors, config.map(version));
    let version: Result<Value> = api.call("Controller", "ControllerVersion", json!({})).await;
    learned.commit = note(errors, version.map(|v| text(&v, "git-commit")));
    let superuser = learned.access == "superuser";
    let mut known = Vec::new();
    if superuser {
        known = note(errors, refresh::all_models(api).await);
        // A controller without that database is in order, and says so.
        let database: Result<Value> = match api.call("Controller", "MongoVersion", json!({})).await {
            Err(error) if error.code() == "not supported" => Ok(Value::Null),
            outcome => outcome,
        };
        learned.database = note(errors, database.map(|v| text(&v, "result")));
    }
    let identity: Result<Value> = api.call("Controller", "IdentityProviderURL", json!({})).await;
    learned.identity = note(errors, identity.map(|v| text(&v, "result")));
    if !known.is_empty() {
        learned.models = note(errors, refresh::statuses(api, "Controller", &known).await);
    }
}

/// The value, or its default and a word in the list of errors.
fn note<T: Default>(errors: &mut Vec<String>, outcome: Result<T>) -> T {
    outcome.unwrap_or_else(|error| {
        errors.push(error.to_string());
        T::default()
    })
}

fn details(entry: &Controller, learned: &Learned, json: bool) -> Node {
    Fields::new()
        .text(if json { "uuid" } else { "controller-uuid" }, &entry.uuid)
        .node("api-endpoints", flow(&entry.api_endpoints))
        .some("cloud", &entry.cloud)
        .some("region", entry.region.as_deref().unwrap_or(""))
        .some("agent-version", entry.agent_version.as_deref().unwrap_or(""))
        .some("agent-git-commit", &learned.commit)
        .some("controller-model-version", &learned.model_version)
        .some("mongo-version", &learned.database)
        .some("identity-url", &learned.identity)
        .some("ca-fingerprint", &fingerprint(&entry.ca_cert).unwrap_or_default())
        .some("ca-cert", &entry.ca_cert)
        .done()
}

fn machines(models: &[ModelView], json: bool) -> Node {
    let Some(controller) = models.iter().find(|m| m.is_controller) else { return Node::Map(Vec::new()) };
    let members: Vec<&Value> = controller.machines.iter().filter(|m| m["wants-vote"] == Value::Bool(true)).collect();
    let several = members.len() > 1;
    let nodes = members
        .iter()
        .map(|machine| {
            let text = |key: &str| machine.get(key).and_then(Value::as_str).unwrap_or("");
            let instance = text("instance-id");
            let mut fields =
                Fields::new().text("instance-id", if instance.is_empty() { "(unprovisioned)" } else { instance });
            if several {
                fields = fields.text("ha-status", ha_status(machine, text("status")));
            }
            fields = fields.when("ha-primary", several && machine["ha-primary"] == Value::Bool(true));
            (text("id").to_owned(), fields.done())
        })
        .collect();
    named(nodes, json)
}

fn ha_status(machine: &Value, status: &str) -> &'static str {
    match (status, machine["has-vote"] == Value::Bool(true)) {
        ("down", _) => "down, lost connection",
        (_, true) => "ha-enabled",
        (_, false) => "ha-pending",
    }
}

fn models(models: &[ModelView], user: &str, json: bool) -> Node {
    let nodes = models
        .iter()
        .map(|model| {
            let fields = Fields::new()
                .text(if json { "uuid" } else { "model-uuid" }, &model.uuid)
                .count("machine-count", model.machines.len() as i64)
                .count("core-count", model.cores())
                .done();
            (select::shown(&model.name, user), fields)
        })
        .collect();
    named(nodes, json)
}
