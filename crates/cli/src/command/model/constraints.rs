//! `model-constraints`: what new machines of a model ask for by themselves.

use base::Constraints;
use serde_json::{Value, json};
use wire::yaml::Node;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "model-constraints",
    purpose: "Displays machine constraints for a model.",
    doc: "Shows constraints that have been set on the model with 'juju set-model-constraints'.\n\
          They hold for machines that are added without constraints of their own.",
    examples: "\n    juju model-constraints\n    juju model-constraints -m mymodel",
    see_also: &["models", "set-model-constraints"],
    formats: &["constraints", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// Fields in the order in which they are printed.
const ORDER: [&str; 15] = [
    "arch",
    "container",
    "cores",
    "cpu-power",
    "mem",
    "root-disk",
    "root-disk-source",
    "tags",
    "instance-role",
    "instance-type",
    "spaces",
    "virt-type",
    "zones",
    "allocate-public-ip",
    "image-id",
];

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let api = context.model_api().await?;
    let reply: Value = api.call("ModelConfig", "GetModelConstraints", json!({})).await?;
    let constraints = reply.get("constraints").cloned().unwrap_or_else(|| json!({}));
    print(context, constraints)
}

/// Prints constraints as they came: one line, or the fields in their order.
pub fn print(context: &mut Context, constraints: Value) -> Result<()> {
    if context.format() == "constraints" {
        let read: Constraints = serde_json::from_value(constraints).unwrap_or_default();
        return context.result(format!("{read}\n"));
    }
    let fields = ORDER
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), Node::from(constraints.get(*key).filter(|v| !v.is_null())?))));
    context.result_node(&Node::Map(fields.collect()))
}
