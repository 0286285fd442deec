//! `clouds`: what controllers can be started on, and what models a controller can make.

use wire::yaml::Node;

use crate::command::Command;
use crate::command::cloud::known::{self, Known, Source};
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::output::fields::{Fields, named};
use crate::output::table::Table;
use crate::select;

pub const COMMAND: Command = Command {
    name: "clouds",
    aliases: &["list-clouds"],
    purpose: "Lists all clouds available to Juju.",
    doc: "Lists the clouds of the current controller and those this client knows.\n\
          Of the latter only those are shown that have credentials or need none; '--all' shows every one.",
    examples: "\n    juju clouds\n    juju clouds --client --all\n    juju clouds --controller mycontroller",
    see_also: &["bootstrap", "regions", "show-cloud"],
    flags: &FLAGS,
    formats: &["tabular", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const FLAGS: [Flag; 4] = [
    Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
    Flag::bool(&["all"], "Show all available clouds"),
    Flag::text(&["c", "controller"], "Controller to operate in"),
    Flag::bool(&["client"], "Client operation"),
];

/// Longer descriptions are cut.
const DESCRIPTION: usize = 40;

/// Which sources a command looks at: the controller's name if any, and whether the client's.
pub fn sources(context: &Context) -> Result<(Option<String>, bool)> {
    let named = context.args.text("c").filter(|c| !c.is_empty());
    let client = context.args.is_set("client");
    if named.is_some() {
        return Ok((Some(select::controller(&context.store, &context.io, named)?), client));
    }
    if client {
        return Ok((None, true));
    }
    let all = context.store.controllers()?;
    Ok((select::current_controller(&all, &context.io), true))
}

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let (controller, client) = sources(context)?;
    let mut remote = Vec::new();
    if let Some(name) = &controller {
        let api = context.controller_api_of(name).await?;
        remote = known::of_controller(&api).await?;
    }
    let mut local = if client { known::of_client(context)? } else { Vec::new() };
    let count = local.len();
    if !context.args.is_set("all") {
        local.retain(|k| k.credentials > 0 || k.source == Source::BuiltIn);
    }
    let hidden = count - local.len();
    if context.format() == "tabular" {
        let text = tables(controller.is_some(), client, &remote, &local);
        context.result_bytes(&text)?;
    } else {
        let json = context.format() == "json";
        let mut nodes: Vec<(String, Node)> = Vec::new();
        for known in remote.iter().chain(&local) {
            if !nodes.iter().any(|(name, _)| *name == known.name) {
                nodes.push((known.name.clone(), known::fields(known, Fields::new(), json).done()));
            }
        }
        context.result_node(&named(nodes, json))?;
    }
    if hidden > 0 {
        context.info(match local.is_empty() {
            true => "No clouds with registered credentials to show.",
            false => "Only clouds with registered credentials are shown.",
        });
        context.info("There are more clouds, use --all to see them.");
    }
    Ok(())
}

fn tables(has_controller: bool, client: bool, remote: &[Known], local: &[Known]) -> Vec<u8> {
    let mut text = Vec::new();
    let default = |known: &Known| known.cloud.regions.keys().next().cloned().unwrap_or_default();
    if has_controller {
        text.extend_from_slice(b"\nClouds available on the controller:\n");
        let mut table = Table::new();
        table.row(&["Cloud", "Regions", "Default", "Type"]);
        for known in remote {
            table.row(&[
                known.name.clone(),
                known.cloud.regions.len().to_string(),
                default(known),
                known::shown_type(&known.cloud.cloud_type).to_owned(),
                String::new(),
            ]);
        }
        text.extend(table.finish());
    } else {
        text.extend_from_slice(b"You can bootstrap a new controller using one of these clouds...\n");
    }
    if client && !local.is_empty() {
        text.extend_from_slice(b"\nClouds available on the client:\n");
        let mut table = Table::new();
        table.row(&["Cloud", "Regions", "Default", "Type", "Credentials", "Source", "Description"]);
        for known in local {
            let description = known.cloud.description.clone().unwrap_or_default();
            table.row(&[
                known.name.clone(),
                known.cloud.regions.len().to_string(),
                default(known),
                known::shown_type(&known.cloud.cloud_type).to_owned(),
                known.credentials.to_string(),
                known.source.word().to_owned(),
                cut(&description),
            ]);
        }
        text.extend(table.finish());
    }
    text
}

fn cut(text: &str) -> String {
    match text.chars().count() > DESCRIPTION {
        true => text.chars().take(DESCRIPTION - 1).collect(),
        false => text.to_owned(),
    }
}
