//! `model-config`: shows, sets and resets the configuration of a model.
//!
//! The surprise: file, reset and set are three changes, each preceded by its own look at what is known, and an
//! unknown key is only warned of.

use serde_json::{Map, Value, json};
use wire::yaml::{Node, natural_cmp, print};

use crate::attributes::{self, Request};
use crate::command::{Command, Scope};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "model-config",
    args: "[<model-key>[=<value>] ...]",
    purpose: "Displays or sets configuration values on a model.",
    doc: "Without arguments all keys are listed, with where each value comes from.\n\
          One key shows its value; key=value sets, '--reset' gives keys back to what a new model would get.",
    examples: "\n    juju model-config\n    juju model-config default-base\n    \
               juju model-config logging-config='<root>=DEBUG' http-proxy=http://10.0.0.1:3128\n    \
               juju model-config --reset http-proxy",
    see_also: &["model-defaults", "models", "set-model-constraints", "show-model"],
    flags: &[
        attributes::COLOR,
        attributes::FILE,
        attributes::IGNORE_READ_ONLY,
        attributes::NO_COLOR,
        attributes::RESET,
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// What is not shown.
const HIDDEN: [&str; 3] = ["name", "type", "uuid"];

async fn run(context: &mut Context) -> Result<()> {
    let request = Request::read(context, &["agent-version", "charmhub-url"])?;
    let api = context.model_api().await?;
    let mut changed = false;
    if let Some(path) = &request.file {
        let values = printed(attributes::file(context, path)?);
        set(context, &api, values).await?;
        changed = true;
    }
    if !request.reset.is_empty() {
        reset(context, &api, &request.reset).await?;
        changed = true;
    }
    if !request.set.is_empty() {
        return set(context, &api, request.set).await;
    }
    match (changed, request.get) {
        (true, _) => Ok(()),
        (false, Some(key)) => show_one(context, &api, &key).await,
        (false, None) => show_all(context, &api).await,
    }
}

/// What `model-config --format yaml` printed is taken back.
fn printed(entries: Map<String, Value>) -> Map<String, Value> {
    let mut values = Map::new();
    for (key, value) in entries {
        let printed =
            value.as_object().is_some_and(|o| o.len() == 2 && o.contains_key("value") && o.contains_key("source"));
        match printed {
            false => {
                values.insert(key, value);
            }
            true if value["source"] != "default" => {
                values.insert(key, value["value"].clone());
            }
            true => {}
        }
    }
    values
}

/// The model's configuration: key to `{value, source}`.
async fn get(api: &Api) -> Result<Vec<(String, Value)>> {
    let reply: Value = api.call("ModelConfig", "ModelGet", json!({})).await?;
    let mut config: Vec<(String, Value)> = reply
        .get("config")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    config.sort_by(|a, b| natural_cmp(&a.0, &b.0));
    Ok(config)
}

fn warn_unknown<'k>(context: &mut Context, known: &[(String, Value)], keys: impl Iterator<Item = &'k String>) {
    // Never among what a model answers, and yet a key of it.
    let is_known = |key: &str| key == "authorized-keys" || known.iter().any(|(k, _)| k == key);
    attributes::warn_unknown(context, "current", is_known, keys);
}

async fn set(context: &mut Context, api: &Api, mut values: Map<String, Value>) -> Result<()> {
    let own = [("agent-version", "upgrade-model"), ("charmhub-url", "add-model")];
    attributes::without_own(context, &mut values, &own)?;
    let known = get(api).await?;
    warn_unknown(context, &known, values.keys());
    let reply: Result<Value> = api.call("ModelConfig", "ModelSet", json!({"config": values})).await;
    reply.map(drop).map_err(|e| e.explain_block("all"))
}

async fn reset(context: &mut Context, api: &Api, keys: &[String]) -> Result<()> {
    let known = get(api).await?;
    warn_unknown(context, &known, keys.iter());
    let reply: Result<Value> = api.call("ModelConfig", "ModelUnset", json!({"keys": keys})).await;
    reply.map(drop).map_err(|e| e.explain_block("all"))
}

async fn show_one(context: &mut Context, api: &Api, key: &str) -> Result<()> {
    let config = get(api).await?;
    let found = config.iter().find(|(k, _)| k == key).filter(|(k, _)| !HIDDEN.contains(&k.as_str()));
    let Some((_, entry)) = found else {
        let model = &api.model;
        return Err(Error::failed(format!("{key:?} is not a key of the currently targeted model: \"{model}\"")));
    };
    match context.format() {
        "tabular" => context.result(attributes::smart(&entry["value"])),
        _ => show(context, &[(key.to_owned(), entry.clone())]),
    }
}

async fn show_all(context: &mut Context, api: &Api) -> Result<()> {
    let mut config = get(api).await?;
    config.retain(|(key, _)| !HIDDEN.contains(&key.as_str()));
    if context.format() != "tabular" {
        return show(context, &config);
    }
    let mut table = Table::new();
    table.row(&["Attribute", "From", "Value"]);
    for (key, entry) in &config {
        let source = entry["source"].as_str().unwrap_or("");
        let value = match key.as_str() {
            "cloudinit-userdata" if entry["value"] != "" => {
                "<value set, see juju model-config cloudinit-userdata>".to_owned()
            }
            _ => print(&Node::from(&entry["value"]).sorted()).trim_end_matches('\n').to_owned(),
        };
        table.row(&[key.clone(), source.to_owned(), value]);
    }
    context.result_bytes(&table.finish())
}

fn show(context: &mut Context, config: &[(String, Value)]) -> Result<()> {
    let json = context.format() == "json";
    let (value, source) = if json { ("Value", "Source") } else { ("value", "source") };
    let mut entries: Vec<(String, Node)> = config
        .iter()
        .map(|(key, entry)| {
            let fields = vec![
                (value.to_owned(), Node::from(&entry["value"]).sorted()),
                (source.to_owned(), Node::from(&entry["source"])),
            ];
            (key.clone(), Node::Map(fields))
        })
        .collect();
    if json {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
    }
    context.result_node(&Node::Map(entries))
}
