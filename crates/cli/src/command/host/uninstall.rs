//! `uninstall`: nothing of Grigri stays on this host but the program itself.

use client::files::Controllers;

use super::operator;
use crate::command::Command;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::operating::UninstallParams;
use crate::steps::steps;

pub const COMMAND: Command = Command {
    name: "uninstall",
    purpose: "Remove everything that grigri made on this host.",
    doc: "Removes images, the data directory, units of systemd, and links named 'juju' that lead to\n\
          this program. Refuses while there are controllers, unless '--force' is given: then they\n\
          and their machines are ended first. The program itself and client stores stay.\n\n\
          With '--leftover' only what bears that key is removed: things of a controller that is no\n\
          more, as 'grigri doctor' finds them.",
    examples: "\n    sudo grigri uninstall\n    sudo grigri uninstall --force --no-prompt\n    sudo grigri uninstall --leftover 0a1b2",
    see_also: &["destroy-controller", "kill-controller", "doctor"],
    flags: &[
        Flag::bool(&["force"], "End the controllers of this host too, with all their machines"),
        Flag::texts(&["leftover"], "Remove only what bears this key"),
        Flag::bool(&["no-prompt"], "Do not ask for confirmation"),
    ],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let injected = context.injected.clone();
    let operator = operator(&injected)?;
    let params = UninstallParams {
        force: context.args.is_set("force"),
        leftovers: context.args.texts("leftover").iter().map(|key| (*key).to_owned()).collect(),
        path: context.io.var("PATH").unwrap_or_default().to_owned(),
    };
    let here = match params.leftovers.is_empty() {
        true => operator.controllers().await?,
        false => Vec::new(),
    };
    let names: Vec<&str> = here.iter().map(|one| one.name.as_str()).collect();
    if !names.is_empty() && !params.force {
        return Err(Error::failed(format!(
            "controllers are on this host: {}\n\n\
             Destroy them first with \"grigri destroy-controller\", or end them now with \"grigri uninstall --force\".",
            names.join(", ")
        )));
    }
    if !context.args.is_set("no-prompt") && params.leftovers.is_empty() {
        let what = match names.as_slice() {
            [] => "everything that grigri made on this host".to_owned(),
            names => format!(
                "controllers {} with all their machines, and everything else of grigri on this host",
                names.join(", ")
            ),
        };
        context.warn(format!("This command will remove {what}."));
        context.confirm("uninstall")?;
    }
    let (tell, steps) = steps();
    steps.show(context, operator.uninstall(&params, &tell)).await?;
    let gone: Vec<String> = {
        let known: Controllers = context.store.controllers()?;
        let is_gone = |uuid: &str| here.iter().any(|one| one.uuid == uuid);
        known.controllers.iter().filter(|(_, entry)| is_gone(&entry.uuid)).map(|(name, _)| name.clone()).collect()
    };
    for name in gone {
        context.store.remove_controller(&name)?;
    }
    if params.leftovers.is_empty() {
        context.info(format!(
            "Done. What stays: the program itself, and the client store {}.",
            context.store.dir().display()
        ));
    }
    Ok(())
}
