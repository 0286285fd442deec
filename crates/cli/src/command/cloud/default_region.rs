//! `default-region`: the region that this client takes for a cloud when none is named.

use client::files::Credentials;

use crate::command::Command;
use crate::command::cloud::known;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "default-region",
    aliases: &["set-default-region"],
    args: "<cloud name> [<region>]",
    arguments: &[&[Noun::Cloud], &[]],
    purpose: "Sets the default region for a cloud.",
    doc: "Without a region the default is shown; with '--reset' there is none any more, and the first of the cloud's regions is taken.",
    examples: "\n    juju default-region aws\n    juju default-region aws us-east-1\n    juju default-region aws --reset",
    see_also: &["regions", "default-credential", "add-credential"],
    flags: &[Flag::bool(&["reset"], "Reset default region for the cloud")],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(cloud) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("Usage: juju default-region <cloud-name> [<region>]"));
    };
    context.args.at_most(2)?;
    let region = context.args.get(1).map(str::to_owned);
    let found = known::of_client(context)?.into_iter().find(|known| known.name == cloud);
    let found = found.ok_or_else(|| Error::failed(format!("cloud {cloud} not valid")))?;
    if found.cloud.regions.is_empty() {
        return Err(Error::failed(format!("cloud {cloud} has no regions")));
    }
    let said = match region {
        None if !context.args.is_set("reset") => {
            let all = context.store.credentials()?;
            match all.credentials.get(&cloud).and_then(|one| one.default_region.clone()) {
                Some(region) => format!("Default region for cloud {cloud:?} is {region:?} on this client."),
                None => format!("Default region for cloud {cloud:?} is not set on this client."),
            }
        }
        None => {
            context.store.update(|all: &mut Credentials| {
                if let Some(one) = all.credentials.get_mut(&cloud) {
                    one.default_region = None;
                }
                Ok::<_, Error>(())
            })?;
            format!("Default region for cloud {cloud:?} is no longer set on this client.")
        }
        Some(region) => {
            if !found.cloud.regions.contains_key(&region) {
                let mut names: Vec<String> = found.cloud.regions.keys().map(|name| format!("{name:?}")).collect();
                names.sort();
                let expected = names.join(" ");
                return Err(Error::failed(format!("region {region:?} not found (expected one of [{expected}])")));
            }
            context.store.update(|all: &mut Credentials| {
                all.credentials.entry(cloud.clone()).or_default().default_region = Some(region.clone());
                Ok::<_, Error>(())
            })?;
            format!("Default region in {cloud} set to {region:?}.")
        }
    };
    context.info(said);
    Ok(())
}
