//! `ssh`: a shell or a command on a machine; its exit code is ours.

use super::target::{Connection, Options, refuse_containers};
use super::{CONTAINER, NO_CHECKS, PROXY, REMOTE, process};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "ssh",
    args: "<[user@]target> [openssh options] [command]",
    purpose: "Initiates an SSH session or executes a command on a Juju machine or container.",
    doc: "Opens a shell on a machine or unit, or runs a command there, as user `ubuntu` unless another is named.\n\
          The machine's host keys are known from the controller; another server at its address is refused. What follows the\n\
          target goes to OpenSSH as it is.\n\n\
          With --proxy the controller carries it: on its API port where it is a process on its host, else by an ssh to it.\n\
          So a machine is reached that only the controller reaches.",
    examples: "\n    juju ssh 0\n    juju ssh 0 -L 8080:localhost:80\n    juju ssh mysql/0 uptime\n    juju ssh --proxy 0/lxd/1",
    see_also: &["scp", "exec"],
    flags: &[CONTAINER, NO_CHECKS, PROXY, Flag::bool(&["pty"], "Enable pseudo-tty allocation"), REMOTE],
    scope: Scope::Model,
    flags_among: false,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let Some(target) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no target name specified"));
    };
    let rest = context.args.positional()[1..].to_vec();
    let terminal = match context.args.maybe("pty") {
        Some(value) => value == "true" || value == "1",
        None => context.io.stdin_is_terminal,
    };
    let api = context.model_api().await?;
    refuse_containers(context, &api).await?;
    let options = Options::read(context, &rest);
    let mut connection = Connection::open(context, &api, options).await?;
    let host = connection.resolve(context, &target).await?;
    let mut args = connection.options(context, terminal).await?;
    args.push(host.shown());
    args.extend(rest);
    let exit = process::run(context, "ssh", &args).await;
    connection.forget();
    match exit? {
        0 => Ok(()),
        code => Err(Error::silent(code)),
    }
}
