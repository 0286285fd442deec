//! `storage-pools`: the pools that storage can come from.

use serde_json::{Value, json};
use wire::facade::storage::StoragePool;
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::{Fields, named};
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "storage-pools",
    aliases: &["list-storage-pools"],
    purpose: "List storage pools.",
    doc: "Lists the pools that storage can come from: those that every model has, one for each provider, and those that somebody\n\
          made. '--name' and '--provider' show the ones so named, and of such providers.",
    examples: "\n    juju storage-pools\n    juju storage-pools --provider loop --format yaml",
    see_also: &["create-storage-pool", "remove-storage-pool"],
    flags: &[
        Flag::text(&["name"], "Only show pools with these names"),
        Flag::text(&["provider"], "Only show pools of these provider types"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let mut filter = json!({});
    for (flag, key) in [("name", "names"), ("provider", "providers")] {
        let words = context.args.texts(flag).into_iter().flat_map(|list| list.split(',')).map(str::trim);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if !words.is_empty() {
            filter[key] = json!(words);
        }
    }
    let api = context.model_api().await?;
    let mut pools: Vec<StoragePool> = Vec::new();
    for result in api.call_each("Storage", "ListPools", json!({"filters": [filter]})).await? {
        let listed = result?.get("storage-pools").cloned().filter(|all| !all.is_null()).unwrap_or(json!([]));
        let listed: Vec<StoragePool> = wire::lenient::from_value(listed).map_err(|e| Error::failed(e.to_string()))?;
        pools.extend(listed);
    }
    if pools.is_empty() {
        context.info("No storage pools to display.");
        return Ok(());
    }
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    if context.format() == "tabular" {
        let mut table = Table::new();
        table.row(&["Name", "Provider", "Attributes"]);
        for pool in &pools {
            let attributes: Vec<String> =
                pool.attrs.iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
            table.row(&[pool.name.as_str(), pool.provider.as_str(), attributes.join(" ").as_str()]);
        }
        return context.result_bytes(&table.finish());
    }
    let json = context.format() == "json";
    let entries = pools.iter().map(|pool| {
        let attributes = pool.attrs.iter().map(|(key, value)| (key.clone(), Node::from(value))).collect();
        let fields = Fields::new().text("provider", &pool.provider).filled("attrs", named(attributes, json));
        (pool.name.clone(), fields.done())
    });
    let node = named(entries.collect(), json);
    context.result_node(&node)
}

/// A value as it is typed.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
