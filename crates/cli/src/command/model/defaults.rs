//! `model-defaults`: shows, sets and resets what new models of a cloud, or of a region of it, begin with.
//!
//! The surprise: the cloud need not be named while the controller has one alone; an argument is never a cloud, since it could be a key.

mod printed;

use serde_json::{Map, Value, json};
use wire::yaml::{Node, natural_cmp, print};

use crate::attributes::{self, Request, floating};
use crate::command::{Command, Scope};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "model-defaults",
    aliases: &["model-default"],
    args: "[<model-key>[=<value>] ...]",
    purpose: "Displays or sets default configuration settings for new models.",
    doc: "Without arguments all keys are listed that have a default, of Juju's own or set: for all models of a\n\
          cloud, and below it for those of a region. '--region' shows or changes one region's, which count more.\n\
          A model takes them over when it is made. Those that are there keep what they have;\n\
          'juju model-config --reset' gives a key of theirs what a new model would get.\n\
          What the config of a cloud's definition says, or that of a region, is shown among them and counts more;\n\
          'juju update-cloud' changes it. '--file' takes 'key: value', and what '--format yaml' prints, too.",
    examples: "\n    juju model-defaults\n    juju model-defaults http-proxy\n    \
               juju model-defaults http-proxy=http://10.0.0.1:3128 no-proxy=localhost\n    \
               juju model-defaults --region builtin/default logging-config='<root>=DEBUG'\n    \
               juju model-defaults --cloud builtin --reset http-proxy,no-proxy",
    see_also: &["add-model", "model-config", "models"],
    flags: &[
        Flag::text(&["cloud"], "The cloud to target"),
        attributes::COLOR,
        attributes::FILE,
        attributes::IGNORE_READ_ONLY,
        attributes::NO_COLOR,
        Flag::text(&["region"], "The region or cloud/region to target"),
        attributes::RESET,
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// Whose defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
struct At {
    cloud: String,
    /// Empty: the whole cloud's.
    region: String,
}

impl At {
    fn tag(&self) -> String {
        format!("cloud-{}", self.cloud)
    }

    /// An item of a request.
    fn request(&self, key: &str, value: Value) -> Value {
        let mut item = json!({"cloud-tag": self.tag(), key: value});
        if !self.region.is_empty() {
            item["cloud-region"] = json!(self.region);
        }
        item
    }
}

async fn run(context: &mut Context) -> Result<()> {
    let request = Request::read(context, &["agent-version"])?;
    let api = context.controller_api().await?;
    let at = place(context, &api).await?;
    let mut changed = false;
    if let Some(path) = &request.file {
        let values = attributes::file(context, path)?;
        for (at, values) in printed::read(&at, values)? {
            set(context, &api, &at, values).await?;
        }
        changed = true;
    }
    if !request.reset.is_empty() {
        reset(context, &api, &at, &request.reset).await?;
        changed = true;
    }
    if !request.set.is_empty() {
        return set(context, &api, &at, request.set).await;
    }
    if changed { Ok(()) } else { show(context, &api, &at, request.get).await }
}

/// What the flags name, or the controller's only cloud; refused when it is not there.
async fn place(context: &Context, api: &Api) -> Result<At> {
    let flag = |name: &str| context.args.text(name).unwrap_or("").to_owned();
    let (mut cloud, mut region) = (flag("cloud"), flag("region"));
    if let Some((named, rest)) = region.split_once('/') {
        (cloud, region) = (named.to_owned(), rest.to_owned());
    }
    if cloud.is_empty() {
        cloud = only_cloud(api).await?;
    }
    let entities = json!({"entities": [{"tag": format!("cloud-{cloud}")}]});
    let reply = api.call_one("Cloud", "Cloud", entities).await.map_err(|error| match error.is_not_found() {
        true => Error::failed(format!("cloud {cloud} not found")),
        false => error,
    })?;
    let regions = reply.pointer("/cloud/regions").and_then(Value::as_array);
    let is_there = |name: &str| regions.into_iter().flatten().any(|region| region["name"] == name);
    if !region.is_empty() && !is_there(&region) {
        return Err(Error::failed(format!("invalid region specified: {region:?}")));
    }
    Ok(At { cloud, region })
}

async fn only_cloud(api: &Api) -> Result<String> {
    let reply: Value = api.call("Cloud", "Clouds", json!({})).await?;
    let clouds = reply.get("clouds").and_then(Value::as_object);
    let mut names: Vec<&str> =
        clouds.into_iter().flatten().map(|(tag, _)| tag.strip_prefix("cloud-").unwrap_or(tag)).collect();
    names.sort_unstable();
    match names.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Error::failed("there is no cloud on this controller that you may use")),
        _ => Err(Error::failed(format!(
            "You haven't specified a cloud and more than one exists on this controller.\n\
             Specify one of the following clouds for which to process model defaults:\n    {}\n",
            names.join(",")
        ))),
    }
}

