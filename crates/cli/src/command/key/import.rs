//! `import-ssh-key`: lets in the keys that people publish.
//!
//! The surprise: the controller asks the publisher, not this client; ids are looked at here first, so that a slip of the pen asks nobody.

use base::ssh_key::{KeyId, KeyIdError};

use crate::command::key::add;
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "import-ssh-key",
    args: "<lp|gh>:<user identity> ...",
    purpose: "Adds a public SSH key from a trusted identity source to a model.",
    doc: "The machines of the model, present and future ones, let in whoever holds the private half of a key that the person has published:\n\
          'gh:' on GitHub, 'lp:' on Launchpad. The controller gets the keys, so it must reach the publisher.\n\n\
          A key so imported has the comment '# ssh-import-id ID' after its own; 'remove-ssh-key' with that comment takes away all that came with \
          the id. Keys that a person publishes later, or takes back, change nothing until they are imported again, or removed.",
    examples: "\n    juju import-ssh-key lp:tim\n    juju import-ssh-key gh:mona lp:tim\n    \
               juju remove-ssh-key \"# ssh-import-id gh:mona\"",
    see_also: &["add-ssh-key", "remove-ssh-key", "ssh-keys"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let ids = context.args.positional().to_vec();
    if ids.is_empty() {
        return Err(Error::usage("no ssh key id specified"));
    }
    for id in &ids {
        id.parse::<KeyId>().map_err(|error: KeyIdError| Error::usage(error.to_string()))?;
    }
    add::change(context, "ImportKeys", &ids, "cannot import key id").await
}
