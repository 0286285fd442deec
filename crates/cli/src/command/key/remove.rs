//! `remove-ssh-key`: shuts keys out of the machines of a model.

use crate::command::key::add;
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "remove-ssh-key",
    args: "<ssh key id> ...",
    purpose: "Removes a public SSH key (or keys) from a model.",
    doc: "A key is named by its fingerprint (as 'ssh-keys' shows it, or as 'ssh-keygen -l' does), its comment, or in full. A comment that \
          several keys have means all of them. The last key of a model stays.\n\n\
          Machines hear of it at once. Sessions that are open stay open.",
    examples: "\n    juju remove-ssh-key ubuntu@ubuntu\n    \
               juju remove-ssh-key 45:7f:33:2c:10:4e:6c:14:e3:a1:a4:c8:b2:e1:34:b4",
    see_also: &["add-ssh-key", "import-ssh-key", "ssh-keys"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let keys = context.args.positional().to_vec();
    if keys.is_empty() {
        return Err(Error::usage("no ssh key id specified"));
    }
    add::change(context, "DeleteKeys", &keys, "cannot remove key id").await
}
