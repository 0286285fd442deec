//! `completion`: the script a shell loads.

use crate::command::Command;
use crate::completion::{self, Noun};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "completion",
    args: "bash|zsh|fish",
    purpose: "Print a script that completes command lines in a shell.",
    doc: "The script asks this program at every tab for what may come next: commands, options and their values, names of\n\
          controllers and models, ids of machines, containers, units, tasks and operations.\n\n\
          What a controller knows is asked of it, as the user who is logged in there. It has a second to answer: a\n\
          controller that does not, or that wants a password, leaves what this client knows by itself.",
    examples: "\n    source <(juju completion bash)\n    juju completion fish > ~/.config/fish/completions/juju.fish",
    see_also: &["documentation"],
    arguments: &[&[Noun::Word(completion::SHELLS)]],
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
