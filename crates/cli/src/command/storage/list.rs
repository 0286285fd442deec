//! `storage`: what data is kept on. By storage, or by filesystem or volume, as far as those are attached.

use serde_json::{Value, json};
use wire::facade::client::FullStatus;

use super::tables;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::status::object::Form;
use crate::status::{View, storage};

pub const COMMAND: Command = Command {
    name: "storage",
    aliases: &["list-storage"],
    args: "[<machine ID> ...]",
    arguments: &[&[Noun::Machine]],
    purpose: "Lists storage details.",
    doc: "Lists storages with the units that they are attached to; with '--filesystem' or '--volume' the filesystems or volumes\n\
          themselves, those of machines without applications among them, of all machines or of those named.",
    examples: "\n    juju storage\n    juju storage --filesystem\n    juju storage --volume 0 --format yaml",
    see_also: &["show-storage", "storage-pools", "add-machine", "status"],
    flags: &[
        Flag::bool(&["filesystem"], "List filesystem storage"),
        Flag::bool(&["utc"], "Display timestamps in the UTC timezone"),
        Flag::bool(&["volume"], "List volume storage"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let (filesystem, volume) = (context.args.is_set("filesystem"), context.args.is_set("volume"));
    if filesystem && volume {
        return Err(Error::usage("--filesystem and --volume can not be used together"));
    }
    if !filesystem && !volume {
        context.args.at_most(0)?;
    }
    let filter = of_machines(context.args.positional())?;
    let iso = crate::command::status::iso(context, false)?;
    let api = context.model_api().await?;
    let mut status = FullStatus::default();
    if !volume {
        status.filesystems = super::details(&api, "ListFilesystems", filter.clone()).await?;
    }
    if !filesystem {
        status.volumes = super::details(&api, "ListVolumes", filter).await?;
    }
    if !filesystem && !volume {
        status.storage = super::details(&api, "ListStorageDetails", json!({})).await?;
    }
    let tabular = context.format() == "tabular";
    if status.storage.is_empty() && status.filesystems.is_empty() && status.volumes.is_empty() {
        if tabular {
            context.info("No storage to display.");
        }
        return Ok(());
    }
    let view = View::of(context, &status, "", iso);
    if !tabular {
        let node = storage::document(&view, Form::of(context.format()));
        return context.result_node(&node);
    }
    let text = match (filesystem, volume) {
        (true, _) => tables::filesystems(&view),
        (_, true) => tables::volumes(&view),
        _ if status.storage.is_empty() => {
            context.info("No storage to display: --filesystem and --volume show what machines have by themselves.");
            return Ok(());
        }
        _ => storage::list(&view),
    };
    context.result_bytes(&text)
}

/// The filter for what machines have; all when none is named.
fn of_machines(ids: &[String]) -> Result<Value> {
    let mut tags = Vec::new();
    for id in ids {
        let id: base::MachineId = id.parse().map_err(|_| Error::usage(format!("machine ID {id:?} not valid")))?;
        tags.push(format!("machine-{}", id.dashed()));
    }
    Ok(if tags.is_empty() { json!({}) } else { json!({"machines": tags}) })
}
