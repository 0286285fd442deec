//! `models`: the models a user may see, as the controller sums them up; the client's list becomes this one.

use serde_json::{Value, json};
use wire::yaml::Node;

use crate::command::Command;
use crate::command::model::show;
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::output::colour::{Ink, Paint};
use crate::output::fields::Fields;
use crate::output::table::Table;
use crate::output::time;
use crate::select;

pub const COMMAND: Command = Command {
    name: "models",
    aliases: &["list-models"],
    purpose: "Lists models a user can access on a controller.",
    doc: "The models listed here are either models you have created yourself, or\n\
          models which have been shared with you. The current model is marked with an asterisk.",
    examples: "\n    juju models\n    juju models --user bob",
    see_also: &["add-model", "show-model"],
    flags: &[
        Flag::bool(&["all"], "Lists all models, regardless of user accessibility (administrative users only)"),
        Flag::bool(&["exact-time"], "Use full timestamps"),
        Flag::text(&["user"], "The user to list models for (administrative users only)"),
        Flag::bool(&["uuid"], "Display UUID for models"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: crate::command::Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let api = context.controller_api().await?;
    let user = context.args.text("user").filter(|u| !u.is_empty()).unwrap_or(&api.user).to_owned();
    let all = context.args.is_set("all");
    let mut params = json!({"user-tag": format!("user-{user}")});
    if all {
        params["all"] = json!(true);
    }
    let mut summaries = Vec::new();
    for summary in api.call_each("ModelManager", "ListModelSummaries", params).await? {
        match summary {
            Ok(summary) => summaries.push(summary),
            Err(error) => context.info(error.message()),
        }
    }
    if user == api.user && !all {
        let listed =
            summaries.iter().map(|s| (show::qualified(s), text(s, "uuid").to_owned(), text(s, "type").to_owned()));
        let listed = listed.collect();
        context.store_models(&api.controller, listed)?;
    }
    let known = context.store.models()?;
    let current = known.controllers.get(&api.controller).and_then(|k| k.current_model.clone()).unwrap_or_default();
    if context.format() == "tabular" {
        let table = table(context, &api.controller, &summaries, &user, &current);
        context.result_bytes(&table)?;
        if summaries.is_empty() {
            context.info(
                "\nThere are no models available. You can add models with\n\
                 \"juju add-model\", or you can ask an administrator or owner\n\
                 of a model to grant access to that model with \"juju grant\".\n",
            );
        }
        return Ok(());
    }
    let models = summaries.iter().map(|s| node(context, &api.controller, s)).collect();
    let document =
        Fields::new().node("models", Node::Seq(models)).some("current-model", &select::shown(&current, &user));
    context.result_node(&document.done())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn count(summary: &Value, entity: &str) -> Option<i64> {
    let counts = summary.get("counts").and_then(Value::as_array)?;
    counts.iter().find(|c| text(c, "entity") == entity)?.get("count")?.as_i64()
}

fn table(context: &Context, controller: &str, summaries: &[Value], user: &str, current: &str) -> Vec<u8> {
    let paint = Paint(context.colour());
    let with_uuid = context.args.is_set("uuid");
    let counted = ["machines", "cores", "units"].map(|e| summaries.iter().any(|s| count(s, e).is_some()));
    let mut header = vec!["Model"];
    if with_uuid {
        header.push("UUID");
    }
    header.extend(["Cloud/Region", "Type", "Status"]);
    let mut right = Vec::new();
    for ((title, shown), entity) in ["Machines", "Cores", "Units"].into_iter().zip(counted).zip(0..) {
        if shown {
            // Units stand left where there are cores, a habit of the original.
            if entity < 2 || !counted[1] {
                right.push(header.len());
            }
            header.push(title);
        }
    }
    header.extend(["Access", "Last connection"]);
    let mut table = Table::new().right(&right);
    table.row(&header);
    for summary in summaries {
        let qualified = show::qualified(summary);
        let name = select::shown(&qualified, user);
        let mut row = vec![match qualified == current {
            true => paint.ink(Ink::Good, &format!("{name}*")),
            false => name,
        }];
        if with_uuid {
            row.push(text(summary, "uuid").to_owned());
        }
        let cloud = text(summary, "cloud-tag");
        let cloud = cloud.strip_prefix("cloud-").unwrap_or(cloud);
        row.push(match text(summary, "cloud-region") {
            "" => cloud.to_owned(),
            region => format!("{cloud}/{region}"),
        });
        row.push(text(summary, "provider-type").to_owned());
        row.push(summary.pointer("/status/status").and_then(Value::as_str).unwrap_or("").to_owned());
        for (entity, shown) in ["machines", "cores", "units"].into_iter().zip(counted) {
            let missing = if entity == "machines" { "0" } else { "-" };
            if shown {
                row.push(count(summary, entity).map_or_else(|| missing.to_owned(), |n| n.to_string()));
            }
        }
        let access = text(summary, "user-access");
        row.push(if access.is_empty() { "-".to_owned() } else { access.to_owned() });
        row.push(moment(context, &summary["last-connection"], "never connected"));
        table.row(&row);
    }
    let mut text = format!("Controller: {controller}\n\n").into_bytes();
    text.extend(table.finish());
    text
}

fn moment(context: &Context, value: &Value, absent: &str) -> String {
    time::shown((context.io.now)(), value, context.args.is_set("exact-time"), absent)
}

fn node(context: &Context, controller: &str, summary: &Value) -> Node {
    let exact = context.args.is_set("exact-time");
    let now = (context.io.now)();
    show::head(summary, controller)
        .filled("credential", show::credential(summary))
        .some("type", text(summary, "provider-type"))
        .some("life", text(summary, "life"))
        .filled("status", show::status(summary, now, exact))
        .some("access", text(summary, "user-access"))
        .text("last-connection", &moment(context, &summary["last-connection"], "never connected"))
        .some("sla", summary.pointer("/sla/level").and_then(Value::as_str).unwrap_or(""))
        .some("sla-owner", summary.pointer("/sla/owner").and_then(Value::as_str).unwrap_or(""))
        .some("agent-version", text(summary, "agent-version"))
        .done()
}
