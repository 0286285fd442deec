//! `show-machine`: all that is known of some machines.
//!
//! The surprise: a container's id shows nothing, as in the original; its host shows it.

use super::{first_boot, list};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;

const FLAGS: [Flag; 3] = [list::FLAGS[0], list::FLAGS[1], first_boot::FLAG];

pub const COMMAND: Command = Command {
    name: "show-machine",
    args: "<machine ID> ...",
    arguments: &[&[Noun::Host]],
    purpose: "Show a machine's status.",
    doc: "Shows what is known of the machines named, or of all: addresses, instance, hardware, containers.\n\n\
          With --first-boot-log it shows what the machine's instance printed: how it began, and the newest of the\n\
          rest where that was long; 64 KiB at most. Of a machine whose start failed it is what the last instance\n\
          printed that did not come up, if it got so far. Who may write to the model may read it.",
    examples: "\n    juju show-machine 0\n    juju show-machine 1 2 3 --format tabular\n    juju show-machine 3 --first-boot-log",
    see_also: &["machines", "status", "why"],
    flags: &FLAGS,
    formats: &["yaml", "tabular", "json"],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    if context.args.is_set("first-boot-log") {
        return first_boot::run(context).await;
    }
    let ids = context.args.positional().to_vec();
    list::print(context, |id| ids.is_empty() || ids.iter().any(|wanted| wanted == id)).await
}
