//! Gathers what goes into a report: of this host, of the controller, of each model.
//!
//! Must not know how an archive lies on a disk. The surprise: every text goes through the redactor on its way in, and there is no other way in.

use std::time::Duration;

use base::ModelUuid;
use base::chain;
use client::Place;
use client::log_stream::LogStream;
use serde_json::{Value, json};

use super::archive::{Archive, Keep};
use super::known;
use super::redact::Redactor;
use crate::command::host::doctor;
use crate::context::{Api, Context, architecture};
use crate::error::{Error, Result};
use crate::output::json;
use crate::select::{self, ModelRef};

/// A controller that does not answer within this is told of as such.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nothing of one model may take longer.
const OF_A_MODEL: Duration = Duration::from_secs(60);
const MOST_MODELS: usize = 50;
/// Machines of a model whose chains are asked for, and whose instances' prints.
const MOST_MACHINES: usize = 500;
const MOST_PRINTS: usize = 20;

/// What the report is of.
pub(super) struct Of {
    /// None: of this host alone.
    pub controller: Option<String>,
    /// One model of it; nothing: all that the user sees.
    model: Option<ModelRef>,
}

/// Flags first, then what is current. What was named must be there.
pub(super) fn choose(context: &Context) -> Result<Of> {
    let known = context.store.controllers()?;
    if context.args.maybe("m").is_some_and(|model| !model.is_empty()) {
        let model = select::model(&context.store, &context.io, context.args.maybe("m"))?;
        let named = context.args.maybe("c").filter(|name| !name.is_empty());
        if named.is_some_and(|name| name != model.controller) {
            return Err(Error::usage("the model and the controller that were named differ"));
        }
        return Ok(Of { controller: Some(model.controller.clone()), model: Some(model) });
    }
    let controller = match context.args.maybe("c").filter(|name| !name.is_empty()) {
        Some(name) if known.controllers.contains_key(name) => Some(name.to_owned()),
        Some(name) => return Err(select::controller_not_found(name)),
        None => select::current_controller(&known, &context.io),
    };
    Ok(Of { controller, model: None })
}

/// The archive, and the words of its first file.
pub(super) async fn all(context: &mut Context, of: &Of, lines: u64) -> (Archive, String) {
    let mut report = Report { archive: Archive::default(), redactor: Redactor::new(known::secrets(&context.io)) };
    let now = (context.io.now)();
    let mut about = format!("Bug report of grigri {}, made {now}.\n", context.binary_version());
    about.push_str(&format!(
        "Controller: {}. Secrets were taken out where they could be recognised.\n",
        of.controller.as_deref().unwrap_or("none")
    ));
    report.document("host/facts.json", &facts());
    match doctor::look(context, of.controller.as_deref()).await {
        Ok(findings) => report.printed("host/doctor.json", &json::print(&doctor::document(&findings))),
        Err(error) => report.missing("host/doctor.json", &error.to_string()),
    }
    report.own_logs(context, of).await;
    let mut versions = json!({
        "client": context.binary_version(),
        "commit": context.injected.commit,
        "architecture": architecture(),
    });
    if let Some(name) = &of.controller {
        match context.controller_api_within(name, PATIENCE).await {
            Ok(api) => {
                versions["controller"] = json!({
                    "name": name,
                    "version": api.connection.login_result().server_version,
                    "address": api.connection.address(),
                    "access": api.access(),
                });
                report.models(context, of, &api, lines).await;
            }
            Err(error) => report.missing("what the controller says", &error.to_string()),
        }
    }
    report.document("versions.json", &versions);
    (report.archive, report.redactor.text(&about))
}

struct Report {
    archive: Archive,
    redactor: Redactor,
}

impl Report {
    fn text(&mut self, name: &str, text: &str, keep: Keep) {
        let text = self.redactor.text(text);
        self.archive.add(name, &text, keep);
    }

    fn document(&mut self, name: &str, document: &Value) {
        let text = self.redactor.document(document);
        self.archive.add(name, &text, Keep::Beginning);
    }

    /// A document that is JSON in text.
    fn printed(&mut self, name: &str, text: &str) {
        match serde_json::from_str(text) {
            Ok(document) => self.document(name, &document),
            Err(_) => self.text(name, text, Keep::Beginning),
        }
    }

    fn missing(&mut self, what: &str, why: &str) {
        let why = self.redactor.text(why.lines().next().unwrap_or_default());
        self.archive.note(format!("{what}: {why}"));
    }

