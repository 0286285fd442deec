//! `update-credential`: replaces credentials on this client from a file, on a controller from the file or from the client's own.

use client::files::{CloudCredentials, Credentials};
use indexmap::IndexMap;

use super::add::check_region;
use super::upload::{Upload, upload};
use super::{found, local, trust};
use crate::command::Command;
use crate::command::cloud::{known, whose};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "update-credential",
    aliases: &["update-credentials"],
    args: "[<cloud name> [<credential name>]]",
    arguments: &[&[Noun::Cloud], &[Noun::Credential]],
    purpose: "Updates a controller credential for a cloud.",
    doc: "A controller asks the cloud whether the credential holds, for every model that uses it; one that does not hold for some is not taken, \
          unless '--force' is given, which only superusers may.\n\n\
          Credentials come from a file, all of it, those of one cloud, or one of them, or else from this client.",
    examples: "\n    juju update-credential mycloud mine --controller mycontroller\n    juju update-credential mycloud mine --client -f mine.yaml\n    juju update-credential -f all.yaml --client --controller mycontroller",
    see_also: &["add-credential", "credentials", "set-credential", "show-credential"],
    flags: &[
        whose::FLAGS[0],
        whose::FLAGS[1],
        whose::FLAGS[2],
        Flag::text(&["f", "file"], "The YAML file containing credential details to update"),
        Flag::bool(&["force"], "Force update controller side credential, ignore validation errors"),
        Flag::text(&["region"], "Cloud region that credential is valid for"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

type ByCloud = IndexMap<String, CloudCredentials>;

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(2)?;
    let cloud = context.args.get(0).map(str::to_owned);
    let name = context.args.get(1).map(str::to_owned);
    let file = context.args.text("f").filter(|file| !file.is_empty()).map(str::to_owned);
    if cloud.is_none() && file.is_none() {
        return Err(Error::usage("Usage: juju update-credential [options] [<cloud-name> [<credential-name>]]"));
    }
    let Some(whose) = whose::choose(context, "update a credential on")? else { return Ok(()) };
    let mut all = match &file {
        Some(file) => {
            let all = local::of_file(context, file)?.credentials;
            chosen(all, cloud.as_deref(), name.as_deref(), &format!("file {file}"))
                .map_err(|error| error.context("could not get credentials from file"))?
        }
        None => {
            let of = cloud.as_deref().unwrap_or("");
            let own = local::of_client(context, of).map(|own| ByCloud::from([(of.to_owned(), own)]));
            own.and_then(|all| chosen(all, cloud.as_deref(), name.as_deref(), "local client"))
                .map_err(|error| error.context("could not get credentials from local client"))?
        }
    };
    for known in known::of_client(context)? {
        if let Some(of_cloud) = all.get_mut(&known.name) {
            of_cloud.named = trust::exchanged(context, &known.cloud, std::mem::take(&mut of_cloud.named)).await?;
        }
    }
    if whose.client {
        if file.is_some() {
            keep(context, &all)?;
        }
        context.info("Local client was updated successfully with provided credential information.");
    }
    match whose.controller {
        Some(controller) => to_controller(context, &controller, &all).await,
        None => Ok(()),
    }
}

/// Those of one cloud, or the one of its name.
fn chosen(mut all: ByCloud, cloud: Option<&str>, name: Option<&str>, place: &str) -> Result<ByCloud> {
    let Some(cloud) = cloud else { return Ok(all) };
    let found = all.shift_remove(cloud);
    let mut found =
        found.ok_or_else(|| Error::failed(format!("credentials for cloud {cloud:?} in {place} not found")))?;
    if let Some(name) = name {
        if !found.named.contains_key(name) {
            return Err(Error::failed(format!("credential {name:?} for cloud {cloud:?} in {place} not found")));
        }
        found.named.retain(|one, _| one == name);
    }
    Ok(ByCloud::from([(cloud.to_owned(), found)]))
}

fn keep(context: &Context, given: &ByCloud) -> Result<()> {
    let known = known::of_client(context)?;
    let mut ready = ByCloud::new();
    for (cloud, of_cloud) in given {
        let definition = known.iter().find(|known| known.name == *cloud).map(|known| &known.cloud);
        let (kind, auth_types) = definition.map_or(("", &[][..]), |of| (&of.cloud_type, &of.auth_types));
        let mut expanded = of_cloud.clone();
        for (name, one) in &mut expanded.named {
            if definition.is_some() {
                local::check(name, one, cloud, kind, auth_types)?;
            }
            *one = local::expanded(context, kind, one)?;
        }
        ready.insert(cloud.clone(), expanded);
    }
    context.store.update(|all: &mut Credentials| {
        for (cloud, of_cloud) in ready {
            let entry = all.credentials.entry(cloud).or_default();
            entry.default_credential = of_cloud.default_credential.or(entry.default_credential.take());
            entry.default_region = of_cloud.default_region.or(entry.default_region.take());
            entry.named.extend(of_cloud.named);
        }
        Ok(())
    })
}

async fn to_controller(context: &mut Context, controller: &str, all: &ByCloud) -> Result<()> {
    let api = context.controller_api_of(controller).await?;
    let region = context.args.text("region").filter(|region| !region.is_empty()).map(str::to_owned);
    let mut failed = false;
    for (cloud, of_cloud) in all {
        let Some(definition) = found::remote(&api, cloud).await? else {
            let user = &api.user;
            context
                .warn(format!("No cloud {cloud:?} available to user {user:?} remotely on controller {controller:?}"));
            failed = true;
            continue;
        };
        check_region(cloud, &definition, region.as_deref())?;
        let mut credentials = Vec::new();
        for (name, one) in &trust::exchanged(context, &definition, of_cloud.named.clone()).await? {
            let told = local::tagged(context, &definition.cloud_type, cloud, &api.user, name, one)?;
            credentials.push((name.clone(), told));
        }
        let force = context.args.is_set("force");
        let done = upload(context, &api, Upload { cloud, credentials, force, done: "updated" }).await;
        match done {
            Err(error) if !error.is_silent() => return Err(error),
            other => failed |= other.is_err(),
        }
    }
    if failed { Err(Error::silent(1)) } else { Ok(()) }
}
