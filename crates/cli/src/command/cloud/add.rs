//! `add-cloud`: a cloud's definition, of a file or of answers, into this client's list, a controller's, or both.
//!
//! ```text
//! file | answers | the client's own -> checked -> clouds.yaml
//!                                              -> Cloud.AddCloud -> Cloud.AddCredentials, when the client has one
//! ```

use client::files::{Cloud, Clouds};
use serde_json::json;

use crate::command::Command;
use crate::command::cloud::known::{self, Source};
use crate::command::cloud::{ask, definition, whose};
use crate::command::credential::local;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "add-cloud",
    args: "<cloud name> [<cloud definition file>]",
    arguments: &[&[], &[Noun::File]],
    purpose: "Adds a cloud definition to Juju.",
    doc: "A cloud definition says where a cloud is and how one gets in: its type, endpoint, regions and authentication types. It comes from a \
          YAML file, of the form of the client's own clouds.yaml, or from answers to questions.\n\n\
          With '--client' the definition is kept on this client, where 'juju bootstrap' and 'juju add-credential' find it. With '--controller' \
          it is uploaded to a controller, together with a credential when this client has one for the cloud, so that models can be added on it; \
          a cloud that this client knows already needs no file then.\n\n\
          A controller takes clouds of the types whose machines it can work with; '--force' makes it take others. A definition that is there \
          already is changed by 'juju update-cloud'.",
    examples: "\n    juju add-cloud\n    juju add-cloud mycloud ~/mycloud.yaml --client\n    juju add-cloud mycloud --controller mycontroller --credential mine",
    see_also: &["clouds", "update-cloud", "remove-cloud", "add-credential"],
    flags: &[
        whose::FLAGS[0],
        whose::FLAGS[1],
        whose::FLAGS[2],
        Flag::text(&["credential"], "Credential to use for new cloud"),
        Flag::text(&["f", "file"], "The path to a cloud definition file"),
        Flag::bool(&["force"], "Force add cloud to the controller"),
        Flag::text(&["target-controller"], "The name of a JAAS controller to add the cloud to"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(2)?;
    let name = context.args.get(0).map(str::to_owned);
    if let Some(name) = &name {
        definition::check_name(name)?;
    }
    let flag = context.args.text("f").filter(|file| !file.is_empty());
    let file = match (flag, context.args.get(1)) {
        (Some(_), Some(_)) => return Err(Error::usage("cannot specify cloud file with option and argument")),
        (flag, argument) => flag.or(argument).map(str::to_owned),
    };
    let Some(whose) = whose::choose(context, "add cloud to")? else { return Ok(()) };
    let (name, cloud) = match (file, &name) {
        (Some(file), _) => definition::from_file(context, &file, name.as_deref())?,
        (None, Some(known)) if !whose.client => local_definition(context, known)?,
        (None, _) => ask::cloud(context, name.as_deref())?,
    };
    if whose.client {
        add_locally(context, &name, &cloud)?;
    }
    let Some(controller) = whose.controller else { return Ok(()) };
    if whose.client {
        context.info("");
    }
    upload(context, &controller, &name, &cloud).await
}

fn local_definition(context: &mut Context, name: &str) -> Result<(String, Cloud)> {
    let found = known::of_client(context)?.into_iter().find(|known| known.name == name);
    match found {
        Some(known) => Ok((known.name, known.cloud)),
        None if context.io.stdin_is_terminal => ask::cloud(context, Some(name)),
        None => Err(Error::failed(format!("cloud {name} not found"))),
    }
}

fn add_locally(context: &mut Context, name: &str, cloud: &Cloud) -> Result<()> {
    if known::of_client(context)?.iter().any(|known| known.name == name) {
        return Err(Error::failed(format!(
            "use `update-cloud {name} --client` to override known definition: local cloud {name:?} already exists"
        )));
    }
    keep(context, name, cloud)?;
    context.info(format!("Cloud {name:?} successfully added to your local client."));
    if cloud.auth_types.iter().any(|one| one != "empty") {
        context.info(format!(
            "You will need to add a credential for this cloud (`juju add-credential {name}`)\n\
             before you can use it to bootstrap a controller (`juju bootstrap {name}`) or\n\
             to create a model (`juju add-model <your model name> {name}`)."
        ));
    }
    Ok(())
}

/// Puts a definition into the client's personal list.
pub fn keep(context: &Context, name: &str, cloud: &Cloud) -> Result<()> {
    let cloud = definition::with_region(cloud.clone());
    context.store.update(|all: &mut Clouds| {
        all.clouds.insert(name.to_owned(), cloud);
        Ok::<_, Error>(())
    })
}

async fn upload(context: &mut Context, controller: &str, name: &str, cloud: &Cloud) -> Result<()> {
    let api = context.controller_api_of(controller).await?;
    let mut params = json!({"cloud": definition::wire(cloud), "name": name});
    if context.args.is_set("force") {
        params["force"] = json!(true);
    }
    let hint = format!(
        "To upload a credential to the controller for cloud {name:?}, use \n\
         * 'add-model' with --credential option or\n* 'add-credential -c {name}'."
    );
    match api.call::<serde_json::Value>("Cloud", "AddCloud", params).await {
        Ok(_) => context.info(format!("Cloud {name:?} added to controller {controller:?}.")),
        Err(error) if error.code() == "already exists" => {
            context.info(format!("Cloud {name:?} already exists on the controller {controller:?}."));
            context.info(hint);
            return Ok(());
        }
        Err(error) if error.code() == wire::code::INCOMPATIBLE_CLOUDS => {
            let kind = &cloud.cloud_type;
            context.info(format!("Adding a cloud of type {kind:?} might not function correctly on this controller."));
            context.info("If you really want to do this, use --force.");
            return Ok(());
        }
        Err(error) => {
            context.note(format!("Could not upload cloud to a controller: {error}\n"));
            return Err(Error::silent(1));
        }
    }
    if !cloud.auth_types.is_empty() && cloud.auth_types.iter().all(|one| one == "empty") {
        return Ok(());
    }
    let wanted = context.args.text("credential").filter(|one| !one.is_empty()).map(str::to_owned);
    let (credential, attributes) = match local::default_of(context, name, wanted.as_deref()) {
        Ok(found) => found,
        Err(error) => {
            context.warn(error.to_string());
            context.info(hint);
            return Ok(());
        }
    };
    let told = local::tagged(context, &cloud.cloud_type, name, &api.user, &credential, &attributes)?;
    let added = api.call_one("Cloud", "AddCredentials", json!({"credentials": [told]})).await;
    match added {
        Ok(_) => context.info(format!("Credential for cloud {name:?} added to controller {controller:?}.")),
        Err(error) => {
            context.warn(format!(
                "Credential {credential:?} for cloud {name:?} not added to controller {controller:?}: {error}"
            ));
            context.info(hint);
            return Err(Error::silent(1));
        }
    }
    Ok(())
}

/// Where a cloud of the client is from, in the words of those who cannot change it.
pub fn fixed(source: Source) -> Option<&'static str> {
    match source {
        Source::BuiltIn => Some("built-in"),
        Source::Public => Some("public"),
        Source::Local | Source::Controller => None,
    }
}
