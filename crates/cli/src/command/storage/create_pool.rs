//! `create-storage-pool`: a name for a provider with attributes.

use serde_json::json;

use super::attributes;
use crate::command::{Command, Scope};
use crate::completion::{Noun, PROVIDERS};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "create-storage-pool",
    args: "<name> <storage provider> [<key>=<value> [<key>=<value>...]]",
    arguments: &[&[], &[Noun::Word(PROVIDERS)], &[]],
    purpose: "Create or define a storage pool.",
    doc: "Makes a pool: a name for a storage provider with some attributes. Disks of machines can be asked for by the pool's name\n\
          ('add-machine --disks').\n\n\
          Providers, and the attributes that their pools take:\n\n    \
          loop    a file of the machine's host, with a file system on it; 'reserve=false': only what is written is taken on the\n            \
          host, and not the whole disk from the start\n    \
          tmpfs   in the machine's memory, empty after each start of the machine; no attributes\n    \
          rootfs  the machine's root disk; no attributes, and no disks of its own for machines",
    examples: "\n    juju create-storage-pool thin loop reserve=false",
    see_also: &["storage-pools", "update-storage-pool", "remove-storage-pool", "add-machine"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let (Some(name), Some(provider)) = (context.args.get(0), context.args.get(1)) else {
        return Err(Error::usage(
            "pool creation requires names, provider type and optional attributes for configuration",
        ));
    };
    let (name, provider) = (name.to_owned(), provider.to_owned());
    let attrs = attributes(context.args.positional().get(2..).unwrap_or_default())?;
    let pool = json!({"name": name, "provider": provider, "attrs": attrs});
    let api = context.model_api().await?;
    let made = api.call_one("Storage", "CreatePool", json!({"pools": [pool]})).await;
    let prefix = format!("cannot create storage pool {name:?}");
    made.map_err(|e| e.context(&prefix).explain_block("all").explain_permission("create a storage pool"))?;
    Ok(())
}
