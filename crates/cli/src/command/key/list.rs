//! `ssh-keys`: the keys that open the machines of a model.

use serde_json::{Value, json};

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "ssh-keys",
    aliases: &["list-ssh-keys"],
    purpose: "Lists the currently known SSH keys for the current (or specified) model.",
    doc: "By default fingerprints are shown; '--full' shows whole keys. Keys of Juju's own, the client's with which a model was made among \
          them, are not shown and cannot be removed.",
    examples: "\n    juju ssh-keys\n    juju ssh-keys -m mymodel --full",
    see_also: &["add-ssh-key", "import-ssh-key", "remove-ssh-key"],
    flags: &[Flag::bool(&["full"], "Show full key instead of just the fingerprint")],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let api = context.model_api().await?;
    let params = json!({"entities": {"entities": [{"tag": "admin"}]}, "mode": context.args.is_set("full")});
    let result = api.call_one("KeyManager", "ListKeys", params).await?;
    let keys: Vec<&str> = result.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if keys.is_empty() {
        context.info("No keys to display.");
        return Ok(());
    }
    context.out(format!("Keys used in model: {}\n{}\n", api.model, keys.join("\n")))
}
