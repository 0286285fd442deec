//! `users`: who may use a controller, or a model.

use serde_json::{Value, json};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::Result;
use crate::flags::Flag;
use crate::output::colour::{Ink, Paint};
use crate::output::fields::{Fields, named};
use crate::output::table::Table;
use crate::output::time;
use crate::select::ModelRef;

pub const COMMAND: Command = Command {
    name: "users",
    aliases: &["list-users"],
    args: "[model]",
    arguments: &[&[Noun::Model]],
    purpose: "Lists Juju users allowed to connect to a controller or model.",
    doc: "When used without a model name argument, users relevant to a controller are printed.\n\
          When used with a model name, users relevant to the specified model are printed.",
    examples: "\n    juju users\n    juju users mymodel",
    see_also: &["add-user", "show-user"],
    flags: &[
        Flag::bool(&["all"], "Include disabled users"),
        Flag::bool(&["exact-time"], "Use full timestamp for connection times"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let controller = context.controller_name()?;
    match context.args.get(0).map(str::to_owned) {
        Some(model) => of_model(context, ModelRef { controller, model }).await,
        None => of_controller(context, &controller).await,
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn moment(context: &Context, value: &Value) -> String {
    time::shown((context.io.now)(), value, context.args.is_set("exact-time"), "never connected")
}

/// What is shown of a user on a controller.
pub fn fields(context: &Context, user: &Value) -> Node {
    let is_local = !text(user, "username").contains('@');
    let fields = Fields::new()
        .text("user-name", text(user, "username"))
        .some("display-name", text(user, "display-name"))
        .some("access", text(user, "access"));
    let fields = match is_local {
        true => fields
            .some("date-created", &created(context, user))
            .some("last-connection", &moment(context, &user["last-connection"])),
        false => fields,
    };
    fields.when("disabled", user["disabled"] == Value::Bool(true)).done()
}

fn created(context: &Context, user: &Value) -> String {
    time::shown((context.io.now)(), &user["date-created"], context.args.is_set("exact-time"), "")
}

async fn of_controller(context: &mut Context, controller: &str) -> Result<()> {
    let api = context.controller_api_of(controller).await?;
    let params = json!({"entities": null, "include-disabled": context.args.is_set("all")});
    let mut users = Vec::new();
    for user in api.call_each("UserManager", "UserInfo", params).await? {
        users.push(user?);
    }
    if users.is_empty() {
        context.info("No users to display.");
        return Ok(());
    }
    if context.format() != "tabular" {
        let nodes = users.iter().map(|user| fields(context, user)).collect();
        return context.result_node(&Node::Seq(nodes));
    }
    let paint = Paint(context.colour());
    let mut table = Table::new();
    table.row(&["Name", "Display name", "Access", "Date created", "Last connection"]);
    for user in &users {
        let name = text(user, "username");
        let disabled = if user["disabled"] == Value::Bool(true) { " (disabled)" } else { "" };
        let (created, seen) = match name.contains('@') {
            true => (String::new(), String::new()),
            false => (created(context, user), moment(context, &user["last-connection"])),
        };
        table.row(&[
            mine(&api, name, paint),
            text(user, "display-name").to_owned(),
            text(user, "access").to_owned(),
            created,
            format!("{seen}{disabled}"),
        ]);
    }
    print(context, controller, table)
}

async fn of_model(context: &mut Context, model: ModelRef) -> Result<()> {
    let (_, uuid) = context.find_model(&model).await?;
    let api = context.controller_api_of(&model.controller).await?;
    let params = json!({"entities": [{"tag": format!("model-{uuid}")}]});
    let mut users = Vec::new();
    for user in api.call_each("UserManager", "ModelUserInfo", params).await? {
        users.push(user?);
    }
    if users.is_empty() {
        context.info("No users to display.");
        return Ok(());
    }
    if context.format() != "tabular" {
        let nodes = users.iter().map(|user| {
            let fields = Fields::new()
                .some("display-name", text(user, "display-name"))
                .text("access", text(user, "access"))
                .text("last-connection", &moment(context, &user["last-connection"]));
            (text(user, "user").to_owned(), fields.done())
        });
        let node = named(nodes.collect(), context.format() == "json");
        return context.result_node(&node);
    }
    let paint = Paint(context.colour());
    let mut table = Table::new();
    table.row(&["Name", "Display name", "Access", "Last connection"]);
    for user in &users {
        table.row(&[
            mine(&api, text(user, "user"), paint),
            text(user, "display-name").to_owned(),
            text(user, "access").to_owned(),
            moment(context, &user["last-connection"]),
        ]);
    }
    print(context, &model.controller, table)
}

fn mine(api: &Api, name: &str, paint: Paint) -> String {
    match name == api.user {
        true => paint.ink(Ink::Good, &format!("{name}*")),
        false => name.to_owned(),
    }
}

fn print(context: &mut Context, controller: &str, table: Table) -> Result<()> {
    let mut text = format!("Controller: {controller}\n\n").into_bytes();
    text.extend(table.finish());
    context.result_bytes(&text)
}
