//! `autoload-credentials`: finds credentials where other programs keep them, and saves those that the user picks.
//!
//! ```text
//! lxc, incus: remotes and the client's certificate       aws: environment, ~/.aws
//!                      \                                  /
//!                       list -> number -> cloud -> credentials.yaml or a controller
//! ```

use client::files::{Attributes, Credentials};

use super::upload::{Upload, upload};
use super::{found, local};
use crate::command::Command;
use crate::command::cloud::{known, whose};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

mod detect;

const TYPES: &[&str] = &["ec2", "incus", "lxd"];

pub const COMMAND: Command = Command {
    name: "autoload-credentials",
    args: "[<cloud type>]",
    arguments: &[&[Noun::Word(TYPES)]],
    purpose: "Attempts to automatically detect and add credentials for a cloud.",
    doc: "Credentials are looked for where the clouds' own programs keep them:\n\n\
          LXD and Incus: the remotes and the certificate of the 'lxc' client ('~/.config/lxc', '~/snap/lxd/common/config') and of the 'incus' \
          client ('~/.config/incus')\n\
          EC2: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, and the profiles of '~/.aws/credentials'\n\n\
          What is found is listed, and saved when it is picked by its number.",
    examples: "\n    juju autoload-credentials --client\n    juju autoload-credentials lxd --controller mycontroller",
    see_also: &["add-credential", "credentials", "default-credential"],
    flags: &whose::FLAGS,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// A credential that is somewhere on this client.
pub(super) struct Detected {
    pub kind: &'static str,
    pub label: String,
    pub name: String,
    /// The cloud that it is likely for.
    pub cloud: String,
    pub region: Option<String>,
    pub attributes: Attributes,
}

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let kind = context.args.get(0).map(str::to_owned);
    if let Some(kind) = kind.as_ref().filter(|kind| !TYPES.contains(&kind.as_str())) {
        return Err(Error::failed(format!(
            "cloud type {kind:?} not valid: credentials are found for {}",
            TYPES.join(", ")
        )));
    }
    let Some(whose) = whose::choose(context, "add credentials to")? else { return Ok(()) };
    let all = detect::all(&context.io, kind.as_deref());
    if all.is_empty() {
        context.note("No cloud credentials found.\n");
        return Ok(());
    }
    loop {
        let stored = context.store.credentials()?;
        let exists =
            |one: &Detected| stored.credentials.get(&one.cloud).is_some_and(|c| c.named.contains_key(&one.name));
        let mut list = String::from("\n");
        for (number, one) in (1..).zip(&all) {
            let state = if exists(one) { "existing, will overwrite" } else { "new" };
            list.push_str(&format!("{number}. {} ({state})\n", one.label));
        }
        context.note(list);
        let Some(answer) = context.ask("Select a credential to save by number, or type Q to quit: ")? else {
            return Ok(());
        };
        let answer = answer.trim();
        if answer.eq_ignore_ascii_case("q") || answer.is_empty() {
            return Ok(());
        }
        let picked = answer.parse::<usize>().ok().and_then(|number| all.get(number.checked_sub(1)?));
        let Some(picked) = picked else {
            context.note(format!("Invalid choice, enter a number between 1 and {}\n", all.len()));
            continue;
        };
        let question = format!("Select the cloud it belongs to, or type Q to quit [{}]: ", picked.cloud);
        let Some(answer) = context.ask(&question)? else { return Ok(()) };
        let cloud = match answer.trim() {
            "" => picked.cloud.clone(),
            quit if quit.eq_ignore_ascii_case("q") => return Ok(()),
            other => other.to_owned(),
        };
        match save(context, &whose, picked, &cloud).await {
            Err(error) if !error.is_silent() => context.note(format!("{error}\n")),
            _ => {}
        }
    }
}

async fn save(context: &mut Context, whose: &whose::Whose, one: &Detected, cloud: &str) -> Result<()> {
    if whose.client {
        let definition = known::of_client(context)?.into_iter().find(|known| known.name == cloud);
        let definition =
            definition.ok_or_else(|| Error::failed(format!("cloud {cloud} not valid\n{}", found::HINT)))?;
        local::check(&one.name, &one.attributes, cloud, &definition.cloud.cloud_type, &definition.cloud.auth_types)?;
        context.store.update(|all: &mut Credentials| {
            let of_cloud = all.credentials.entry(cloud.to_owned()).or_default();
            of_cloud.named.insert(one.name.clone(), one.attributes.clone());
            if let Some(region) = &one.region {
                of_cloud.default_region.get_or_insert_with(|| region.clone());
            }
            Ok::<_, Error>(())
        })?;
        context.note(format!("Saved {} to cloud {cloud} locally\n", one.label));
    }
    let Some(controller) = &whose.controller else { return Ok(()) };
    let api = context.controller_api_of(controller).await?;
    if found::remote(&api, cloud).await?.is_none() {
        return Err(Error::failed(format!("cloud {cloud:?} is not there on controller {controller:?}")));
    }
    let told = local::tagged(context, one.kind, cloud, &api.user, &one.name, &one.attributes)?;
    let credentials = vec![(one.name.clone(), told)];
    upload(context, &api, Upload { cloud, credentials, force: false, done: "added" }).await
}
