//! `rotate-ca`: another CA for a controller of this host, without losing an agent.

use client::files::Controllers;

use super::{chosen, operator};
use crate::command::Command;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::output::fields::{Fields, flow};

pub const COMMAND: Command = Command {
    name: "rotate-ca",
    args: "[<controller name>]",
    arguments: &[&[Noun::Controller]],
    purpose: "Change the CA of a controller on this host, without losing an agent.",
    doc: "Run once, it makes a new CA, which signs from then on; certificates of the old one still\n\
          count, and agents fetch new ones by themselves. Run again, it says how far that is. With\n\
          '--finish' the old CA's certificates count no more; that is refused while there are agents\n\
          that would be lost, unless '--force' is given.\n\n\
          The client store of whoever runs this follows. Other clients go on with the old CA until\n\
          it ends: the new one vouches for itself by the old one's signature. To change them, take\n\
          'ca-cert' from 'grigri show-controller' here to their controllers.yaml.",
    examples: "\n    sudo grigri rotate-ca\n    sudo grigri rotate-ca --format json\n    sudo grigri rotate-ca --finish",
    see_also: &["doctor", "show-controller"],
    flags: &[
        Flag::bool(&["finish"], "Let certificates of the old CA count no more"),
        Flag::bool(&["force"], "Finish though agents are lost by it"),
        Flag::bool(&["no-prompt"], "Accepted for scripts; nothing is asked"),
    ],
    formats: &["text", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let injected = context.injected.clone();
    let operator = operator(&injected)?;
    let local = chosen(context, operator).await?;
    let (finish, force) = (context.args.is_set("finish"), context.args.is_set("force"));
    let seen = operator.rotate_ca(&local.uuid, finish, force).await?;
    context.store.update(|all: &mut Controllers| {
        for (_, entry) in all.controllers.iter_mut().filter(|(_, entry)| entry.uuid == local.uuid) {
            entry.ca_cert.clone_from(&seen.ca_cert);
        }
        Ok::<_, Error>(())
    })?;
    if context.format() != "text" {
        let document = Fields::new()
            .bool("under-way", seen.rotating)
            .int("renewed", seen.renewed as i64)
            .node("behind", flow(&seen.behind));
        return context.result_node(&document.done());
    }
    let mut text = format!("{} agents have a certificate of the new CA", seen.renewed);
    if !seen.behind.is_empty() {
        text.push_str(&format!(", {} not yet: {}", seen.behind.len(), seen.behind.join(", ")));
    }
    text.push_str(match seen.rotating {
        true => "\nThe old CA still counts; end it with \"grigri rotate-ca --finish\" when all have one.\n",
        false => "\nThe old CA counts no more.\n",
    });
    context.result(text)
}
