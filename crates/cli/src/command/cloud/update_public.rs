//! `update-public-clouds`: tells that the list of public clouds is not to be had. The surprise: that is no failure. Scripts of other clients
//! call it before they bootstrap, and go on.

use crate::command::Command;
use crate::command::cloud::whose;
use crate::context::Context;
use crate::error::Result;

pub const COMMAND: Command = Command {
    name: "update-public-clouds",
    purpose: "Updates public cloud information available to Juju.",
    doc: "This program never reaches out by itself, and fetches no list of public clouds. Public clouds that the stock command has fetched into \
          public-clouds.yaml are known; others are added by 'juju add-cloud'.",
    examples: "\n    juju update-public-clouds --client",
    see_also: &["clouds", "add-cloud"],
    flags: &whose::FLAGS,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    context.info("public cloud list is unavailable right now");
    context.info("This program fetches none: see `juju clouds --client --all` for those known, and `juju add-cloud` to add others.");
    Ok(())
}
