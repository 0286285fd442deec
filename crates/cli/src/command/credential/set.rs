//! `set-credential`: gives a model another credential: one that its controller has, else one of this client's, which is uploaded.

use serde_json::json;

use super::{found, local};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::select;

pub const COMMAND: Command = Command {
    name: "set-credential",
    args: "<cloud name> <credential name>",
    arguments: &[&[Noun::Cloud], &[Noun::Credential]],
    purpose: "Relates a remote credential to a model.",
    doc: "The controller is asked for the credential first; one that it does not have is uploaded from this client.",
    examples: "\n    juju set-credential mycloud mine\n    juju set-credential mycloud mine -m mymodel",
    see_also: &["add-credential", "credentials", "show-credential", "update-credential"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let (Some(cloud), Some(name)) = (context.args.get(0), context.args.get(1)) else {
        return Err(Error::usage("Usage: juju set-credential <cloud-name> <credential-name>"));
    };
    let (cloud, name) = (cloud.to_owned(), name.to_owned());
    context.args.at_most(2)?;
    let Some(selected) = context.selected.clone() else { return Err(Error::failed("no model selected")) };
    let api = context.controller_api_of(&selected.controller).await?;
    let model = select::qualify(&selected.model, &api.user)?;
    let models = context.store.models()?;
    let known = models.controllers.get(&selected.controller).and_then(|all| all.models.get(&model));
    let known = known.ok_or_else(|| Error::failed(format!("model {}:{model} not found", selected.controller)))?;
    let uuid = known.uuid.clone();
    let asked =
        json!({"user-clouds": [{"user-tag": format!("user-{}", api.user), "cloud-tag": format!("cloud-{cloud}")}]});
    let tags = api.call_one("Cloud", "UserCredentials", asked).await?;
    let tag = local::tag(&cloud, &api.user, &name);
    let there = tags.as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(&tag)));
    if there {
        context.info("Found credential remotely, on the controller. Not looking locally...");
    } else {
        context.info("Did not find credential remotely. Looking locally...");
        let own = context.store.credentials()?.credentials.get(&cloud).and_then(|all| all.named.get(&name)).cloned();
        let Some(own) = own else {
            let words = format!("{name:?} credential for cloud {cloud:?} not found");
            context.info(format!("Failed to change model credential: {words}"));
            return Err(Error::failed(words));
        };
        context.info("Uploading local credential to the controller.");
        let kind = found::local(context, &cloud).map(|cloud| cloud.cloud_type).unwrap_or_default();
        let told = local::tagged(context, &kind, &cloud, &api.user, &name, &own)?;
        let added = api.call_one("Cloud", "AddCredentials", json!({"credentials": [told]})).await;
        if let Err(error) = added {
            context.info(format!("Failed to change model credential: {error}"));
            return Err(error);
        }
    }
    let params = json!({"model-credentials": [{"model-tag": format!("model-{uuid}"), "credential-tag": tag}]});
    let changed = api.call_one("ModelManager", "ChangeModelCredential", params).await;
    changed.map_err(|error| error.context("could not set model credential"))?;
    context.info(format!("Changed cloud credential on model {model:?} to {name:?}."));
    Ok(())
}
