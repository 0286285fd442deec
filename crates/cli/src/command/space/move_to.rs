//! `move-to-space`: moves subnets from the spaces that they are in to another.

use serde_json::{Value, json};
use wire::yaml::Node;

use super::{cidrs, items, named, text, wrong};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::grid::grid;

pub const COMMAND: Command = Command {
    name: "move-to-space",
    args: "[--format human|json|tabular|yaml] <name> <CIDR1> [ <CIDR2> ...]",
    arguments: &[&[Noun::Space], &[Noun::Subnet]],
    purpose: "Updates a network space's CIDR.",
    doc: "Moves subnets into a space. Subnets that machines asked to be in stay where they are, unless '--force' is given.",
    examples: "\n    juju move-to-space db 172.31.1.0/28\n    juju move-to-space --force db 172.31.1.0/28",
    see_also: &["add-space", "spaces", "reload-spaces", "rename-space", "show-space", "remove-space"],
    flags: &[Flag::bool(
        &["force"],
        "Allow to force a move of subnets to a space even if they are in use on another machine.",
    )],
    formats: &["human", "json", "tabular", "yaml"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let name = named(context.args.get(0), "space name")?;
    let cidrs = cidrs(context.args.positional().get(1..).unwrap_or_default())?;
    if cidrs.is_empty() {
        return Err(wrong("CIDRs required but not provided"));
    }
    let force = context.args.is_set("force");
    let api = context.model_api().await?;
    let tags = subnet_tags(&api, &cidrs).await?;
    let move_of = json!({"subnets": tags, "space-tag": format!("space-{name}"), "force": force});
    let moved = api.call_one("Spaces", "MoveSubnets", json!({"args": [move_of]})).await;
    let moved = moved.map_err(|error| error.context(&format!("cannot update space {name:?}")))?;
    let to = text(&moved, "new-space").trim_start_matches("space-").to_owned();
    let changes: Vec<(&str, &str)> = items(&moved, "moved-subnets")
        .map(|one| (text(one, "old-space").trim_start_matches("space-"), text(one, "cidr")))
        .collect();
    match context.format() {
        "human" => {
            let lines = changes.iter().map(|(from, cidr)| format!("Subnet {cidr} moved from {from} to {to}\n"));
            context.result(lines.collect::<String>())
        }
        "tabular" => {
            let mut rows = vec![["Space From", "Space To", "CIDR"]];
            rows.extend(changes.iter().map(|(from, cidr)| [*from, to.as_str(), *cidr]));
            context.result(grid(&rows, "\t") + "\n")
        }
        _ => {
            let one = |(from, cidr): &(&str, &str)| {
                Fields::new().text("from", from).text("to", &to).text("cidr", cidr).done()
            };
            context.result_node(&Node::Seq(changes.iter().map(one).collect()))
        }
    }
}

async fn subnet_tags(api: &Api, cidrs: &[String]) -> Result<Vec<String>> {
    let prefix = "failed to get subnets by CIDR";
    let reply: Value =
        api.call("Subnets", "SubnetsByCIDR", json!({"cidrs": cidrs})).await.map_err(|e| e.context(prefix))?;
    let mut tags = Vec::new();
    for (cidr, result) in cidrs.iter().zip(items(&reply, "results")) {
        if let Some(error) = result.get("error").filter(|error| !error.is_null()) {
            return Err(Error::from_result(text(error, "message"), text(error, "code")).context(prefix));
        }
        let ids: Vec<String> =
            items(result, "subnets").map(|subnet| format!("subnet-{}", text(subnet, "id"))).collect();
        if ids.is_empty() {
            return Err(Error::failed(format!("error getting subnet tags for {cidr}")));
        }
        tags.extend(ids);
    }
    Ok(tags)
}
