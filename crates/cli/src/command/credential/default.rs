//! `default-credential`: the credential that this client takes for a cloud when none is named.

use client::files::Credentials;

use super::found;
use crate::command::Command;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "default-credential",
    aliases: &["set-default-credentials"],
    args: "<cloud name> [<credential name>]",
    arguments: &[&[Noun::Cloud], &[Noun::Credential]],
    purpose: "Gets, sets, or unsets the default credential for a cloud on this client.",
    doc: "Without a credential the default is shown; with '--reset' there is none any more.",
    examples: "\n    juju default-credential aws\n    juju default-credential aws mine\n    juju default-credential aws --reset",
    see_also: &["add-credential", "autoload-credentials", "credentials", "default-region"],
    flags: &[Flag::bool(&["reset"], "Reset default credential for the cloud")],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(cloud) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("Usage: juju default-credential <cloud-name> [<credential-name>]"));
    };
    context.args.at_most(2)?;
    let name = context.args.get(1).map(str::to_owned);
    found::local(context, &cloud)?;
    let said = match name {
        None if !context.args.is_set("reset") => {
            let all = context.store.credentials()?;
            match all.credentials.get(&cloud).and_then(|one| one.default_credential.clone()) {
                Some(name) => format!("Default credential for cloud {cloud:?} is {name:?} on this client."),
                None => format!("Default credential for cloud {cloud:?} is not set on this client."),
            }
        }
        None => {
            context.store.update(|all: &mut Credentials| {
                if let Some(one) = all.credentials.get_mut(&cloud) {
                    one.default_credential = None;
                }
                Ok::<_, Error>(())
            })?;
            format!("Default credential for cloud {cloud:?} is no longer set on this client.")
        }
        Some(name) => {
            context.store.update(|all: &mut Credentials| {
                let of_cloud = all.credentials.get_mut(&cloud).filter(|one| one.named.contains_key(&name));
                let missing = || Error::failed(format!("credential {name:?} for cloud {cloud} not valid"));
                of_cloud.ok_or_else(missing)?.default_credential = Some(name.clone());
                Ok::<_, Error>(())
            })?;
            format!("Local credential {name:?} is set to be default for {cloud:?} for this client.")
        }
    };
    context.info(said);
    Ok(())
}
