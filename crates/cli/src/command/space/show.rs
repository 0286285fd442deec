//! `show-space`: one space, with what is in it.

use serde_json::{Value, json};
use wire::yaml::Node;

use super::{items, named, text};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;
use crate::output::fields::Fields;

pub const COMMAND: Command = Command {
    name: "show-space",
    args: "<name>",
    arguments: &[&[Noun::Space]],
    purpose: "Shows information about the network space.",
    doc: "Shows a space with its subnets, the applications that are bound to it, and how many machines have an address in it.",
    examples: "\n    juju show-space alpha\n    juju show-space alpha --format json",
    see_also: &["add-space", "spaces", "reload-spaces", "rename-space", "remove-space"],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let name = named(context.args.get(0), "space name")?;
    context.args.at_most(1)?;
    let api = context.model_api().await?;
    let params = json!({"entities": [{"tag": format!("space-{name}")}]});
    let prefix = format!("cannot retrieve space {name:?}");
    let shown = api.call_one("Spaces", "ShowSpace", params).await.map_err(|error| error.context(&prefix))?;
    let space = shown.get("space").cloned().unwrap_or_default();
    let subnets = items(&space, "subnets").map(|subnet| {
        let zones = subnet.get("zones").filter(|zones| zones.is_array()).map_or(Node::Null, Node::from);
        Fields::new()
            .text("cidr", text(subnet, "cidr"))
            .some("provider-id", text(subnet, "provider-id"))
            .some("provider-network-id", text(subnet, "provider-network-id"))
            .int("vlan-tag", subnet.get("vlan-tag").and_then(Value::as_i64).unwrap_or(0))
            .filled("zones", zones)
            .done()
    });
    let fields = Fields::new().text("id", text(&space, "id")).text("name", text(&space, "name"));
    let fields = fields.node("subnets", Node::Seq(subnets.collect()));
    let applications = items(&shown, "applications").map(Node::from).collect();
    let machines = shown.get("machine-count").and_then(Value::as_i64).unwrap_or(0);
    let all = Fields::new().node("space", fields.done()).node("applications", Node::Seq(applications));
    context.result_node(&all.int("machine-count", machines).done())
}
