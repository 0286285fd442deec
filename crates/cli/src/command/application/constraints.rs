//! `constraints`: what new machines of an application ask for.

use serde_json::{Value, json};

use crate::command::application::is_name;
use crate::command::model::constraints;
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "constraints",
    args: "<application>",
    purpose: "Displays machine constraints for an application.",
    doc: "Shows constraints that have been set for an application with 'juju set-constraints'.",
    examples: "\n    juju constraints mysql",
    see_also: &["set-constraints", "model-constraints"],
    formats: &["constraints", "json", "yaml"],
    scope: Scope::Model,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no application name specified"));
    };
    if !is_name(&name) {
        return Err(Error::usage(format!("invalid application name {name:?}")));
    }
    context.args.at_most(1)?;
    let api = context.model_api().await?;
    let params = json!({"entities": [{"tag": format!("application-{name}")}]});
    let result = api.call_one("Application", "GetConstraints", params).await;
    let result = result.map_err(|e| e.context(&format!("unable to get constraints for {name:?}")))?;
    let found = result.get("constraints").cloned().unwrap_or_else(|| json!({}));
    constraints::print(context, if found.is_null() { Value::Object(serde_json::Map::new()) } else { found })
}
