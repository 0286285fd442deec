//! `start-controller`: starts a controller of this host, or of one that is reached by ssh, again: after a crash or a reboot where no
//! service manager does.
//!
//! The surprise: it is a command of Grigri's own; where systemd runs, it does the same by itself.

use crate::bootstrap::Bootstrapper;
use crate::command::Command;
use crate::command::controller::reclaim;
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::manual::controller::Elsewhere;
use crate::select;

pub const COMMAND: Command = Command {
    name: "start-controller",
    args: "[<controller name>]",
    arguments: &[&[Noun::Controller]],
    purpose: "Starts a controller of this host that does not run.",
    doc: "After a crash or a reboot, where no systemd does it: starts the controller's process again.\n\
          Its machines went on, or are started by it. The current controller, unless another is named.\n\
          One that 'bootstrap manual/...' made is started on its host, over ssh.",
    examples: "\n    juju start-controller\n    juju start-controller mycontroller",
    see_also: &["bootstrap", "controllers", "kill-controller"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let all = context.store.controllers()?;
    let name = match context.args.get(0).map(str::to_owned).or(all.current_controller) {
        Some(name) => name,
        None => return Err(Error::usage("no controller specified")),
    };
    if !all.controllers.contains_key(&name) {
        return Err(select::controller_not_found(&name));
    }
    let injected = context.injected.clone();
    let elsewhere = Elsewhere::of_controller(context, &name).await?;
    let bootstrapper: &dyn Bootstrapper = match (&elsewhere, &injected.bootstrapper) {
        (Some(elsewhere), _) => elsewhere,
        (None, Some(here)) => here.as_ref(),
        (None, None) => {
            return Err(Error::failed("this program is the command line alone, and cannot start a controller"));
        }
    };
    let params = reclaim::params(context, &name)?;
    match bootstrapper.start(&params, &|_| {}).await? {
        true => context.info(format!("Controller {name:?} runs again")),
        false => context.info(format!("Controller {name:?} runs already")),
    }
    Ok(())
}
