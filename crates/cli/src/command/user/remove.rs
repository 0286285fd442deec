//! `remove-user`: takes a user off a controller, for good.

use serde_json::json;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "remove-user",
    args: "<user name>",
    arguments: &[&[Noun::User]],
    purpose: "Deletes a user from a controller.",
    doc: "The user is out at once, and so is all that it was granted. Its name cannot be used again: whoever reads a log knows who was meant.\n\
          Models that it owns stay. `disable-user` shuts a user out for a while.",
    examples: "\n    juju remove-user bob\n    juju remove-user ann --yes",
    see_also: &["disable-user", "users"],
    flags: &[Flag::bool(&["y", "yes"], "Confirm deletion of the user")],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no username supplied"));
    };
    context.args.at_most(1)?;
    let controller = context.controller_name()?;
    if !context.args.is_set("y") {
        let program = context.program.clone();
        context.out(format!(
            "WARNING! This command will permanently archive the user {name:?} on the {controller:?}\n\
             controller. This action is irreversible and you WILL NOT be able to reuse\n\
             username {name:?}.\n\n\
             If you wish to temporarily disable the user please use the `{program} disable-user`\n\
             command. See\n `{program} help disable-user` for more details.\n\n\
             Continue (y/N)? "
        ))?;
        let answer = context.io.read_line()?.unwrap_or_default().to_lowercase();
        if !matches!(answer.as_str(), "y" | "yes") {
            return Err(Error::failed("user deletion aborted"));
        }
    }
    let api = context.controller_api().await?;
    let params = json!({"entities": [{"tag": format!("user-{name}")}]});
    api.call_one("UserManager", "RemoveUser", params).await.map_err(|e| e.explain_block("all"))?;
    context.out(format!("User {name:?} removed\n"))
}
