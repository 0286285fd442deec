//! `show-model`: all that the controller tells of one model.

use jiff::Timestamp;
use serde_json::{Value, json};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;
use crate::output::fields::{Fields, named};
use crate::output::time;
use crate::select::{self, ModelRef};

pub const COMMAND: Command = Command {
    name: "show-model",
    args: "[<model name>]",
    arguments: &[&[Noun::Model]],
    purpose: "Shows information about the current or specified model.",
    doc: "Show information about the current or specified model.",
    examples: "\n    juju show-model\n    juju show-model mymodel",
    see_also: &["add-model"],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    names_model: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let selected = match context.args.get(0).map(str::to_owned) {
        Some(typed) => select::model(&context.store, &context.io, Some(&typed))?,
        None => context.selected.clone().unwrap_or(ModelRef { controller: String::new(), model: String::new() }),
    };
    let (_, uuid) = context.find_model(&selected).await?;
    let api = context.controller_api_of(&selected.controller).await?;
    let params = json!({"entities": [{"tag": format!("model-{uuid}")}]});
    let info = api.call_one("ModelManager", "ModelInfo", params).await?;
    let json = context.format() == "json";
    let name = select::shown(&qualified(&info), &api.user);
    let node = node(&info, &selected.controller, (context.io.now)(), json);
    context.result_node(&Node::Map(vec![(name, node)]))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// `owner/name`.
pub fn qualified(model: &Value) -> String {
    let owner = text(model, "owner-tag");
    let owner = if owner.is_empty() { text(model, "qualifier") } else { owner.strip_prefix("user-").unwrap_or(owner) };
    format!("{owner}/{}", text(model, "name"))
}

/// The fields that lists and single models have in common, up to the region.
pub fn head(model: &Value, controller: &str) -> Fields {
    let full = qualified(model);
    let owner = full.split_once('/').map_or("", |(owner, _)| owner);
    let cloud = text(model, "cloud-tag");
    Fields::new()
        .text("name", &full)
        .text("short-name", text(model, "name"))
        .text("model-uuid", text(model, "uuid"))
        .text("model-type", text(model, "type"))
        .text("controller-uuid", text(model, "controller-uuid"))
        .text("controller-name", controller)
        .bool("is-controller", model["is-controller"] == Value::Bool(true))
        .text("owner", owner)
        .text("cloud", cloud.strip_prefix("cloud-").unwrap_or(cloud))
        .some("region", text(model, "cloud-region"))
}

/// `{name, owner, cloud, validity-check}` of a credential tag.
pub fn credential(model: &Value) -> Node {
    let tag = text(model, "cloud-credential-tag");
    let mut parts = tag.strip_prefix("cloudcred-").unwrap_or(tag).splitn(3, '_');
    let (Some(cloud), Some(owner), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Node::Null;
    };
    let validity = match model.get("cloud-credential-validity") {
        Some(Value::Bool(true)) => "valid",
        Some(Value::Bool(false)) => "invalid",
        _ => "",
    };
    Fields::new().text("name", name).text("owner", owner).text("cloud", cloud).some("validity-check", validity).done()
}

/// The model's status and where its migration stands.
pub fn status(model: &Value, now: Timestamp, exact: bool) -> Node {
    let moment = |value: &Value, exact: bool| time::shown(now, value, exact, "");
    let status = &model["status"];
    let mut fields = Fields::new()
        .some("current", text(status, "status"))
        .some("message", text(status, "info"))
        .some("reason", status.pointer("/data/reason").and_then(Value::as_str).unwrap_or(""))
        .some("since", &moment(&status["since"], exact));
    if let Some(migration) = model.get("migration").filter(|m| !m.is_null()) {
        fields = fields
            .some("migration", text(migration, "status"))
            .some("migration-start", &moment(&migration["start"], false))
            .some("migration-end", &moment(&migration["end"], false));
    }
    fields.done()
}

fn node(info: &Value, controller: &str, now: Timestamp, json: bool) -> Node {
    let list = |key: &str| info.get(key).and_then(Value::as_array).into_iter().flatten();
    let users = list("users").map(|user| {
        let fields = Fields::new()
            .some("display-name", text(user, "display-name"))
            .text("access", text(user, "access"))
            .text("last-connection", &time::shown(now, &user["last-connection"], false, "never connected"));
        (text(user, "user").to_owned(), fields.done())
    });
    let users = named(users.collect(), json);
    let machines = list("machines").map(|machine| {
        let cores = machine.pointer("/hardware/cores").and_then(Value::as_i64).unwrap_or(0);
        (text(machine, "id").to_owned(), Fields::new().int("cores", cores).done())
    });
    let machines = named(machines.collect(), json);
    let backends = list("secret-backends").map(|backend| {
        let fields = Fields::new()
            .int("num-secrets", backend.get("num-secrets").and_then(Value::as_i64).unwrap_or(0))
            .text("status", text(backend, "status"))
            .some("message", text(backend, "message"));
        (backend.pointer("/result/name").and_then(Value::as_str).unwrap_or("").to_owned(), fields.done())
    });
    let backends = named(backends.collect(), json);
    let features = list("supported-features").map(|feature| {
        Fields::new()
            .text("name", text(feature, "name"))
            .text("description", text(feature, "description"))
            .some("version", text(feature, "version"))
            .done()
    });
    let features = Node::Seq(features.collect());
    head(info, controller)
        .some("type", text(info, "provider-type"))
        .some("life", text(info, "life"))
        .filled("status", status(info, now, false))
        .filled("users", users)
        .filled("machines", machines)
        .filled("secret-backends", backends)
        .some("sla", info.pointer("/sla/level").and_then(Value::as_str).unwrap_or(""))
        .some("sla-owner", info.pointer("/sla/owner").and_then(Value::as_str).unwrap_or(""))
        .some("agent-version", text(info, "agent-version"))
        .filled("credential", credential(info))
        .filled("supported-features", features)
        .done()
}
