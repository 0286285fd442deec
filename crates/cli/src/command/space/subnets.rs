//! `subnets`: the subnets that a model knows.

use serde_json::{Value, json};

use super::{items, named as named_space, space_of, status, subnet_fields, text, zones};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::output::fields::{Fields, named};

pub const COMMAND: Command = Command {
    name: "subnets",
    aliases: &["list-subnets"],
    purpose: "Lists subnets known to Juju.",
    doc: "Lists the subnets of the model's cloud, and those that its machines were seen in. '--space' and '--zone' show the ones in a space\n\
          or a zone.",
    examples: "\n    juju subnets\n    juju subnets --space alpha\n    juju subnets --format json",
    see_also: &["spaces", "reload-spaces"],
    flags: &[
        Flag::text(&["space"], "Filter results by space name"),
        Flag::text(&["zone"], "Filter results by zone name"),
    ],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let mut filters = json!({});
    if let Some(space) = context.args.maybe("space").filter(|space| !space.is_empty()) {
        filters["space-tag"] = json!(format!("space-{}", named_space(Some(space), "space name")?));
    }
    if let Some(zone) = context.args.maybe("zone").filter(|zone| !zone.is_empty()) {
        filters["zone"] = json!(zone);
    }
    let api = context.model_api().await?;
    let reply: Value =
        api.call("Subnets", "ListSubnets", filters).await.map_err(|error| error.context("cannot list subnets"))?;
    if items(&reply, "results").next().is_none() {
        context.info("No subnets to display.");
        return Ok(());
    }
    let json = context.format() == "json";
    let subnets = items(&reply, "results").map(|subnet| {
        let fields = subnet_fields(subnet)
            .some("provider-network-id", text(subnet, "provider-network-id"))
            .some("status", status(subnet))
            .text("space", space_of(subnet))
            .node("zones", zones(subnet, json));
        (text(subnet, "cidr").to_owned(), fields.done())
    });
    let node = Fields::new().node("subnets", named(subnets.collect(), json)).done();
    context.result_node(&node)
}
