//! `rename-space`: another name for a space, in the model's constraints too.
//! The surprise: the flag `--rename` of the original takes a name and does nothing with it.

use serde_json::json;

use super::named;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "rename-space",
    args: "<old-name> <new-name>",
    arguments: &[&[Noun::Space], &[]],
    purpose: "Renames a network space.",
    doc: "Gives a space another name. Constraints that name it follow. The space 'alpha' keeps its name.",
    examples: "\n    juju rename-space db fe",
    see_also: &["add-space", "spaces", "reload-spaces", "remove-space", "show-space"],
    flags: &[Flag::text(&["rename"], "The new name for the network space")],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let from = named(context.args.get(0), "old-name")?;
    let to = named(context.args.get(1), "new-name")?;
    context.args.at_most(2)?;
    let change = json!({"from-space-tag": format!("space-{from}"), "to-space-tag": format!("space-{to}")});
    let api = context.model_api().await?;
    let renamed = api.call_one("Spaces", "RenameSpace", json!({"changes": [change]})).await;
    let prefix = format!("cannot rename space {from:?}");
    renamed.map_err(|error| error.context(&prefix).explain_block("all").explain_permission("rename a space"))?;
    context.info(format!("renamed space {from:?} to {to:?}"));
    Ok(())
}
