//! `controllers`: what the client store knows of controllers; asks them only with `--refresh`.

use client::files::{Controller, Controllers};
use wire::yaml::Node;

use crate::command::Command;
use crate::command::controller::refresh;
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::output::colour::{Ink, Paint};
use crate::output::fields::{Fields, flow, named};
use crate::output::table::Table;
use crate::select;

pub const COMMAND: Command = Command {
    name: "controllers",
    aliases: &["list-controllers"],
    purpose: "Lists all controllers.",
    doc: "The output format may be selected with the '--format' option. In the\n\
          default tabular output, the current controller is marked with an asterisk.\n\
          Nothing is asked of the controllers unless '--refresh' is given.",
    examples: "\n    juju controllers\n    juju controllers --format json --output ~/tmp/controllers.json",
    see_also: &["models", "show-controller"],
    flags: &[
        Flag::bool(&["refresh"], "Connect to each controller to download the latest details"),
        Flag::bool(&["managed"], "Show controllers managed by JAAS"),
    ],
    formats: &["tabular", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// A controller as it is listed.
struct Item {
    name: String,
    entry: Controller,
    model: String,
    user: String,
    access: String,
    models: Option<i64>,
}

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let mut all = context.store.controllers()?;
    if all.controllers.is_empty() && context.format() == "tabular" {
        return Err(select::no_controller(&all));
    }
    if context.args.is_set("refresh") {
        let names: Vec<String> = all.controllers.keys().cloned().collect();
        for name in names {
            if let Err(error) = refresh::controller(context, &name).await {
                context.note(format!("error updating cached details for {name:?}: {error}\n"));
            }
        }
        all = context.store.controllers()?;
    }
    let items = items(context, &all)?;
    let current = select::current_controller(&all, &context.io).unwrap_or_default();
    if context.format() == "tabular" {
        let text = table(context, &items, &current);
        return context.result_bytes(&text);
    }
    let json = context.format() == "json";
    let nodes = items.iter().map(|item| (item.name.clone(), node(item, json))).collect();
    let document = Fields::new().node("controllers", named(nodes, json)).text("current-controller", &current);
    context.result_node(&document.done())
}

fn items(context: &Context, all: &Controllers) -> Result<Vec<Item>> {
    let (models, accounts) = (context.store.models()?, context.store.accounts()?);
    let mut items = Vec::new();
    for (name, entry) in &all.controllers {
        let account = accounts.controllers.get(name);
        let user = account.map(|a| a.user.clone()).unwrap_or_default();
        let known = models.controllers.get(name);
        let current = known.and_then(|k| k.current_model.clone()).unwrap_or_default();
        items.push(Item {
            model: select::shown(&current, &user),
            access: account.and_then(|a| a.last_known_access.clone()).unwrap_or_default(),
            models: known.map(|k| k.models.len() as i64).filter(|n| *n > 0),
            name: name.clone(),
            entry: entry.clone(),
            user,
        });
    }
    items.sort_by(|a, b| wire::yaml::natural_cmp(&a.name, &b.name));
    Ok(items)
}

fn table(context: &Context, items: &[Item], current: &str) -> Vec<u8> {
    let paint = Paint(context.colour());
    let mut text = Vec::new();
    if !context.args.is_set("refresh") {
        text.extend_from_slice(b"Use --refresh option with this command to see the latest information.\n\n");
    }
    let mut table = Table::new().right(&[5, 6, 7]);
    table.row(&["Controller", "Model", "User", "Access", "Cloud/Region", "Models", "Nodes", "HA", "Version"]);
    for item in items {
        let or = |text: &str, empty: &str| if text.is_empty() { empty.to_owned() } else { text.to_owned() };
        let entry = &item.entry;
        let name = match item.name == current {
            true => paint.ink(Ink::Good, &format!("{}*", item.name)),
            false => item.name.clone(),
        };
        let access = match (item.user.is_empty(), item.access.is_empty()) {
            (true, _) => "-".to_owned(),
            (false, true) => "(unknown)".to_owned(),
            (false, false) => item.access.clone(),
        };
        let region = entry.region.as_ref().map(|r| format!("/{r}")).unwrap_or_default();
        let number = |n: Option<i64>| n.filter(|n| *n > 0).map_or_else(|| "-".to_owned(), |n| n.to_string());
        table.row(&[
            name,
            or(&item.model, "-"),
            or(&item.user, "-"),
            access,
            or(&format!("{}{region}", entry.cloud), "-"),
            number(item.models),
            number(entry.machine_count),
            availability(entry),
            or(entry.agent_version.as_deref().unwrap_or(""), "(unknown)"),
            String::new(),
        ]);
    }
    text.extend(table.finish());
    text
}

fn availability(entry: &Controller) -> String {
    match (entry.active_controller_machine_count, entry.controller_machine_count) {
        (_, 0) => "-".to_owned(),
        (_, 1) => "none".to_owned(),
        (active, total) if active < total => format!("{active}/{total}"),
        (_, total) => total.to_string(),
    }
}

fn node(item: &Item, json: bool) -> Node {
    let entry = &item.entry;
    let (active, total) = if json { ("Active", "Total") } else { ("active", "total") };
    let machines = Fields::new()
        .int(active, entry.active_controller_machine_count)
        .int(total, entry.controller_machine_count)
        .done();
    let mut fields = Fields::new()
        .some("current-model", &item.model)
        .some("user", &item.user)
        .some("access", &item.access)
        .some("recent-server", entry.api_endpoints.first().map_or("", String::as_str))
        .text(if json { "uuid" } else { "controller-uuid" }, &entry.uuid)
        .filled("api-endpoints", flow(&entry.api_endpoints))
        .some("ca-cert", &entry.ca_cert)
        .text("cloud", &entry.cloud)
        .some("region", entry.region.as_deref().unwrap_or(""))
        .some("agent-version", entry.agent_version.as_deref().unwrap_or(""))
        .count("model-count", item.models.unwrap_or(0))
        .count("machine-count", entry.machine_count.unwrap_or(0));
    if entry.controller_machine_count > 0 {
        fields = fields.node("controller-machines", machines);
    }
    fields.done()
}
