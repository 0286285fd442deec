//! `update-cloud`: describes a cloud anew, on this client from a file, on a controller from a file or from the client's definition.

use serde_json::json;

use crate::command::Command;
use crate::command::cloud::{add, definition, known, whose};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "update-cloud",
    args: "<cloud name>",
    arguments: &[&[Noun::Cloud]],
    purpose: "Updates cloud information available to Juju.",
    doc: "The definition of a cloud is replaced: on this client by that of a file, on a controller by that of the file or, without one, by that \
          which this client has.\n\n\
          A cloud keeps its type on a controller, and the regions that models are in.",
    examples: "\n    juju update-cloud mycloud -f mycloud.yaml --client\n    juju update-cloud mycloud --controller mycontroller",
    see_also: &["add-cloud", "remove-cloud", "clouds"],
    flags: &[
        whose::FLAGS[0],
        whose::FLAGS[1],
        whose::FLAGS[2],
        Flag::text(&["f", "file"], "The path to a cloud definition file"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("cloud name required"));
    };
    context.args.at_most(1)?;
    definition::check_name(&name)?;
    let Some(whose) = whose::choose(context, &format!("update cloud {name:?} on"))? else { return Ok(()) };
    let file = context.args.text("f").filter(|file| !file.is_empty()).map(str::to_owned);
    let mut failed = false;
    let cloud = match &file {
        Some(file) => {
            let read = definition::from_file(context, file, Some(&name));
            Some(read.map_err(|error| error.context("could not read cloud definition from provided file"))?.1)
        }
        None => {
            if whose.client {
                context.info(format!("To update cloud {name:?} on this client, a cloud definition file is required."));
                failed = true;
            }
            known::of_client(context)?.into_iter().find(|known| known.name == name).map(|known| known.cloud)
        }
    };
    if let (true, Some(_), Some(cloud)) = (whose.client, &file, &cloud) {
        add::keep(context, &name, cloud)?;
        context.info(format!("Cloud {name:?} updated on this client using provided file."));
    }
    if let Some(controller) = whose.controller {
        let Some(cloud) = cloud else {
            context.info(format!("cloud {name:?} not found"));
            return Err(Error::silent(1));
        };
        let api = context.controller_api_of(&controller).await?;
        let params = json!({"clouds": [{"cloud": definition::wire(&cloud), "name": name}]});
        api.call_one("Cloud", "UpdateCloud", params).await?;
        let of = if file.is_some() { "provided file" } else { "client cloud definition" };
        context.info(format!("Cloud {name:?} updated on controller {controller:?} using {of}."));
    }
    if failed { Err(Error::silent(1)) } else { Ok(()) }
}
