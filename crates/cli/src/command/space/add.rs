//! `add-space`: a name for a set of subnets.

use serde_json::json;

use super::{cidrs, named};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "add-space",
    args: "<name> [<CIDR1> <CIDR2> ...]",
    arguments: &[&[], &[Noun::Subnet]],
    purpose: "Adds a new network space.",
    doc: "Adds a space, and moves the given subnets into it. Subnets are not made here: they are the cloud's, or those that machines\n\
          were seen in; 'subnets' lists them, 'reload-spaces' asks the cloud anew.\n\n\
          Machines ask for a space by the constraint spaces=NAME, and for not being in one by spaces=^NAME.",
    examples: "\n    juju add-space alpha1\n    juju add-space db 172.31.0.0/20",
    see_also: &["spaces", "subnets", "remove-space"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let name = named(context.args.get(0), "space name")?;
    let cidrs = cidrs(context.args.positional().get(1..).unwrap_or_default())?;
    let listed = (!cidrs.is_empty()).then_some(&cidrs);
    let params = json!({"spaces": [{"cidrs": listed, "space-tag": format!("space-{name}"), "public": true}]});
    let api = context.model_api().await?;
    let made = api.call_one("Spaces", "CreateSpaces", params).await;
    let prefix = format!("cannot add space {name:?}");
    made.map_err(|error| error.context(&prefix).explain_block("all").explain_permission("add a space"))?;
    let with = if cidrs.is_empty() { "no subnets".to_owned() } else { format!("subnets {}", cidrs.join(", ")) };
    context.info(format!("added space {name:?} with {with}"));
    Ok(())
}
