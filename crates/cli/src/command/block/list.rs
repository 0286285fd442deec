//! `disabled-commands`: what is switched off in a model, or with `--all` in every model of the controller.

use serde_json::{Value, json};
use wire::yaml::Node;

use super::{Blocked, blocked, table, word};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;
use crate::output::fields::Fields;
use crate::output::table::Table;

pub const COMMAND: Command = Command {
    name: "disabled-commands",
    aliases: &["list-disabled-commands"],
    purpose: "Lists disabled commands.",
    doc: "Lists the sets of commands that are disabled in a model, with the message that whoever tries gets.\n\
          With '--all' it lists the models of the controller that have any, which only its superusers may see.",
    examples: "\n    juju disabled-commands\n    juju disabled-commands --all --format yaml",
    see_also: &["disable-command", "enable-command", "enable-destroy-controller"],
    flags: &[Flag::bool(&["all"], "Lists for all models (administrative users only)")],
    formats: &["tabular", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const NONE: &str = "No commands are currently disabled.";

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    if context.args.is_set("all") {
        let api = context.controller_api().await?;
        // Some controllers list every model.
        let models: Vec<Blocked> = blocked(&api).await?.into_iter().filter(|model| !model.sets.is_empty()).collect();
        return show_models(context, &models);
    }
    let api = context.model_api().await?;
    let blocks = api.call_each("Block", "List", json!({})).await?.into_iter().collect::<Result<Vec<Value>>>()?;
    let text = |block: &Value, key: &str| block.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let blocks: Vec<(String, String)> =
        blocks.iter().map(|block| (word(&text(block, "type")).to_owned(), text(block, "message"))).collect();
    if context.format() != "tabular" {
        let fields =
            |(set, message): &(String, String)| Fields::new().text("command-set", set).some("message", message).done();
        return context.result_node(&Node::Seq(blocks.iter().map(fields).collect()));
    }
    if blocks.is_empty() {
        context.info(NONE);
        return Ok(());
    }
    let mut table = Table::new();
    table.row(&["Disabled commands", "Message"]);
    for (set, message) in &blocks {
        table.row(&[set, message]);
    }
    context.result_bytes(&table.finish())
}

fn show_models(context: &mut Context, models: &[Blocked]) -> Result<()> {
    if context.format() != "tabular" {
        let fields = |model: &Blocked| {
            let sets = model.sets.iter().map(Node::str).collect();
            let named = Fields::new().text("name", &model.name).text("model-uuid", &model.uuid);
            named.text("owner", &model.owner).node("disabled-commands", Node::Seq(sets)).done()
        };
        return context.result_node(&Node::Seq(models.iter().map(fields).collect()));
    }
    if models.is_empty() {
        context.info(NONE);
        return Ok(());
    }
    context.result_bytes(&table(models))
}
