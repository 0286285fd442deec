//! `show-storage`: what is known of some storages.

use serde_json::json;
use wire::facade::client::{FullStatus, StorageDetails};

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::named;
use crate::status::View;
use crate::status::object::Form;
use crate::status::storage::{self, name};

pub const COMMAND: Command = Command {
    name: "show-storage",
    args: "<storage ID> [...]",
    arguments: &[&[Noun::Storage]],
    purpose: "Shows storage instance information.",
    doc: "Shows storages: their kind, their state, and the units that they are attached to.",
    examples: "\n    juju show-storage pgdata/0\n    juju show-storage pgdata/0 pgdata/1 --format json",
    see_also: &["storage", "storage-pools"],
    flags: &[Flag::bool(&["utc"], "Display timestamps in the UTC timezone")],
    formats: &["yaml", "json"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let ids = context.args.positional().to_vec();
    if ids.is_empty() {
        return Err(Error::usage("must specify storage id(s)"));
    }
    let mut tags = Vec::new();
    for id in &ids {
        let parts = id.split_once('/').filter(|(name, n)| !name.is_empty() && n.parse::<u64>().is_ok());
        let (label, number) = parts.ok_or_else(|| Error::usage(format!("storage id {id:?} not valid")))?;
        tags.push(json!({"tag": format!("storage-{label}-{number}")}));
    }
    let iso = crate::command::status::iso(context, false)?;
    let api = context.model_api().await?;
    let results = api.call_each("Storage", "StorageDetails", json!({"entities": tags})).await?;
    let mut found: Vec<StorageDetails> = Vec::new();
    for result in results {
        found.push(wire::lenient::from_value(result?).map_err(|e| Error::failed(e.to_string()))?);
    }
    let status = FullStatus::default();
    let view = View::of(context, &status, "", iso);
    let form = Form::of(context.format());
    let entries = found.iter().map(|one| (name(&one.storage_tag), storage::storage(&view, one, form)));
    let node = named(entries.collect(), form == Form::Json);
    context.result_node(&node)
}
