//! `scp`: files to and from machines.
//!
//! The surprise: a failure is told with scp's own words and ends with exit 1, whatever scp's code was.

use super::target::{Connection, Options, refuse_containers};
use super::{CONTAINER, NO_CHECKS, PROXY, REMOTE, process};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};

pub const COMMAND: Command = Command {
    name: "scp",
    args: "<source> <destination>",
    purpose: "Securely transfer files within a model.",
    doc: "Copies files by OpenSSH's scp; a side that names a machine or unit (`0:/path`, `mysql/0:/path`) is found by\n\
          the controller. Options for scp stand behind `--`.",
    examples: "\n    juju scp 0:/var/log/syslog .\n    juju scp -- -r mysql/0:/var/log/mysql logs\n    juju scp file 0:",
    see_also: &["ssh"],
    flags: &[CONTAINER, NO_CHECKS, PROXY, REMOTE],
    scope: Scope::Model,
    flags_among: false,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let words = context.args.positional().to_vec();
    if words.len() < 2 {
        return Err(Error::usage("at least two arguments required"));
    }
    let api = context.model_api().await?;
    refuse_containers(context, &api).await?;
    let options = Options::read(context, &words);
    let mut connection = Connection::open(context, &api, options).await?;
    let mut paths = Vec::new();
    for word in words {
        match word.split_once(':').filter(|_| !word.starts_with('-')) {
            Some((target, path)) => {
                let host = connection.resolve(context, target).await?;
                paths.push(format!("{}:{path}", host.bracketed()));
            }
            None => paths.push(word),
        }
    }
    let mut args = connection.options(context, false).await?;
    args.extend(paths);
    let outcome = process::captured(context, "scp", &args).await;
    connection.forget();
    let (code, words) = outcome?;
    match (code, words.trim()) {
        (0, _) => Ok(()),
        (code, "") => Err(Error::failed(format!("exit status {code}"))),
        (code, words) => Err(Error::failed(format!("exit status {code} ({words})"))),
    }
}
