//! `remove-base`: a system that no machine of this host is to have any more.

use super::operator;
use crate::command::Command;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "remove-base",
    args: "<base>",
    arguments: &[&[Noun::Base]],
    purpose: "Remove a base that machines of this host might have.",
    doc: "Removes what 'grigri add-base' added, and what 'debootstrap' made for machines. Refused while a machine of any\n\
          controller on this host has it. The host's own base is made of its packages and cannot be removed.",
    examples: "\n    sudo grigri remove-base own@1",
    see_also: &["bases", "add-base"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let Some(name) = context.args.get(0) else { return Err(Error::usage("no base specified, like debian@13")) };
    let name = base::OsBase::parse(name).map_err(|e| Error::usage(e.to_string()))?.to_string();
    let injected = context.injected.clone();
    operator(&injected)?.remove_base(&name).await?;
    context.info(format!("removed base {name}"));
    Ok(())
}
