//! `model-config`: shows, sets and resets the configuration of a model.
//!
//! The surprise: file, reset and set are three changes, each preceded by its own look at what is known, and an
//! unknown key is only warned of.

use serde_json::{Map, Value, json};
use wire::yaml::{Node, natural_cmp, print};

use crate::command::{Command, Scope};
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "model-config",
    args: "[<model-key>[=<value>] ...]",
    purpose: "Displays or sets configuration values on a model.",
    doc: "Without arguments all keys are listed, with where each value comes from.\n\
          One key shows its value; key=value sets, '--reset' gives keys back to their default.",
    examples: "\n    juju model-config\n    juju model-config default-base\n    \
               juju model-config logging-config='<root>=DEBUG' http-proxy=http://10.0.0.1:3128\n    \
               juju model-config --reset http-proxy",
    see_also: &["models", "set-model-constraints", "show-model"],
    flags: &[
        Flag::bool(&["color"], "Use ANSI color codes in output"),
        Flag::text(&["file"], "Path to yaml-formatted configuration file"),
        Flag::bool(
            &["ignore-read-only-fields"],
            "Ignore read only fields that might cause errors to be emitted while processing yaml documents",
        ),
        Flag::bool(&["no-color"], "Disable ANSI color codes in tabular output"),
        Flag::texts(&["reset"], "Reset the provided comma delimited keys"),
    ],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// What is not shown.
const HIDDEN: [&str; 3] = ["name", "type", "uuid"];

#[derive(Default)]
struct Request {
    get: Option<String>,
    set: Map<String, Value>,
    reset: Vec<String>,
    file: Option<String>,
}

async fn run(context: &mut Context) -> Result<()> {
    let request = read(context)?;
    let api = context.model_api().await?;
    let mut changed = false;
    if let Some(path) = &request.file {
        let values = file(context, path)?;
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

fn read(context: &Context) -> Result<Request> {
    let args = &context.args;
    let mut request = Request { file: args.text("file").map(str::to_owned), ..Request::default() };
    for given in args.texts("reset") {
        for key in given.split(',') {
            if key.contains('=') {
                return Err(Error::usage(format!(
                    "--reset accepts a comma delimited set of keys \"a,b,c\", received: {given:?}"
                )));
            }
            request.reset.push(key.to_owned());
        }
    }
    let mut keys = Vec::new();
    for word in args.positional() {
        match word.split_once('=') {
            Some(("", _)) => return Err(Error::usage(format!("expected \"key=value\", got {word:?}"))),
            Some((key, _)) if request.set.contains_key(key) => {
                return Err(Error::usage(format!("key {key:?} specified more than once")));
            }
            Some((key, value)) => {
                request.set.insert(key.to_owned(), json!(value));
            }
            None => keys.push(word.clone()),
        }
    }
    let at_once = |what: &str| Error::usage(format!("cannot {what} simultaneously"));
    match keys.as_slice() {
        [] => {}
        _ if !request.set.is_empty() => return Err(at_once("get value and set key=value pairs")),
        [_, _, ..] => return Err(Error::usage("cannot specify multiple keys to get")),
        _ if !request.reset.is_empty() => return Err(at_once("use --reset flag and get value")),
        _ if request.file.is_some() => return Err(at_once("use --file flag and get value")),
        [key] => request.get = Some(key.clone()),
    }
    if let Some(key) = request.reset.iter().find(|k| request.set.contains_key(k.as_str())) {
        return Err(Error::usage(format!("cannot set and reset key {key:?} simultaneously")));
    }
    if let Some(key) = request.reset.iter().find(|k| *k == "agent-version" || *k == "charmhub-url") {
        return Err(Error::usage(format!("{key:?} cannot be reset")));
    }
    Ok(request)
}

/// A file of `key: value`, or of what `model-config --format yaml` printed.
fn file(context: &mut Context, typed: &str) -> Result<Map<String, Value>> {
    let text = match typed {
        "-" => context.io.read_all()?,
        _ => std::fs::read_to_string(context.io.path(typed))
            .map_err(|e| Error::failed(format!("open {typed}: {}", crate::context::reason(&e))))?,
    };
    let parsed = client::files::yaml::read(&text).map_err(Error::failed)?;
    let Value::Object(entries) = parsed else { return Ok(Map::new()) };
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
    Ok(values)
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
    let listed = |key: &str| key == "authorized-keys" || known.iter().any(|(k, _)| k == key);
    let mut unknown: Vec<&String> = keys.filter(|key| !listed(key)).collect();
    unknown.sort();
    for key in unknown {
        context.warn(format!("key {key:?} is not defined in the current model configuration: possible misspelling"));
    }
}

async fn set(context: &mut Context, api: &Api, mut values: Map<String, Value>) -> Result<()> {
    for (key, command) in [("agent-version", "upgrade-model"), ("charmhub-url", "add-model")] {
        if !values.contains_key(key) {
            continue;
        }
        if !context.args.is_set("ignore-read-only-fields") {
            return Err(Error::failed(format!("{key:?} must be set via {command:?}")));
        }
        values.shift_remove(key);
    }
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
        "tabular" => context.result(smart(&entry["value"])),
        _ => show(context, &[(key.to_owned(), entry.clone())]),
    }
}

/// A value alone: text as it is, anything else as YAML.
fn smart(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("{text}\n"),
        Value::Bool(true) => "True\n".to_owned(),
        Value::Bool(false) => "False\n".to_owned(),
        other => print(&Node::from(other).sorted()),
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
