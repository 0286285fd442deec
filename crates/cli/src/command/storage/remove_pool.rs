//! `remove-storage-pool`: takes a pool away; disks of it stay.

use serde_json::json;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "remove-storage-pool",
    args: "<name>",
    arguments: &[&[Noun::Pool]],
    purpose: "Remove an existing storage pool.",
    doc: "Removes a pool that somebody made. One that disks of machines are of stays, and so do those that every model has.",
    examples: "\n    juju remove-storage-pool thin",
    see_also: &["create-storage-pool", "storage-pools", "update-storage-pool"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("pool removal requires a pool name"));
    };
    context.args.at_most(1)?;
    let api = context.model_api().await?;
    let removed = api.call_one("Storage", "RemovePool", json!({"pools": [{"name": name}]})).await;
    let prefix = format!("cannot remove storage pool {name:?}");
    removed
        .map_err(|e| e.context(&prefix).explain_block("remove-object").explain_permission("remove a storage pool"))?;
    Ok(())
}
