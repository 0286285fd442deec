//! `regions`: the regions of a cloud, the default one first.

use serde_json::{Value, json};

use crate::command::Command;
use crate::command::cloud::known::{self, Known};
use crate::command::cloud::list;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "regions",
    aliases: &["list-regions"],
    args: "<cloud>",
    arguments: &[&[Noun::Cloud]],
    purpose: "Lists regions for a given cloud.",
    doc: "Lists the regions of a cloud as the controller and this client know them.",
    examples: "\n    juju regions aws\n    juju regions aws --client",
    see_also: &["clouds", "show-cloud"],
    flags: &[
        Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
        Flag::text(&["c", "controller"], "Controller to operate in"),
        Flag::bool(&["client"], "Client operation"),
    ],
    formats: &["tabular", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no cloud specified"));
    };
    context.args.at_most(1)?;
    let (controller, client) = list::sources(context)?;
    let mut local = None;
    if client {
        local = known::of_client(context)?.into_iter().find(|k| k.name == name);
        if local.is_none() {
            context.info(format!("No cloud {name:?} exists on this client."));
        }
    }
    let mut remote = None;
    if let Some(controller) = &controller {
        let api = context.controller_api_of(controller).await?;
        let params = json!({"entities": [{"tag": format!("cloud-{name}")}]});
        match api.call_one("Cloud", "Cloud", params).await {
            Ok(found) => remote = Some(known::read(&name, found.get("cloud").unwrap_or(&Value::Null))),
            Err(error) => context.info(error.to_string()),
        }
    }
    if local.is_none() && remote.is_none() {
        return Err(Error::silent(1));
    }
    if context.format() == "tabular" {
        return tables(context, &name, local.as_ref(), remote.as_ref(), controller.as_deref());
    }
    let json = context.format() == "json";
    let mut fields = Fields::new();
    for (key, known) in [("client-cloud-regions", &local), ("controller-cloud-regions", &remote)] {
        if let Some(known) = known {
            fields = fields.filled(key, known::regions(&known.cloud, None, json));
        }
    }
    context.result_node(&fields.done())
}

fn tables(
    context: &mut Context,
    name: &str,
    local: Option<&Known>,
    remote: Option<&Known>,
    controller: Option<&str>,
) -> Result<()> {
    let mut text = Vec::new();
    if let Some(known) = local {
        let names: Vec<String> = known.cloud.regions.keys().map(|r| format!("{r}\n")).collect();
        match names.is_empty() {
            true => text.extend(format!("Cloud {name:?} has no regions defined locally on this client.\n").bytes()),
            false => text.extend(format!("\nClient Cloud Regions\n{}", names.concat()).bytes()),
        }
    }
    if let Some(known) = remote {
        if known.cloud.regions.is_empty() {
            let controller = controller.unwrap_or("");
            text.extend(format!("Cloud {name:?} has no regions defined on controller {controller:?}.\n").bytes());
        } else {
            let mut table = Table::new();
            for region in known.cloud.regions.keys() {
                table.row(&[region.as_str(), ""]);
            }
            text.extend_from_slice(b"\nController Cloud Regions\n");
            text.extend(table.finish());
        }
    }
    context.result_bytes(&text)
}
