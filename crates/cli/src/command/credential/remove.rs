//! `remove-credential`: forgets a credential, on this client, on a controller, or both.

use client::files::Credentials;
use serde_json::json;

use super::{found, local};
use crate::command::Command;
use crate::command::cloud::whose;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "remove-credential",
    args: "<cloud name> <credential name>",
    arguments: &[&[Noun::Cloud], &[Noun::Credential]],
    purpose: "Removes Juju credentials for a cloud.",
    doc: "A controller keeps a credential that models use, unless '--force' is given: their machines cannot be reached in the cloud then.",
    examples: "\n    juju remove-credential mycloud mine --client\n    juju remove-credential mycloud mine --controller mycontroller",
    see_also: &["add-credential", "autoload-credentials", "credentials", "default-credential"],
    flags: &[
        whose::FLAGS[0],
        whose::FLAGS[1],
        whose::FLAGS[2],
        Flag::bool(&["force"], "Force remove controller side credential, ignore validation errors"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let (Some(cloud), Some(name)) = (context.args.get(0), context.args.get(1)) else {
        return Err(Error::usage("Usage: juju remove-credential <cloud-name> <credential-name>"));
    };
    let (cloud, name) = (cloud.to_owned(), name.to_owned());
    context.args.at_most(2)?;
    let Some(whose) = whose::choose(context, &format!("remove credential {name} for cloud {cloud} from"))? else {
        return Ok(());
    };
    let mut api = None;
    if let Some(controller) = &whose.controller {
        let opened = context.controller_api_of(controller).await?;
        if found::remote(&opened, &cloud).await?.is_some() {
            context.info(format!("Found remote cloud {cloud:?} from the controller."));
            api = Some(opened);
        }
    }
    let mut here = false;
    if whose.client {
        match found::local(context, &cloud) {
            Ok(_) => {
                context.info(format!("Found local cloud {cloud:?} on this client."));
                here = true;
            }
            Err(error) => context.log_error(error.to_string()),
        }
    }
    if !here && api.is_none() {
        context.info(format!("No cloud {cloud:?} is found.\n{}", found::HINT));
        return Err(Error::silent(1));
    }
    if here {
        remove_locally(context, &cloud, &name)?;
    }
    let Some(api) = api else { return Ok(()) };
    let force = context.args.is_set("force");
    let params = json!({"credentials": [{"tag": local::tag(&cloud, &api.user, &name), "force": force}]});
    let removed = api.call_one("Cloud", "RevokeCredentialsCheckModels", params).await;
    removed.map_err(|error| error.context("could not remove remote credential"))?;
    let controller = &api.controller;
    context.info(format!("Credential {name:?} for cloud {cloud:?} removed from the controller {controller:?}."));
    Ok(())
}

fn remove_locally(context: &mut Context, cloud: &str, name: &str) -> Result<()> {
    let removed = context.store.update(|all: &mut Credentials| {
        let Some(of_cloud) = all.credentials.get_mut(cloud) else { return Ok::<_, Error>(false) };
        let removed = of_cloud.named.shift_remove(name).is_some();
        if removed && of_cloud.default_credential.as_deref() == Some(name) {
            of_cloud.default_credential = None;
        }
        Ok(removed)
    })?;
    context.info(match removed {
        true => format!("Credential {name:?} for cloud {cloud:?} removed from this client."),
        false => format!("No credential called {name:?} exists for cloud {cloud:?} on this client"),
    });
    Ok(())
}
