//! Commands on the noun `block`: switches against destroying, removing and changing (`wire/commands-controllers.md` 12).
//!
//! The surprise: users know sets of commands by three words, and the controller has three others for them.

use serde_json::{Value, json};

use super::Command;
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::output::table::Table;

mod clear;
mod list;
mod switch_off;
mod switch_on;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[&clear::COMMAND, &list::COMMAND, &switch_off::COMMAND, &switch_on::COMMAND];

/// The user's word, and the controller's.
const SETS: [(&str, &str); 3] =
    [("all", "BlockChange"), ("destroy-model", "BlockDestroy"), ("remove-object", "BlockRemove")];

/// What completes a set.
const WORDS: &[Noun] = &[Noun::Word(&["all", "destroy-model", "remove-object"])];

/// The controller's word for the set that the line names first.
fn given(context: &Context) -> Result<&'static str> {
    let Some(word) = context.args.get(0) else {
        return Err(Error::usage("missing command set (all, destroy-model, remove-object)"));
    };
    let found = SETS.iter().find(|(set, _)| *set == word);
    found
        .map(|(_, kind)| *kind)
        .ok_or_else(|| Error::usage("bad command set, valid options: all, destroy-model, remove-object"))
}

/// The user's word for a set.
fn word(kind: &str) -> &str {
    SETS.iter().find(|(_, known)| *known == kind).map_or(kind, |(set, _)| set)
}

/// A switch answers with an error or with nothing.
async fn switch(api: &Api, method: &str, params: Value) -> Result<()> {
    let reply: Value = api.call("Block", method, params).await?;
    match reply.get("error").filter(|error| !error.is_null()) {
        Some(error) => {
            let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
            Err(Error::from_result(field("message"), field("code")))
        }
        None => Ok(()),
    }
}

/// A model with switches that are on.
pub struct Blocked {
    name: String,
    uuid: String,
    owner: String,
    sets: Vec<String>,
}

/// All such models of a controller.
pub async fn blocked(api: &Api) -> Result<Vec<Blocked>> {
    let reply: Value = api.call("Controller", "ListBlockedModels", json!({})).await?;
    let models = reply.get("models").and_then(Value::as_array).into_iter().flatten();
    let read = |model: &Value| {
        let text = |key: &str| model.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let blocks = model.get("blocks").and_then(Value::as_array).into_iter().flatten();
        let owner = text("owner-tag");
        Blocked {
            name: text("name"),
            uuid: text("model-uuid"),
            owner: owner.strip_prefix("user-").unwrap_or(&owner).to_owned(),
            sets: blocks.filter_map(|block| block.as_str().map(|kind| word(kind).to_owned())).collect(),
        }
    };
    Ok(models.map(read).collect())
}

pub fn table(models: &[Blocked]) -> Vec<u8> {
    let mut table = Table::new();
    table.row(&["Name", "Model UUID", "Owner", "Disabled commands"]);
    for model in models {
        table.row(&[&model.name, &model.uuid, &model.owner, &model.sets.join(", ")]);
    }
    table.finish()
}
