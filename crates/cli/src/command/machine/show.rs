//! `show-machine`: all that is known of some machines.
//!
//! The surprise: a container's id shows nothing, as in the original; its host shows it.

use super::list;
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "show-machine",
    args: "<machine ID> ...",
    purpose: "Show a machine's status.",
    doc: "Shows what is known of the machines named, or of all: addresses, instance, hardware, containers.",
    examples: "\n    juju show-machine 0\n    juju show-machine 1 2 3 --format tabular",
    see_also: &["machines", "status"],
    flags: list::FLAGS,
    formats: &["yaml", "tabular", "json"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let ids = context.args.positional().to_vec();
    list::print(context, |id| ids.is_empty() || ids.iter().any(|wanted| wanted == id)).await
}