/// The cloud's defaults: key to `{default, controller, regions}`.
async fn get(api: &Api, at: &At) -> Result<Vec<(String, Value)>> {
    let entities = json!({"entities": [{"tag": at.tag()}]});
    let reply = api.call_one("ModelManager", "ModelDefaultsForClouds", entities).await?;
    let config = reply.get("config").and_then(Value::as_object);
    let mut all: Vec<(String, Value)> =
        config.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    all.sort_by(|a, b| natural_cmp(&a.0, &b.0));
    Ok(all)
}

async fn warn_unknown(context: &mut Context, api: &Api, at: &At, keys: &[String]) -> Result<()> {
    let known = get(api, at).await?;
    attributes::warn_unknown(context, "known", |key| known.iter().any(|(k, _)| k == key), keys.iter());
    Ok(())
}

async fn set(context: &mut Context, api: &Api, at: &At, mut values: Map<String, Value>) -> Result<()> {
    attributes::without_own(context, &mut values, &[("agent-version", "upgrade-model")])?;
    let keys: Vec<String> = values.keys().cloned().collect();
    warn_unknown(context, api, at, &keys).await?;
    let params = json!({"config": [at.request("config", Value::Object(values))]});
    let done = api.call_one("ModelManager", "SetModelDefaults", params).await;
    done.map(drop).map_err(|error| error.explain_block("all"))
}

async fn reset(context: &mut Context, api: &Api, at: &At, keys: &[String]) -> Result<()> {
    warn_unknown(context, api, at, keys).await?;
    let params = json!({"keys": [at.request("keys", json!(keys))]});
    let done = api.call_one("ModelManager", "UnsetModelDefaults", params).await;
    done.map(drop).map_err(|error| error.explain_block("all"))
}

async fn show(context: &mut Context, api: &Api, at: &At, key: Option<String>) -> Result<()> {
    let mut all = get(api, at).await?;
    if !at.region.is_empty() {
        all.retain_mut(|(_, entry)| keep_region(entry, &at.region));
    }
    if let Some(key) = key {
        all.retain(|(name, _)| *name == key);
        if all.is_empty() {
            let region = if at.region.is_empty() { String::new() } else { format!(" in region {:?}", at.region) };
            return Err(Error::failed(format!("there are no default model values for {key:?}{region}")));
        }
    }
    match context.format() {
        "tabular" => context.result_bytes(&table(&all)),
        "json" => {
            all.sort_by(|a, b| a.0.cmp(&b.0));
            context.result_node(&node(&all))
        }
        _ => context.result_node(&node(&all)),
    }
}

/// Leaves of an entry's regions the one that was asked for; false when that has no value of its own.
fn keep_region(entry: &mut Value, region: &str) -> bool {
    match entry.get_mut("regions").and_then(Value::as_array_mut) {
        Some(regions) => {
            regions.retain(|one| one["region-name"] == region);
            !regions.is_empty()
        }
        None => false,
    }
}

fn regions(entry: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let regions = entry.get("regions").and_then(Value::as_array).into_iter().flatten();
    regions.map(|one| (one["region-name"].as_str().unwrap_or(""), &one["value"]))
}

fn table(all: &[(String, Value)]) -> Vec<u8> {
    let mut table = Table::new();
    table.row(&["Attribute", "Default", "Controller"]);
    for (key, entry) in all {
        table.row(&[key.clone(), cell(&entry["default"]), cell(&entry["controller"])]);
        for (region, value) in regions(entry) {
            table.row(&[format!("  {region}"), cell(value), "-".to_owned()]);
        }
    }
    table.finish()
}

/// A value as the original's tables have it: Go's own words for lists and maps.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        _ => go(value),
    }
}

fn go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}:{}", go(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Bool(_) | Value::Number(_) => print(&floating(value)).trim_end().to_owned(),
    }
}

fn node(all: &[(String, Value)]) -> Node {
    let known = |value: &Value| if value.is_null() { None } else { Some(floating(value)) };
    let entries = all.iter().map(|(key, entry)| {
        let mut fields = Fields::new();
        for name in ["default", "controller"] {
            if let Some(value) = known(&entry[name]) {
                fields = fields.node(name, value);
            }
        }
        let of_regions =
            regions(entry).map(|(name, value)| Fields::new().text("name", name).node("value", floating(value)).done());
        (key.clone(), fields.filled("regions", Node::Seq(of_regions.collect())).done())
    });
    Node::Map(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_in_gos_words() {
        for (value, expected) in [
            (json!(null), "-"),
            (json!(""), "\"\""),
            (json!("x y"), "x y"),
            (json!(true), "true"),
            (json!(17), "17"),
            (json!(2_000_000), "2e+06"),
            (json!({}), "map[]"),
            (json!({"b": [1, ""], "a": null}), "map[a:<nil> b:[1 ]]"),
        ] {
            assert_eq!(cell(&value), expected, "{value}");
        }
    }
}
