//! `switch`: chooses the controller and model that commands work on.
//!
//! The surprise: a bare name is a controller first, and a model of the current controller only if there is no such
//! controller; the controller itself is asked only for a model the store does not know.

use client::files::{Controllers, Models};

use crate::command::Command;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::select::{self, ModelRef};

pub const COMMAND: Command = Command {
    name: "switch",
    args: "[<controller>|<model>|<controller>:|:<model>|<controller>:<model>]",
    arguments: &[&[Noun::Controller, Noun::Model]],
    purpose: "Selects or identifies the current controller and model.",
    doc: "Without an argument the current controller and model are printed.\n\
          A name alone is looked for among controllers, then among models of the current controller;\n\
          'name:' can only be a controller, ':name' only a model.",
    examples: "\n    juju switch\n    juju switch mymodel\n    juju switch mycontroller:mymodel",
    see_also: &["controllers", "models", "show-controller"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let all = context.store.controllers()?;
    let Some(target) = context.args.get(0).map(str::to_owned) else {
        let Some(current) = selected_controller(context, &all) else {
            return Err(Error::failed(
                "juju: no model name was passed. See \"juju switch --help\".\n\nDid you mean:\n\tjuju switch <model name>",
            ));
        };
        let name = qualified_current(context, &current)?;
        return context.out(format!("{name}\n"));
    };
    if let Some(name) = context.io.var("JUJU_MODEL") {
        return Err(Error::failed(format!("cannot switch when JUJU_MODEL is overriding the model (set to {name:?})")));
    }
    if let Some(name) = context.io.var("JUJU_CONTROLLER") {
        return Err(Error::failed(format!(
            "cannot switch when JUJU_CONTROLLER is overriding the controller (set to {name:?})"
        )));
    }
    let current = all.current_controller.clone().filter(|c| all.controllers.contains_key(c));
    let before = match &current {
        Some(controller) => described(context, controller)?,
        None => String::new(),
    };
    let chosen = to(context, &all, current.as_deref(), &target).await?;
    let after = described(context, &chosen)?;
    match before == after {
        true => context.info(format!("{after} (no change)")),
        false => context.info(format!("{before} -> {after}")),
    }
    Ok(())
}

/// The selected controller, the environment heeded.
fn selected_controller(context: &Context, all: &Controllers) -> Option<String> {
    let named = context.io.var("JUJU_CONTROLLER").map(str::to_owned).or_else(|| all.current_controller.clone())?;
    all.controllers.contains_key(&named).then_some(named)
}

/// Makes the target current and gives its controller.
async fn to(context: &mut Context, all: &Controllers, current: Option<&str>, target: &str) -> Result<String> {
    let (controller, model) = match target.split_once(':') {
        Some((controller, "")) => (Some(controller), None),
        Some(("", model)) => (current, Some(model)),
        Some((controller, model)) => (Some(controller), Some(model)),
        None if all.controllers.contains_key(target) => (Some(target), None),
        None => (current, Some(target)),
    };
    let unknown = || Error::failed(format!("{target:?} is not the name of a model or controller"));
    let controller = controller.ok_or_else(unknown)?.to_owned();
    if !all.controllers.contains_key(&controller) {
        return Err(select::controller_not_found(&controller));
    }
    if let Some(model) = model {
        let name = model_name(context, &controller, model, &unknown).await?;
        context.store.update(|known: &mut Models| {
            known.controllers.entry(controller.clone()).or_default().current_model = Some(name);
            Ok::<_, Error>(())
        })?;
    }
    context.store.update(|known: &mut Controllers| {
        known.current_controller = Some(controller.clone());
        Ok::<_, Error>(())
    })?;
    Ok(controller)
}

async fn model_name(
    context: &mut Context,
    controller: &str,
    model: &str,
    unknown: &dyn Fn() -> Error,
) -> Result<String> {
    let user = context.user(controller).map_err(|e| e.context("getting account details for qualifying model name"))?;
    if !select::is_uuid(model) {
        select::qualify(model, &user)?;
    }
    let selected = ModelRef { controller: controller.to_owned(), model: model.to_owned() };
    match context.find_model(&selected).await {
        Ok((name, _)) => Ok(name),
        Err(error) if error.message().ends_with(" not found") => Err(unknown()),
        Err(error) => Err(error),
    }
}

/// `controller:owner/model`, or the controller alone.
fn qualified_current(context: &Context, controller: &str) -> Result<String> {
    let models = context.store.models()?;
    let model = models.controllers.get(controller).and_then(|k| k.current_model.clone());
    Ok(model.map_or_else(|| controller.to_owned(), |m| format!("{controller}:{m}")))
}

fn described(context: &Context, controller: &str) -> Result<String> {
    let name = qualified_current(context, controller)?;
    Ok(if name == controller { format!("{controller} (controller)") } else { name })
}
