//! `update-storage-pool`: other attributes for a pool.

use serde_json::json;

use super::attributes;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "update-storage-pool",
    args: "<name> [<key>=<value> [<key>=<value>...]]",
    arguments: &[&[Noun::Pool], &[]],
    purpose: "Update storage pool attributes.",
    doc: "Gives a pool attributes, beside those that it has. Disks that were asked for before stay as they are. Pools that every\n\
          model has, one for each provider, stay as they are too.",
    examples: "\n    juju update-storage-pool thin reserve=true",
    see_also: &["create-storage-pool", "storage-pools", "remove-storage-pool"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let words = context.args.positional();
    if words.len() < 2 {
        return Err(Error::usage("pool update requires name and configuration attributes"));
    }
    let (name, attrs) = (words[0].clone(), attributes(&words[1..])?);
    let pool = json!({"name": name, "provider": "", "attrs": attrs});
    let api = context.model_api().await?;
    let done = api.call_one("Storage", "UpdatePool", json!({"pools": [pool]})).await;
    let prefix = format!("cannot update storage pool {name:?}");
    done.map_err(|e| e.context(&prefix).explain_block("all").explain_permission("update a storage pool"))?;
    Ok(())
}
