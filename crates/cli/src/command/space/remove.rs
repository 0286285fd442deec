//! `remove-space`: takes a space away; its subnets are in `alpha` then.
//!
//! The surprise: it asks only with `--force`, after it has shown what uses the space.

use serde_json::{Value, json};

use super::{items, named, text};
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "remove-space",
    args: "<name>",
    arguments: &[&[Noun::Space]],
    purpose: "Removes a network space.",
    doc: "Removes a space; its subnets go back to 'alpha'. A space that constraints or bindings name stays, and they are listed;\n\
          with '--force' it is removed all the same, also from the model's constraints.",
    examples: "\n    juju remove-space db\n    juju remove-space db --force -y",
    see_also: &["add-space", "spaces", "reload-spaces", "rename-space", "show-space"],
    flags: &[
        Flag::bool(&["force"], "Remove the space even if constraints or bindings name it"),
        Flag::bool(&["y", "yes"], "Do not prompt for confirmation"),
    ],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let name = named(context.args.get(0), "space name")?;
    context.args.at_most(1)?;
    let (force, yes) = (context.args.is_set("force"), context.args.is_set("y"));
    let prefix = format!("cannot remove space {name:?}");
    let api = context.model_api().await?;
    if force && !yes {
        let uses = uses(&api, &name, &call(&api, &name, &[("dry-run", true)]).await.map_err(|e| e.context(&prefix))?);
        if !uses.is_empty() {
            context.note(format!(
                "WARNING! This command will remove the space with the following existing boundaries:\n\n{uses}\n"
            ));
            context.confirm("space removal").map_err(|e| e.context(&prefix))?;
        }
    }
    let removed = call(&api, &name, &[("force", force)]).await;
    let removed = removed
        .map_err(|error| error.context(&prefix).explain_block("remove-object").explain_permission("remove a space"))?;
    let uses = uses(&api, &name, &removed);
    if !uses.is_empty() {
        let words = format!("{prefix}: it is used as listed above; --force removes it all the same");
        return Err(Error::failed(words).with_before(format!("{uses}\n\n")));
    }
    context.info(format!("removed space {name:?}"));
    Ok(())
}

async fn call(api: &Api, name: &str, flags: &[(&str, bool)]) -> Result<Value> {
    let mut params = json!({"space": {"tag": format!("space-{name}")}});
    for (flag, _) in flags.iter().filter(|(_, on)| *on) {
        params[*flag] = json!(true);
    }
    api.call_one("Spaces", "RemoveSpace", json!({"space-param": [params]})).await
}

/// Who uses the space, a line for each kind; the last without a newline.
fn uses(api: &Api, name: &str, found: &Value) -> String {
    let tags = |key: &'static str| items(found, key).map(|entity| text(entity, "tag"));
    let model = |uuid: &str| if uuid == api.model_uuid { api.model.clone() } else { uuid.to_owned() };
    let models = tags("constraints").filter_map(|tag| tag.strip_prefix("model-")).map(model).collect();
    let constraints = tags("constraints").filter(|tag| !tag.starts_with("model-")).map(id).collect();
    let bindings = tags("bindings").map(id).collect();
    let settings = items(found, "controller-settings").filter_map(Value::as_str).map(str::to_owned).collect();
    let kinds: [(&str, Vec<String>); 4] = [
        ("used as a constraint on", constraints),
        ("used as a model constraint", models),
        ("used as a binding on", bindings),
        ("used for controller config(s)", settings),
    ];
    let lines = kinds.iter().filter(|(_, who)| !who.is_empty());
    lines.map(|(what, who)| format!("- {name:?} is {what}: {}", who.join(", "))).collect::<Vec<_>>().join("\n")
}

/// What a tag names: `mysql`, `machine 0`.
fn id(tag: &str) -> String {
    match tag.split_once('-') {
        Some(("machine", id)) => format!("machine {}", id.replace('-', "/")),
        Some((_, id)) => id.to_owned(),
        None => tag.to_owned(),
    }
}
