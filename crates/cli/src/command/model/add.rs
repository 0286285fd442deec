//! `add-model`: chooses cloud, region and credential with the controller's help, and makes a model.
//!
//! ```text
//! argument -> cloud (or region of the only cloud) -> credential (controller's, else the client's, uploaded)
//!          -> CreateModel -> the client's list and current model
//! ```

use client::files::{Model, Models};
use serde_json::{Map, Value, json};

use crate::command::model::add::choice::Choice;
use crate::command::model::given;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::select;

mod choice;
mod credential;

pub const COMMAND: Command = Command {
    name: "add-model",
    args: "<model name> [cloud|region|(cloud/region)]",
    arguments: &[&[], &[Noun::Cloud]],
    purpose: "Adds a workload model.",
    doc: "Adding a model is typically done in order to run a specific workload.\n\
          The cloud is the controller's own unless another is named; the credential is the one the\n\
          controller has, else the client's.",
    examples: "\n    juju add-model mymodel\n    juju add-model mymodel us-east-1\n    \
               juju add-model mymodel --config my-config.yaml --config image-stream=daily",
    see_also: &["model-config", "model-defaults", "models", "switch"],
    flags: &[
        Flag::texts(
            &["config"],
            "Path to YAML model configuration file or individual options (--config config.yaml [--config key=value ...])",
        ),
        Flag::text(&["credential"], "Credential used to add the model"),
        Flag::bool(&["no-switch"], "Do not switch to the newly created model"),
        Flag::text(&["owner"], "The owner of the new model if not the current user"),
    ],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

const CLOUDS_HINT: &str = "Use 'juju clouds' to see a list of all available clouds or 'juju add-cloud' to a add one.";

async fn run(context: &mut Context) -> Result<()> {
    let (name, place) = check(context)?;
    let controller = context.controller_name()?;
    let config = given::config(context, "config")?;
    let api = context.controller_api_of(&controller).await?;
    let owner = context.args.text("owner").filter(|o| !o.is_empty()).unwrap_or(&api.user).to_owned();
    if !select::is_user(&owner) {
        return Err(Error::failed(format!("{owner:?} is not a valid user")));
    }
    let choice = choice::choose(&api, place.as_deref()).await.map_err(|error| match place {
        Some(_) => {
            let text = format!("{}\n{CLOUDS_HINT}", error.message());
            error.with_message(text)
        }
        None => error,
    })?;
    let credential = credential::choose(context, &api, &choice, &owner).await?;
    let model = create(context, &api, &name, &owner, &choice, credential.as_ref(), config).await?;
    let text = |key: &str| model.get(key).and_then(Value::as_str).unwrap_or("");
    let mut line = format!("Added '{name}' model");
    let cloud = text("cloud-tag");
    let cloud = cloud.strip_prefix("cloud-").unwrap_or(cloud);
    if !text("cloud-region").is_empty() {
        line.push_str(&format!(" on {cloud}/{}", text("cloud-region")));
    } else if !cloud.is_empty() {
        line.push_str(&format!(" on {cloud}"));
    }
    if let Some((_, _, credential)) = credential::parts(text("cloud-credential-tag")) {
        line.push_str(&format!(" with credential '{credential}'"));
    }
    let shown = owner.split_once('@').map_or(owner.as_str(), |(name, _)| name);
    line.push_str(&format!(" for user '{shown}'"));
    if owner == api.user {
        let switch = !context.args.is_set("no-switch");
        let qualified = format!("{owner}/{name}");
        context.store.update(|all: &mut Models| {
            let entry = all.controllers.entry(controller.clone()).or_default();
            entry.models.insert(qualified.clone(), Model::new(text("uuid"), text("type")));
            if switch {
                entry.current_model = Some(qualified);
            }
            Ok::<_, Error>(())
        })?;
        if switch {
            context.store.update(|all: &mut client::files::Controllers| {
                all.current_controller = Some(controller.clone());
                Ok::<_, Error>(())
            })?;
        }
    }
    context.info(line);
    Ok(())
}

fn check(context: &Context) -> Result<(String, Option<String>)> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage(
            "juju: no model name was passed. See \"juju add-model --help\".\n\nDid you mean:\n\tjuju add-model <model name>",
        ));
    };
    if !select::is_model_name(&name) {
        return Err(Error::usage(format!(
            "{name:?} is not a valid name: model names may only contain lowercase letters, digits and hyphens"
        )));
    }
    context.args.at_most(2)?;
    Ok((name, context.args.get(1).map(str::to_owned)))
}

async fn create(
    context: &mut Context,
    api: &Api,
    name: &str,
    owner: &str,
    choice: &Choice,
    credential: Option<&String>,
    config: Map<String, Value>,
) -> Result<Value> {
    let mut attributes = Map::new();
    let keys = client::files::keys::authorized(&context.store.dir().join("ssh"), &context.io.home())?;
    attributes.insert("authorized-keys".to_owned(), json!(keys));
    attributes.extend(config);
    let mut params = json!({
        "name": name,
        "owner-tag": format!("user-{owner}"),
        "config": attributes,
        "cloud-tag": format!("cloud-{}", choice.cloud),
    });
    if !choice.region.is_empty() {
        params["region"] = json!(choice.region);
    }
    if let Some(tag) = credential {
        params["credential"] = json!(tag);
    }
    api.call("ModelManager", "CreateModel", params).await.map_err(|e| e.explain_permission("add a model"))
}
