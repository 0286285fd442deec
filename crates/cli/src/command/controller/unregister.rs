//! `unregister`: forgets a controller; the controller itself is not told.

use crate::command::Command;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::select;

pub const COMMAND: Command = Command {
    name: "unregister",
    args: "<controller name>",
    arguments: &[&[Noun::Controller]],
    purpose: "Unregisters a Juju controller.",
    doc: "Removes the connection information for a controller from this client.\n\
          The controller goes on; it must be registered again to be used from here.",
    examples: "\n    juju unregister my-controller",
    see_also: &["destroy-controller", "kill-controller", "register"],
    flags: &[Flag::bool(&["no-prompt"], "Do not ask for confirmation")],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(name) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("controller name must be specified"));
    };
    context.args.at_most(1)?;
    if !context.store.controllers()?.controllers.contains_key(&name) {
        return Err(select::controller_not_found(&name));
    }
    if !context.args.is_set("no-prompt") {
        context.note(format!(
            "This command will remove connection information for controller \"{name}\".\n\
             The controller will not be destroyed but you must register it again\n\
             if you want to access it.\n"
        ));
        context.confirm_name("controller", &name, "unregistering controller")?;
    }
    context.store.remove_controller(&name)?;
    Ok(())
}
