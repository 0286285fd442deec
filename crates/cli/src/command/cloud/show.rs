//! `show-cloud`: one cloud in full, as controller and client know it.

use wire::yaml::{Node, print};

use crate::command::Command;
use crate::command::cloud::{known, list};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::Fields;

pub const COMMAND: Command = Command {
    name: "show-cloud",
    args: "<cloud name>",
    arguments: &[&[Noun::Cloud]],
    purpose: "Shows detailed information for a cloud.",
    doc: "Shows the type, the endpoints, the regions of a cloud, and who may use it.",
    examples: "\n    juju show-cloud aws\n    juju show-cloud aws --client --format json",
    see_also: &["clouds", "regions"],
    flags: &[
        Flag::bool(&["B", "no-browser-login"], "Do not use web browser for authentication"),
        Flag::text(&["c", "controller"], "Controller to operate in"),
        Flag::bool(&["client"], "Client operation"),
        Flag::bool(&["include-config"], "Print available config option details specific to the specified cloud"),
    ],
    formats: &["display", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no cloud specified"));
    };
    context.args.at_most(1)?;
    let (controller, client) = list::sources(context)?;
    let mut found = Vec::new();
    if client {
        match known::of_client(context)?.into_iter().find(|k| k.name == name) {
            Some(known) => found.push((format!("Client cloud {name:?}"), known)),
            None => context.info(format!("No cloud {name:?} exists on this client.")),
        }
    }
    if let Some(controller) = controller {
        let api = context.controller_api_of(&controller).await?;
        match known::on_controller(&api, &name).await {
            Ok(known) => found.push((format!("Cloud {name:?} from controller {controller:?}"), known)),
            Err(error) if error.is_not_found() => context.info(format!("No cloud {name:?} exists on the controller.")),
            Err(error) => return Err(error),
        }
    }
    if found.is_empty() {
        return Err(Error::silent(1));
    }
    let json = context.format() == "json";
    let whole = |summary: &str, known: &known::Known| {
        known::fields(known, Fields::new().text("name", &name).text("summary", summary), json).done()
    };
    match context.format() {
        "display" => {
            let parts: Vec<String> = found
                .iter()
                .map(|(summary, known)| {
                    format!("{summary}:\n\n{}", print(&known::fields(known, Fields::new(), false).done()))
                })
                .collect();
            context.result(parts.join("\n"))
        }
        "json" => {
            let nodes = found.iter().map(|(summary, known)| whole(summary, known)).collect();
            context.result_node(&Node::Seq(nodes))
        }
        _ => {
            let parts: Vec<String> = found.iter().map(|(summary, known)| print(&whole(summary, known))).collect();
            context.result(parts.join("---\n"))
        }
    }
}
