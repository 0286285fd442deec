//! `status`: the model at a glance, in five formats.
//!
//! The surprise: a failed try is tried again on a new connection, three times, as the original does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use wire::facade::client::FullStatus;

use super::watch;
use crate::command::storage::details;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Kind, Result};
use crate::flags::Flag;
use crate::output;
use crate::status::{View, line, object, summary, tabular};

pub const COMMAND: Command = Command {
    name: "status",
    args: "[<selector> [...]]",
    arguments: &[&[Noun::Machine, Noun::Unit, Noun::Application]],
    purpose: "Report the status of the model, its machines, applications and units.",
    doc: "Shows the model, its applications, units, machines, offers, relations and storage.\n\
          Selectors (machine ids, unit and application names, status words, addresses, ports) narrow it.",
    examples: "\n    juju status\n    juju status --format yaml\n    juju status 0 --relations\n    juju status --watch 5s",
    see_also: &["machines", "show-machine", "show-status-log"],
    flags: &[
        Flag::bool(&["color"], "Use ANSI color codes in tabular output"),
        Flag::bool(&["integrations"], "The same as '--relations'"),
        Flag::bool(&["no-color"], "Disable ANSI color codes in tabular output"),
        Flag::bool(&["relations"], "Show 'relations' section in tabular output"),
        Flag::int(&["retry-count"], "3", "Number of times to retry API failures"),
        Flag::duration(&["retry-delay"], "100ms", "Time to wait between retry attempts"),
        Flag::bool(&["storage"], "Show 'storage' section in tabular output"),
        Flag::bool(&["utc"], "Display timestamps in the UTC timezone"),
        Flag::duration(&["watch"], "0s", "Watch the status every period of time"),
    ],
    formats: &["tabular", "json", "line", "oneline", "short", "summary", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let flag = |name: &str| context.args.is_set(name);
    if flag("color") && flag("no-color") {
        return Err(Error::usage("cannot mix --no-color and --color"));
    }
    let iso = super::iso(context, true)?;
    match context.args.duration("watch").filter(|period| !period.is_zero()) {
        Some(period) => watch::run(context, period, iso).await,
        None => once(context, iso).await,
    }
}

/// Fetches and prints.
pub(super) async fn once(context: &mut Context, iso: bool) -> Result<()> {
    let tabular = context.format() == "tabular";
    let relations = context.args.is_set("relations") || context.args.is_set("integrations");
    let storage = context.args.is_set("storage");
    let (status, api) = fetch(context, storage || !tabular).await?;
    let words = ["integrations", "relations", "storage"].map(|word| (word, context.args.is_set(word)));
    let words: Vec<&str> = words.iter().filter(|w| w.1).map(|w| w.0).collect();
    if !tabular && !words.is_empty() {
        let (noun, verb) = if words.len() > 1 { ("options", "are") } else { ("option", "is") };
        context.info(format!("provided {} {noun} {verb} always enabled in non tabular formats", words.join(", ")));
    }
    let mut view = View::of(context, &status, &api.controller, iso);
    (view.relations, view.storage) = (relations, storage);
    print(context, &view).await?;
    if view.is_empty() {
        match context.args.positional().len() {
            0 => context.info(format!("\nModel {:?} is empty.", shown_name(context, &api))),
            1 => context.info("Nothing matched specified filter."),
            _ => context.info("Nothing matched specified filters."),
        }
    }
    Ok(())
}

/// The model as it was selected: with its controller when that was named, by its UUID when that was given.
fn shown_name(context: &Context, api: &Api) -> String {
    if let Some(uuid) = context.args.text("m").filter(|m| m.parse::<base::ModelUuid>().is_ok()) {
        return uuid.to_owned();
    }
    match context.args.text("m").filter(|m| m.contains(':')) {
        Some(_) => format!("{}:{}", api.controller, api.model),
        None => api.model.clone(),
    }
}

async fn print(context: &mut Context, view: &View<'_>) -> Result<()> {
    for _ in view.status.applications.values().filter(|a| a.err.is_some() && a.charm.is_empty()) {
        context.log_error("failed to parse charm: cannot parse name and/or revision in URL \"\": name \"\" not valid");
    }
    if context.format() == "tabular" {
        for app in view.status.remote_applications.values() {
            if app.err.is_some() && app.offer_url.is_empty() {
                context.log_error("invalid offer URL \"\": application offer URL is missing model");
            }
        }
    }
    match context.format() {
        "tabular" => context.result_bytes(&tabular::text(view)),
        "summary" => {
            let found = addresses(view).await;
            let (text, warnings) = summary::text(view, &|host: &str| lookup(&found, host));
            warnings.iter().for_each(|w| context.warn(w));
            context.result_bytes(&text)
        }
        "line" | "oneline" | "short" => context.result(line::text(view)),
        format => {
            let document = view.document(object::Form::of(format));
            match (format, view.paint.0) {
                ("json", true) => context.result(output::json::print_coloured(&document)),
                (_, true) => context.result(output::yaml::print_coloured(&document)),
                (_, false) => context.result_node(&document),
            }
        }
    }
}

/// IPv4 addresses by host, of all hosts that the summary asks for.
async fn addresses(view: &View<'_>) -> BTreeMap<String, Vec<IpAddr>> {
    let asked = RefCell::new(BTreeMap::new());
    let note = |host: &str| {
        asked.borrow_mut().insert(host.to_owned(), Vec::new());
        Ok(Vec::new())
    };
    let _ = summary::text(view, &note);
    let mut found = asked.into_inner();
    for (host, addresses) in &mut found {
        *addresses = host::resolve::addresses(host).await;
        addresses.retain(IpAddr::is_ipv4);
    }
    found
}

/// The network of one address is enough.
fn lookup(found: &BTreeMap<String, Vec<IpAddr>>, host: &str) -> std::result::Result<Vec<IpAddr>, String> {
    match found.get(host).and_then(|addresses| addresses.first()) {
        Some(ip) => Ok(vec![*ip]),
        None if host.parse::<IpAddr>().is_ok() => Err(format!("address {host}: no suitable address found")),
        None => Err(format!("lookup {host}: no such host")),
    }
}

/// The status, and the connection it came over; tried again when it fails.
async fn fetch(context: &mut Context, storage: bool) -> Result<(FullStatus, Api)> {
    let retries = context.args.int("retry-count").unwrap_or(3).max(0);
    let delay = context.args.duration("retry-delay").unwrap_or(Duration::from_millis(100));
    let mut tried = 0;
    loop {
        let opened = match context.model_api().await {
            // That was tried for long already.
            Err(error) if *error.kind() == Kind::Connection => return Err(error),
            opened => opened,
        };
        let asked = match opened {
            Ok(api) => attempt(context, api, storage).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(got) => return Ok(got),
            Err(error) if tried >= retries || is_final(&error) => return Err(error),
            Err(_) => {
                tried += 1;
                context.sleep(delay).await;
            }
        }
    }
}

/// Another try would not change it.
fn is_final(error: &Error) -> bool {
    error.exit() == 2 || error.is_unproven() || matches!(error.code(), "redirection required" | "not implemented")
}

async fn attempt(context: &Context, api: Api, storage: bool) -> Result<(FullStatus, Api)> {
    let patterns = context.args.positional().to_vec();
    let together = api.connection.version("Client") != 6;
    let mut params = json!({"patterns": if patterns.is_empty() { Value::Null } else { json!(patterns) }});
    if storage && together {
        params["include-storage"] = json!(true);
    }
    let mut status: FullStatus = api.call("Client", "FullStatus", params).await?;
    if storage && !together {
        // An older controller tells of storage only when asked apart.
        status.storage = details(&api, "ListStorageDetails", json!({})).await?;
        status.filesystems = details(&api, "ListFilesystems", json!({})).await?;
        status.volumes = details(&api, "ListVolumes", json!({})).await?;
    }
    Ok((status, api))
}