    /// What controllers of this host log themselves.
    async fn own_logs(&mut self, context: &Context, of: &Of) {
        let injected = context.injected.clone();
        let Some(operator) = &injected.operator else { return };
        let known = context.store.controllers().unwrap_or_default();
        let wanted =
            of.controller.as_ref().and_then(|name| known.controllers.get(name)).map(|entry| entry.uuid.clone());
        let here = match operator.controllers().await {
            Ok(here) => here,
            Err(error) => return self.missing("logs of controllers on this host", &error.message),
        };
        for local in here.iter().filter(|local| wanted.as_ref().is_none_or(|uuid| *uuid == local.uuid)) {
            match operator.log(&local.uuid).await {
                Ok(text) => self.text(&format!("host/controllers/{}.log", local.uuid), &text, Keep::End),
                Err(error) => self.missing(&format!("log of controller {}", local.name), &error.message),
            }
        }
    }

    async fn models(&mut self, context: &mut Context, of: &Of, api: &Api, lines: u64) {
        let models = match &of.model {
            Some(model) => vec![model.clone()],
            None => match listed(context, api).await {
                Ok(models) => models,
                Err(error) => return self.missing("models", &error.to_string()),
            },
        };
        if let Some(more) = models.len().checked_sub(MOST_MODELS).filter(|more| *more > 0) {
            self.archive.note(format!("{more} more models: name one with -m"));
        }
        for model in models.iter().take(MOST_MODELS) {
            let whole = tokio::time::timeout(OF_A_MODEL, self.model(context, model, lines)).await;
            let why = match whole {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("it was not all there within {OF_A_MODEL:?}"),
            };
            self.missing(&format!("model {}", model.model), &why);
        }
    }

    async fn model(&mut self, context: &mut Context, model: &ModelRef, lines: u64) -> Result<()> {
        let api = context.model_api_of(model).await?;
        let folder = format!("models/{}", api.model.replace('/', "."));
        let status: Value = api.call("Client", "FullStatus", json!({"patterns": null})).await?;
        self.document(&format!("{folder}/status.json"), &status);
        self.unwell(&api, &folder, &status).await;
        match api.call::<Value>("ModelConfig", "ModelGet", json!({})).await {
            Ok(config) => self.document(&format!("{folder}/settings.json"), &settings(&config)),
            Err(error) => self.missing(&format!("{folder}/settings.json"), &error.to_string()),
        }
        match log(context, &api, lines).await {
            Ok(text) => self.text(&format!("{folder}/debug-log.txt"), &text, Keep::End),
            Err(error) => self.missing(&format!("{folder}/debug-log.txt"), &error.to_string()),
        }
        Ok(())
    }

    /// What the machines wait for that are not well, and what their instances printed.
    async fn unwell(&mut self, api: &Api, folder: &str, status: &Value) {
        if api.connection.version("Diagnosis") == 0 {
            return self.archive.note("what machines wait for: the controller does not tell it");
        }
        let mut tags = unwell(status);
        if let Some(more) = tags.len().checked_sub(MOST_MACHINES).filter(|more| *more > 0) {
            self.archive.note(format!("{folder}: {more} more machines are not well"));
            tags.truncate(MOST_MACHINES);
        }
        let entities: Vec<Value> = tags.iter().map(|tag| json!({ "tag": tag })).collect();
        match api.call::<Value>("Diagnosis", "Why", json!({ "entities": entities })).await {
            Ok(answer) => {
                let results = answer.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
                let named: serde_json::Map<String, Value> = tags.iter().cloned().zip(results).collect();
                self.document(&format!("{folder}/why.json"), &Value::Object(named));
            }
            Err(error) => self.missing(&format!("{folder}/why.json"), &error.to_string()),
        }
        for tag in tags.iter().take(MOST_PRINTS) {
            let entity = json!({"entities": [{"tag": tag}]});
            match api.call_one("Diagnosis", "FirstBootLog", entity).await {
                Ok(answer) => {
                    let printed = answer.get("log").and_then(Value::as_str).unwrap_or_default();
                    self.text(&format!("{folder}/first-boot/{tag}.log"), printed, Keep::End);
                }
                // Most that did not come never printed anything.
                Err(error) if error.is_not_found() => {}
                Err(error) => self.missing(&format!("{folder}/first-boot/{tag}.log"), &error.to_string()),
            }
        }
    }
}

/// All models that the user sees.
async fn listed(context: &mut Context, api: &Api) -> Result<Vec<ModelRef>> {
    context.refresh_models_over(api).await?;
    let known = context.store.models()?;
    let names = known.controllers.get(&api.controller).map(|entry| entry.models.keys().cloned()).into_iter().flatten();
    Ok(names.map(|model| ModelRef { controller: api.controller.clone(), model }).collect())
}

