//! `version`: what this client is.

use wire::yaml::Node;

use crate::command::Command;
use crate::context::Context;
use crate::error::Result;
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "version",
    purpose: "Print the client version.",
    doc: "Prints the version of this client.\n\
          The first two numbers name the Juju API that is spoken, the third counts releases of grigri.",
    examples: "\n    juju version\n    juju version --all --format yaml",
    flags: &[Flag::bool(&["all"], "Prints all version information")],
    formats: &["smart", "json", "yaml"],
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(0)?;
    let version = context.binary_version();
    if !context.args.is_set("all") {
        return match context.format() {
            "smart" => context.result(format!("{version}\n")),
            _ => context.result_node(&Node::str(version)),
        };
    }
    let mut entries = vec![("version".to_owned(), Node::str(version))];
    let commit = context.injected.commit.clone();
    if !commit.is_empty() {
        entries.push(("git-commit".to_owned(), Node::str(commit)));
        entries.push(("git-tree-state".to_owned(), Node::str("archive")));
    }
    // Clients of the original expect a compiler; ours is the one there is.
    entries.push(("compiler".to_owned(), Node::str("rustc")));
    entries.push(("official".to_owned(), Node::Bool(false)));
    context.result_node(&Node::Map(entries))
}
