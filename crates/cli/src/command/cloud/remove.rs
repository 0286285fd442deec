//! `remove-cloud`: forgets a cloud's definition, on this client, on a controller, or both.

use client::files::Clouds;
use serde_json::json;

use crate::command::Command;
use crate::command::cloud::{add, known, whose};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "remove-cloud",
    args: "<cloud name>",
    arguments: &[&[Noun::Cloud]],
    purpose: "Removes a cloud from Juju.",
    doc: "The definition is removed, from this client or a controller; nothing in the cloud itself is touched.\n\n\
          A controller keeps a cloud that models are on, and its own; this client keeps clouds that are built in or public. The credentials that \
          this client has for the cloud stay, those of a controller go.",
    examples: "\n    juju remove-cloud mycloud --client\n    juju remove-cloud mycloud --controller mycontroller",
    see_also: &["add-cloud", "update-cloud", "clouds"],
    flags: &whose::FLAGS,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("Usage: juju remove-cloud <cloud name>"));
    };
    context.args.at_most(1)?;
    let Some(whose) = whose::choose(context, &format!("remove cloud {name} from"))? else { return Ok(()) };
    if whose.client {
        remove_locally(context, &name)?;
    }
    let Some(controller) = whose.controller else { return Ok(()) };
    let api = context.controller_api_of(&controller).await?;
    let removed = api.call_one("Cloud", "RemoveClouds", json!({"entities": [{"tag": format!("cloud-{name}")}]})).await;
    match removed {
        Ok(_) => context.info(format!("Removed details of cloud {name:?} from controller {controller:?}")),
        Err(error) if error.is_not_found() => {
            context.info(format!("No cloud called {name:?} exists on controller {controller:?}"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn remove_locally(context: &mut Context, name: &str) -> Result<()> {
    let found = known::of_client(context)?.into_iter().find(|known| known.name == name);
    let Some(found) = found else {
        context.info(format!("No cloud called {name:?} exists on this client"));
        return Ok(());
    };
    if let Some(sort) = add::fixed(found.source) {
        context.info(format!("Cannot remove {sort} cloud {name:?} from client"));
        return Ok(());
    }
    context.store.update(|all: &mut Clouds| {
        all.clouds.shift_remove(name);
        Ok::<_, Error>(())
    })?;
    context.info(format!("Removed details of cloud {name:?} from this client"));
    Ok(())
}
