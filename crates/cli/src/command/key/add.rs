//! `add-ssh-key`: lets keys into the machines of a model.
//!
//! The surprise: a key that is refused is told on stderr, `--quiet` or not, and the exit code stays 0.

use serde_json::json;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "add-ssh-key",
    args: "<ssh key> ...",
    purpose: "Adds a public SSH key to a model.",
    doc: "The machines of the model, present and future ones, let in who holds the private half.\n\
          A key is given as it stands in a public key file, in quotes. Options before a key are refused. A key that the model has already, or \
          that cannot be read, is told of; the others are added, and the command succeeds.\n\n\
          Machines hear of it at once: whoever the key lets in can log in when the command ends, or a moment later.",
    examples: "\n    juju add-ssh-key \"$(cat ~/.ssh/id_ed25519.pub)\"",
    see_also: &["import-ssh-key", "remove-ssh-key", "ssh-keys"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let keys = context.args.positional().to_vec();
    if keys.is_empty() {
        return Err(Error::usage("no ssh key specified"));
    }
    change(context, "AddKeys", &keys, "cannot add key").await
}

/// Adds or removes keys; each failure is a line on stderr.
pub async fn change(context: &mut Context, method: &str, keys: &[String], failure: &str) -> Result<()> {
    let api = context.model_api().await?;
    let params = json!({"user": "admin", "ssh-keys": keys});
    let results = api.call_each("KeyManager", method, params).await.map_err(|e| e.explain_block("all"))?;
    for (key, result) in keys.iter().zip(results) {
        if let Err(error) = result {
            context.note(format!("{failure} {key:?}: {error}\n"));
        }
    }
    Ok(())
}