/// Tags of the machines, containers among them, that are not all right, as their status has it.
fn unwell(status: &Value) -> Vec<String> {
    let mut tags = Vec::new();
    let mut left: Vec<&Value> = vec![&status["machines"]];
    while let Some(machines) = left.pop() {
        for (id, machine) in machines.as_object().into_iter().flatten() {
            let word = |of: &str, field: &str| machine[of][field].as_str().unwrap_or_default();
            let well = word("agent-status", "status") == "started"
                && word("instance-status", "status") == "running"
                && matches!(word("agent-status", "life"), "" | "alive");
            if !well {
                tags.push(format!("machine-{}", id.replace('/', "-")));
            }
            left.push(&machine["containers"]);
        }
    }
    tags.sort();
    tags
}

/// Settings whose values are words of a few, versions and the like. All others may hold anything.
const SHOWN: &[&str] = &[
    "agent-stream",
    "agent-version",
    "container-networking-method",
    "default-base",
    "default-space",
    "firewall-mode",
    "image-stream",
    "logging-config",
    "max-action-results-age",
    "max-action-results-size",
    "max-status-history-age",
    "max-status-history-size",
    "mode",
    "name",
    "provisioner-harvest-mode",
    "type",
    "update-status-hook-interval",
    "uuid",
];

/// What was set on the model: values of those that cannot be secret, of the others that they are set.
fn settings(config: &Value) -> Value {
    let mut shown = serde_json::Map::new();
    for (name, setting) in config["config"].as_object().into_iter().flatten() {
        if setting["source"] == "default" {
            continue;
        }
        let value = &setting["value"];
        let is_plain = SHOWN.contains(&name.as_str()) || value.is_boolean();
        shown.insert(name.clone(), if is_plain { value.clone() } else { json!("(set)") });
    }
    Value::Object(shown)
}

/// The newest lines of a model's log.
async fn log(context: &Context, api: &Api, lines: u64) -> Result<String> {
    let uuid: ModelUuid = api.model_uuid.parse().map_err(|e: base::id::IdError| Error::failed(e.to_string()))?;
    let (target, who) = context.target(&api.controller)?;
    let query = format!("backlog={lines}&noTail=true");
    let opened = LogStream::open(&target, Place::Model(uuid), &who, &query).await;
    let mut stream = opened.map_err(|error| Error::connection(chain(&error)))?;
    let mut text = String::new();
    while let Some(record) = stream.next().await {
        let record = record.map_err(|error| Error::failed(format!("log message unreadable: {error}")))?;
        text.push_str(&format!("{} {} {} {} {}\n", record.tag, record.ts, record.sev, record.module, record.msg));
    }
    Ok(text)
}

/// What this host is.
fn facts() -> Value {
    let facts = host::facts::read();
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    json!({
        "hostname": facts.hostname,
        "arch": facts.arch,
        "base": facts.base,
        "cores": facts.cores,
        "memory-mib": facts.mem,
        "root-disk-mib": facts.root_disk,
        "boot": facts.boot_id,
        "kernel": file("/proc/version"),
        "load": file("/proc/loadavg"),
        "uptime": file("/proc/uptime"),
        "interfaces": facts.interfaces.iter().map(|one| one.name.clone()).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_that_are_not_well_are_found_inside_others_too() {
        let machine = |agent: &str, instance: &str, life: &str| json!({"agent-status": {"status": agent, "life": life}, "instance-status": {"status": instance}, "containers": {}});
        let mut host = machine("started", "running", "");
        host["containers"]["0/lxd/1"] = machine("pending", "pending", "");
        let status = json!({"machines": {
            "0": host, "1": machine("started", "running", "dying"), "2": machine("down", "running", ""), "3": machine("started", "running", ""),
        }});
        assert_eq!(unwell(&status), ["machine-0-lxd-1", "machine-1", "machine-2"]);
        assert!(unwell(&json!({})).is_empty());
    }

    #[test]
    fn settings_that_may_hold_secrets_only_say_that_they_are_set() {
        let set = |value: Value| json!({"source": "model", "value": value});
        let config = json!({"config": {
            "http-proxy": set(json!("http://u:p@x")), "default-base": set(json!("ubuntu@24.04")), "proxy-ssh": set(json!(true)),
            "my-own": set(json!("hunter2")), "mode": {"source": "default", "value": "x"},
        }});
        let expected =
            json!({"http-proxy": "(set)", "default-base": "ubuntu@24.04", "proxy-ssh": true, "my-own": "(set)"});
        assert_eq!(settings(&config), expected);
    }
}
