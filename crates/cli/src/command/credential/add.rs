//! `add-credential`: a credential, of a file or of answers, for this client, a controller, or both.

use client::files::{Attributes, Cloud, Credentials};
use indexmap::IndexMap;

use super::upload::{Upload, upload};
use super::{ask, found, local, trust};
use crate::command::Command;
use crate::command::cloud::whose;
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "add-credential",
    args: "<cloud name>",
    arguments: &[&[Noun::Cloud]],
    purpose: "Adds a credential for a cloud to a local client and uploads it to a controller.",
    doc: "A credential comes from a YAML file, of the form of the client's own credentials.yaml, or from answers to questions. What is secret is \
          not shown while it is typed.\n\n\
          With '--client' it is kept on this client; with '--controller' it is uploaded, for the user who is logged in there, and checked with \
          the cloud. A controller keeps secrets sealed.\n\n\
          Certificates and keys may be given as the paths of files, which are read. A credential of this name that this client has already is \
          changed by 'juju update-credential'.",
    examples: "\n    juju add-credential mycloud --client\n    juju add-credential mycloud -f mine.yaml --controller mycontroller\n    juju add-credential mycloud --region here",
    see_also: &["credentials", "update-credential", "remove-credential", "default-credential", "autoload-credentials"],
    flags: &[
        whose::FLAGS[0],
        whose::FLAGS[1],
        whose::FLAGS[2],
        Flag::text(&["f", "file"], "The YAML file containing credentials to add"),
        Flag::text(&["region"], "Cloud region that credential is valid for"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("Usage: juju add-credential <cloud-name> [-f <credentials.yaml>]"));
    };
    context.args.at_most(1)?;
    let Some(whose) = whose::choose(context, "add a credential to")? else { return Ok(()) };
    let mut api = None;
    let mut cloud = None;
    if let Some(controller) = &whose.controller {
        let opened = context.controller_api_of(controller).await?;
        cloud = found::remote(&opened, &name).await?;
        if cloud.is_some() {
            context.info(format!("Using cloud {name:?} from the controller to verify credentials."));
        }
        api = Some(opened);
    }
    let cloud = match cloud {
        Some(cloud) => cloud,
        None => found::local(context, &name).map_err(|error| Error::failed(format!("{error}\n{}", found::HINT)))?,
    };
    let region = context.args.text("region").filter(|region| !region.is_empty()).map(str::to_owned);
    check_region(&name, &cloud, region.as_deref())?;
    let file = context.args.text("f").filter(|file| !file.is_empty()).map(str::to_owned);
    let given = match &file {
        Some(file) => of_file(context, file, &name, &cloud)?,
        None => asked(context, &name, &cloud, region.as_deref(), whose.client)?,
    };
    let given = trust::exchanged(context, &cloud, given).await?;
    let clash = match whose.client {
        true => add_locally(context, &name, &cloud, file.as_deref(), &given)?,
        false => None,
    };
    if let Some(api) = api {
        add_remotely(context, &api, &name, &cloud, &given).await?;
    }
    clash.map_or(Ok(()), Err)
}

pub fn check_region(name: &str, cloud: &Cloud, region: Option<&str>) -> Result<()> {
    match region {
        Some(region) if !cloud.regions.contains_key(region) => {
            Err(Error::failed(format!("provided region {region:?} for cloud {name:?} not valid")))
        }
        _ => Ok(()),
    }
}

type Given = IndexMap<String, Attributes>;

fn of_file(context: &mut Context, file: &str, name: &str, cloud: &Cloud) -> Result<Given> {
    let found = local::of_file(context, file)?.credentials.shift_remove(name).filter(|one| !one.named.is_empty());
    let found = found.ok_or_else(|| Error::failed(format!("no credentials for cloud {name} exist in file {file}")))?;
    for (credential, one) in &found.named {
        local::check(credential, one, name, &cloud.cloud_type, &cloud.auth_types)?;
    }
    Ok(found.named)
}

fn asked(context: &mut Context, name: &str, cloud: &Cloud, region: Option<&str>, client: bool) -> Result<Given> {
    let answers = ask::credential(context, name, cloud, region)?;
    let all = context.store.credentials()?;
    let taken = all.credentials.get(name).is_some_and(|one| one.named.contains_key(&answers.name));
    if client && taken {
        let question = format!(
            "A credential {:?} already exists locally on this client.\nReplace local credential? (y/N): ",
            answers.name
        );
        let answer = whose::ask(context, &question)?.to_lowercase();
        context.out("\n")?;
        if !matches!(answer.as_str(), "y" | "yes") {
            context.out(format!("No local credentials for cloud {name:?} changed.\n"))?;
            return Err(Error::silent(1));
        }
        context.store.update(|all: &mut Credentials| {
            if let Some(one) = all.credentials.get_mut(name) {
                one.named.shift_remove(&answers.name);
            }
            Ok::<_, Error>(())
        })?;
    }
    if client && let Some(region) = &answers.region {
        context.store.update(|all: &mut Credentials| {
            let of_cloud = all.credentials.entry(name.to_owned()).or_default();
            of_cloud.default_region.get_or_insert_with(|| region.clone());
            Ok::<_, Error>(())
        })?;
    }
    Ok(Given::from([(answers.name, answers.attributes)]))
}

/// Adds what is not there; what is there is told as the error to end with.
fn add_locally(
    context: &mut Context,
    name: &str,
    cloud: &Cloud,
    file: Option<&str>,
    given: &Given,
) -> Result<Option<Error>> {
    let mut ready = Given::new();
    for (credential, one) in given {
        ready.insert(credential.clone(), local::expanded(context, &cloud.cloud_type, one)?);
    }
    let (added, there) = context.store.update(|all: &mut Credentials| {
        let of_cloud = all.credentials.entry(name.to_owned()).or_default();
        let (there, new): (Vec<_>, Vec<_>) = ready.into_iter().partition(|(one, _)| of_cloud.named.contains_key(one));
        let added: Vec<String> = new.iter().map(|(one, _)| one.clone()).collect();
        of_cloud.named.extend(new);
        Ok::<_, Error>((added, there.into_iter().map(|(one, _)| one).collect::<Vec<_>>()))
    })?;
    context.out(match added.as_slice() {
        [] => format!("No local credentials for cloud {name:?} changed.\n"),
        [one] => format!("Credential {one:?} added locally for cloud {name:?}.\n\n"),
        several => format!("Credentials {:?} added locally for cloud {name:?}.\n\n", several.join(", ")),
    })?;
    let of_file = file.map(|file| format!(" -f {file}")).unwrap_or_default();
    let told = there.iter().map(|one| {
        format!(
            "credential {one:?} for cloud {name:?} already exists locally, use 'juju update-credential {name} {one}{of_file}' to update \
             this local client copy"
        )
    });
    let told: Vec<String> = told.collect();
    Ok((!told.is_empty()).then(|| Error::failed(told.join("\n"))))
}

async fn add_remotely(context: &mut Context, api: &Api, name: &str, cloud: &Cloud, given: &Given) -> Result<()> {
    let mut credentials = Vec::new();
    for (credential, one) in given {
        let told = local::tagged(context, &cloud.cloud_type, name, &api.user, credential, one)?;
        credentials.push((credential.clone(), told));
    }
    upload(context, api, Upload { cloud: name, credentials, force: false, done: "added" }).await
}
