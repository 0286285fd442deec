//! `controller-config`: shows and sets the configuration of a controller.
//!
//! The surprise: nothing can be reset, and what cannot be changed after bootstrap is refused here, before the controller is asked.

use base::attribute::{UPDATABLE, is_updatable};
use serde_json::{Map, Value, json};
use wire::yaml::{Node, natural_cmp, print};

use crate::attributes::{self, Request, floating};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "controller-config",
    args: "[<attribute key>[=<value>] ...]",
    arguments: &[&[Noun::Word(UPDATABLE)]],
    purpose: "Displays or sets configuration settings for a controller.",
    doc: "Without arguments all attributes are listed. One key shows its value; key=value sets, as does a YAML\n\
          file. Most of them can be given at bootstrap only ('juju bootstrap --config').",
    examples: "\n    juju controller-config\n    juju controller-config api-port\n    \
               juju controller-config audit-log-max-size=200M auditing-enabled=true",
    see_also: &["bootstrap", "model-config", "show-controller"],
    flags: &[attributes::COLOR, attributes::FILE, attributes::IGNORE_READ_ONLY, attributes::NO_COLOR],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let request = Request::read(context, &[])?;
    let from_file = match &request.file {
        Some(path) => Some(attributes::file(context, path)?),
        None => None,
    };
    let api = context.controller_api().await?;
    let changes = from_file.is_some() || !request.set.is_empty();
    for values in from_file.into_iter().chain((!request.set.is_empty()).then_some(request.set)) {
        set(context, &api, values).await?;
    }
    if changes { Ok(()) } else { show(context, &api, request.get).await }
}

async fn set(context: &mut Context, api: &Api, mut values: Map<String, Value>) -> Result<()> {
    let mut fixed: Vec<String> = values.keys().filter(|key| is_updatable(key) != Some(true)).cloned().collect();
    fixed.sort();
    if !fixed.is_empty() {
        let words = "invalid or read-only controller config values cannot be updated";
        let message = format!("{words}: [{}]", fixed.join(" "));
        if !context.args.is_set("ignore-read-only-fields") {
            return Err(Error::failed(message));
        }
        context.warn(message);
        values.retain(|key, _| !fixed.contains(key));
    }
    let done: Result<Value> = api.call("Controller", "ConfigSet", json!({"config": values})).await;
    done.map(drop).map_err(|error| error.explain_block("all"))
}

async fn show(context: &mut Context, api: &Api, key: Option<String>) -> Result<()> {
    let reply: Value = api.call("Controller", "ControllerConfig", json!({})).await?;
    let none = Map::new();
    let config = reply.get("config").and_then(Value::as_object).unwrap_or(&none);
    if let Some(key) = key {
        let Some(value) = config.get(&key) else {
            return Err(Error::failed(format!("key {key:?} not found in controller {:?}", api.controller)));
        };
        return match context.format() {
            "tabular" => context.result(alone(value)),
            _ => context.result_node(&floating(value)),
        };
    }
    let mut all: Vec<(&String, &Value)> = config.iter().collect();
    all.sort_by(|a, b| natural_cmp(a.0, b.0));
    if context.format() == "tabular" {
        let mut table = Table::new();
        table.row(&["Attribute", "Value"]);
        for (key, value) in all {
            table.row(&[key.as_str(), cell(value).as_str()]);
        }
        return context.result_bytes(&table.finish());
    }
    if context.format() == "json" {
        all.sort_by_key(|(key, _)| *key);
    }
    context.result_node(&Node::Map(all.into_iter().map(|(key, value)| (key.clone(), floating(value))).collect()))
}

/// A list of texts has a line for each.
fn alone(value: &Value) -> String {
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => items.iter().map(attributes::smart).collect(),
        Value::Number(_) => print(&floating(value)),
        other => attributes::smart(other),
    }
}

/// A list of one is its item.
fn cell(value: &Value) -> String {
    let shown = match value.as_array().map(Vec::as_slice) {
        Some([one]) => one,
        _ => value,
    };
    print(&floating(shown)).trim_end_matches('\n').to_owned()
}
