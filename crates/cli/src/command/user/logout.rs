//! `logout`: forgets who one is on a controller. The surprise: a password that is kept nowhere else is not thrown away unasked.

use client::files::Accounts;

use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "logout",
    purpose: "Logs out of a controller.",
    doc: "Forgets account and logins of the current controller, or that of --controller, on this client. After `bootstrap` the password of `admin`\n\
          is kept here and known to nobody else: then --force is wanted, or a password of your own first.",
    examples: "\n    juju logout\n    juju logout -c mycontroller --force",
    see_also: &["change-user-password", "login"],
    flags: &[Flag::bool(&["force"], "Force logout when a locally recorded password is detected")],
    scope: Scope::Controller,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let name = context.controller_name()?;
    let kept = context.account(&name)?;
    let has_password = kept.as_ref().and_then(|account| account.password.as_ref()).is_some_and(|one| !one.is_empty());
    if has_password && !context.args.is_set("force") {
        let program = &context.program;
        return Err(Error::failed(format!(
            "preventing account loss\n\n\
             The password of this account is kept on this client and may be known nowhere else.\n\
             Set one that you know first:\n\n    {program} change-user-password\n\n\
             or forget it all the same with the \"--force\" option."
        )));
    }
    context.store.update(|all: &mut Accounts| {
        all.controllers.shift_remove(&name);
        Ok::<_, Error>(())
    })?;
    context.store.clear_cookies(&name)?;
    let left = context.store.accounts()?.controllers.len();
    context.info(match left {
        0 => "Logged out. You are no longer logged into any controllers.".to_owned(),
        1 => "Logged out. You are still logged into 1 controller.".to_owned(),
        several => format!("Logged out. You are still logged into {several} controllers."),
    });
    Ok(())
}
