//! `machines`: the machines of the model.

use serde_json::json;
use wire::facade::client::FullStatus;
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::status::{View, object, tabular};

pub const FLAGS: &[Flag] = &[
    Flag::bool(&["color"], "Force use of ANSI color codes"),
    Flag::bool(&["utc"], "Display timestamps in the UTC timezone"),
];

pub const COMMAND: Command = Command {
    name: "machines",
    aliases: &["list-machines"],
    purpose: "Lists machines in a model.",
    doc: "Lists the machines of the model with their containers: state, address, instance, base, zone.",
    examples: "\n    juju machines\n    juju machines --format yaml",
    see_also: &["status", "show-machine", "add-machine"],
    flags: FLAGS,
    formats: &["tabular", "yaml", "json"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    print(context, |_| true).await
}

/// Fetches the status and prints those machines that are wanted.
pub(super) async fn print(context: &mut Context, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let iso = crate::command::status::iso(context, false)?;
    let api = context.model_api().await?;
    let status: FullStatus = api.call("Client", "FullStatus", json!({"patterns": null})).await?;
    let controller = context.controller_name()?;
    let view = View::of(context, &status, &controller, iso);
    if context.format() == "tabular" {
        let text = tabular::machines(&view, wanted);
        return context.result_bytes(&text);
    }
    let form = object::Form::of(context.format());
    let document = Node::Map(vec![
        ("model".to_owned(), Node::str(&status.model.name)),
        ("machines".to_owned(), object::machines(&view, form, wanted)),
    ]);
    context.result_node(&document)
}
