//! `retry-provisioning`: starts machines again that failed to start.
//!
//! The surprise: what cannot be retried is told on stderr, and the exit code is 0 all the same.

use serde_json::json;
use wire::facade::machine_manager::ErrorResults;

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "retry-provisioning",
    args: "<machine> [...]",
    arguments: &[&[Noun::Host]],
    purpose: "Retries provisioning for failed machines.",
    doc: "Starts machines again whose instance could not be started.",
    examples: "\n    juju retry-provisioning 0\n    juju retry-provisioning --all",
    see_also: &["machines", "add-machine"],
    flags: &[Flag::bool(&["all"], "Retry provisioning all failed machines")],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let all = context.args.is_set("all");
    let ids = context.args.positional().to_vec();
    match (all, ids.is_empty()) {
        (true, false) => return Err(Error::usage("specify machines or --all but not both")),
        (false, true) => return Err(Error::usage("no machine specified")),
        _ => {}
    }
    let mut tags = Vec::new();
    for id in &ids {
        let machine: base::MachineId = id.parse().map_err(|_| Error::usage(format!("invalid machine {id:?}")))?;
        if machine.parent().is_some() {
            let text = format!("invalid machine {id:?} retry-provisioning does not support containers");
            return Err(Error::usage(text));
        }
        tags.push(base::Tag::Machine(machine).to_string());
    }
    let api = context.model_api().await?;
    let results: ErrorResults = api
        .call("MachineManager", "RetryProvisioning", json!({"machines": tags, "all": all}))
        .await
        .map_err(|e| e.explain_block("all"))?;
    for error in results.results.iter().filter_map(|r| r.error.as_ref()) {
        context.note(format!("{}\n", error.message));
    }
    Ok(())
}
