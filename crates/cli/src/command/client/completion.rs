//! `completion`: the script a shell loads.

use crate::command::Command;
use crate::completion;
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "completion",
    args: "bash|zsh|fish",
    purpose: "Print a script that completes command lines in a shell.",
    doc: "The script asks this program for what may come next: commands, options, names of\n\
          controllers and models. It never connects to a controller.",
    examples: "\n    source <(juju completion bash)\n    juju completion fish > ~/.config/fish/completions/juju.fish",
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let Some(shell) = context.args.get(0) else {
        return Err(Error::usage("no shell specified, choose one of bash, zsh, fish"));
    };
    match completion::script(shell) {
        Some(script) => context.out(script),
        None => Err(Error::usage(format!("unknown shell {shell:?}, choose one of bash, zsh, fish"))),
    }
}
