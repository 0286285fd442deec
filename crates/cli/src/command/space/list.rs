//! `spaces`: the spaces of a model and the subnets in them.

use serde_json::{Value, json};
use wire::yaml::Node;

use super::{items, status, subnet_fields, text, zones};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::output::fields::{Fields, named};
use crate::output::grid::grid;

pub const COMMAND: Command = Command {
    name: "spaces",
    aliases: &["list-spaces"],
    purpose: "Lists known spaces, including associated subnets.",
    doc: "Lists all spaces of a model with the subnets in them; with '--short' their names alone. What nobody moved is in 'alpha'.",
    examples: "\n    juju spaces\n    juju spaces --short\n    juju spaces --format yaml",
    see_also: &["add-space", "reload-spaces", "subnets"],
    flags: &[Flag::bool(&["short"], "only display spaces.")],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let api = context.model_api().await?;
    let reply: Value =
        api.call("Spaces", "ListSpaces", json!({})).await.map_err(|e| e.context("cannot list spaces"))?;
    let spaces: Vec<&Value> = items(&reply, "results").collect();
    if spaces.is_empty() {
        context.info("no spaces to display");
        if context.format() == "tabular" {
            return Ok(());
        }
    }
    let short = context.args.is_set("short");
    if context.format() == "tabular" {
        return match short {
            true => {
                let names = spaces.iter().map(|space| format!("{}\n", text(space, "name")));
                context.result(format!("Space\n{}", names.collect::<String>()))
            }
            false => context.result(table(&spaces)),
        };
    }
    let json = context.format() == "json";
    let shown = spaces.iter().map(|space| match short {
        true => Node::str(text(space, "name")),
        false => {
            let subnets = items(space, "subnets").map(|subnet| {
                let fields = subnet_fields(subnet).some("status", status(subnet)).node("zones", zones(subnet, json));
                (text(subnet, "cidr").to_owned(), fields.done())
            });
            let subnets = named(subnets.collect(), json);
            Fields::new()
                .text("id", text(space, "id"))
                .text("name", text(space, "name"))
                .node("subnets", subnets)
                .done()
        }
    });
    let node = Fields::new().node("spaces", Node::Seq(shown.collect())).done();
    context.result_node(&node)
}

fn table(spaces: &[&Value]) -> String {
    let mut rows = vec![["Name", "Space ID", "Subnets"]];
    for space in spaces {
        let mut cidrs: Vec<&str> = items(space, "subnets").map(|subnet| text(subnet, "cidr")).collect();
        cidrs.sort_unstable();
        rows.push([text(space, "name"), text(space, "id"), cidrs.first().copied().unwrap_or("")]);
        rows.extend(cidrs.iter().skip(1).map(|cidr| ["", "", *cidr]));
    }
    grid(&rows, "  ") + "\n"
}
