//! `remove-machine`: shows what would go, asks, removes.
//!
//! The surprise: with a question the real call prints only what failed; what goes was shown before.

use serde_json::{Value, json};
use wire::facade::machine_manager::{DestroyMachineInfo, DestroyMachineResult, DestroyMachineResults};

use super::config;
use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "remove-machine",
    args: "<machine number> ...",
    arguments: &[&[Noun::Machine]],
    purpose: "Removes one or more machines from a model.",
    doc: "Removes machines, and their instances with them. A machine with units or containers goes only with --force,\n\
          which removes these too. What would happen is shown before; --no-prompt skips the question, --dry-run the rest.\n\n\
          A machine that is going has `life: dying` in 'status --format yaml'; 'why' says what it waits for: a task that\n\
          is being ended, a container, a start under way, a cloud that does not answer and when it is asked again. Such a\n\
          removal is tried until it succeeds.\n\n\
          With --force it ends in any case: after a minute, or after what --timeout says, or at once with --no-wait, the\n\
          machine is forgotten even if its cloud did not say that the instance is gone.\n\n\
          With --keep-instance the instance is not stopped: our agent leaves it and takes its files along, and it goes on\n\
          running without us. Whoever could log in still can.",
    examples: "\n    juju remove-machine 5\n    juju remove-machine 6 --force\n    juju remove-machine 7 --force --timeout 10s\n    \
               juju remove-machine 8/lxd/2 --no-prompt\n    juju remove-machine 9 --keep-instance",
    see_also: &["add-machine", "machines", "why"],
    flags: &[
        Flag::bool(&["dry-run"], "Print what this command would be removed without removing"),
        Flag::bool(&["force"], "Completely remove a machine and all its dependencies"),
        Flag::bool(&["keep-instance"], "Do not stop the running cloud instance"),
        Flag::bool(&["no-prompt"], "Do not ask for confirmation. Overrides `mode` model config setting"),
        Flag::bool(&["no-wait"], "Rush through machine removal without waiting for each individual step to complete"),
        Flag::duration(&["timeout"], "1m0s", "How long a forced removal waits for an orderly one"),
    ],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let ids = context.args.positional().to_vec();
    let flag = |name: &str| context.args.is_set(name);
    let (force, keep, dry, no_wait) = (flag("force"), flag("keep-instance"), flag("dry-run"), flag("no-wait"));
    let no_prompt = flag("no-prompt");
    if ids.is_empty() {
        return Err(Error::usage("no machines specified"));
    }
    let mut tags = Vec::new();
    for id in &ids {
        let machine: base::MachineId = id.parse().map_err(|_| Error::usage(format!("invalid machine id {id:?}")))?;
        tags.push(base::Tag::Machine(machine).to_string());
    }
    if no_wait && !force {
        return Err(Error::usage("--no-wait without --force not valid"));
    }
    let timeout = context.args.given("timeout").then(|| context.args.duration_nanos("timeout")).flatten();
    if timeout.is_some() && !force {
        return Err(Error::usage("--timeout without --force not valid"));
    }
    if timeout.is_some() && no_wait {
        return Err(Error::usage("--timeout and --no-wait cannot be specified together"));
    }
    if timeout.is_some_and(|nanos| nanos < 0) {
        return Err(Error::usage("--timeout must not be negative"));
    }
    let api = context.model_api().await?;
    let mut params = json!({"machine-tags": tags});
    for (key, value) in [("force", force), ("keep", keep)] {
        if value {
            params[key] = json!(true);
        }
    }
    if no_wait {
        params["max-wait"] = json!(0);
    }
    if let Some(nanos) = timeout {
        params["max-wait"] = json!(i64::try_from(nanos).unwrap_or(i64::MAX));
    }
    let knows_dry_run = api.connection.version("MachineManager") >= 10;
    if dry {
        if !knows_dry_run {
            return Err(Error::failed("Your controller does not support `--dry-run`"));
        }
        return preview(context, &api, &params, force, keep).await;
    }
    if no_prompt || !config::asks(&api).await {
        let results = call(&api, &params).await?;
        return tell(context, &results, keep, true);
    }
    if knows_dry_run {
        preview(context, &api, &params, force, keep).await?;
    } else {
        let list = ids.join(", ");
        context
            .warn(format!("This command will remove machine(s) {list:?}\nYour controller does not support dry runs"));
    }
    context.confirm("machine removal")?;
    let results = call(&api, &params).await?;
    // Without a preview the user has not seen yet what goes.
    tell(context, &results, keep, !knows_dry_run)
}

async fn call(api: &Api, params: &Value) -> Result<Vec<DestroyMachineResult>> {
    let wanted = params["machine-tags"].as_array().map_or(0, Vec::len);
    let results: DestroyMachineResults = api
        .call("MachineManager", "DestroyMachineWithParams", params)
        .await
        .map_err(|e| e.explain_block("remove-object"))?;
    if results.results.len() != wanted {
        return Err(Error::failed(format!("expected {wanted} result(s), got {}", results.results.len())));
    }
    Ok(results.results)
}

async fn preview(context: &mut Context, api: &Api, params: &Value, force: bool, keep: bool) -> Result<()> {
    let mut params = params.clone();
    params["dry-run"] = json!(true);
    let results = call(api, &params).await?;
    let mut failed = false;
    for error in results.iter().filter_map(|r| r.error.as_ref()) {
        context.log_error(format!("removing machine failed: {}", error.message));
        failed = true;
    }
    if failed {
        return Err(Error::silent(1));
    }
    context.warn("This command will perform the following actions:");
    tell(context, &results, keep, true)?;
    let holds = |r: &DestroyMachineResult| {
        r.info.as_ref().is_some_and(|i| !i.destroyed_units.is_empty() || !i.destroyed_containers.is_empty())
    };
    if !force && results.iter().any(holds) {
        context.info("\nThis will require `--force`");
    }
    Ok(())
}

/// What went, if `loud`, and what failed.
fn tell(context: &mut Context, results: &[DestroyMachineResult], keep: bool, loud: bool) -> Result<()> {
    let (mut text, mut errors) = (String::new(), Vec::new());
    results.iter().for_each(|r| lines(r, keep, &mut text, &mut errors));
    if loud {
        context.out(text)?;
    }
    for error in &errors {
        context.log_error(format!("removing machine failed: {error}"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::silent(1)) }
}

fn lines(result: &DestroyMachineResult, keep: bool, text: &mut String, errors: &mut Vec<String>) {
    if let Some(error) = &result.error {
        errors.push(error.message.clone());
        return;
    }
    let Some(info) = &result.info else { return };
    let kept = if keep { " (but retaining cloud instance)" } else { "" };
    *text += &format!("will remove machine {}{kept}\n", info.machine_id);
    *text += &belongings(info);
    info.destroyed_containers.iter().for_each(|c| lines(c, keep, text, errors));
}

fn belongings(info: &DestroyMachineInfo) -> String {
    let mut text = String::new();
    let lists = [
        ("will remove unit", &info.destroyed_units),
        ("will remove storage", &info.destroyed_storage),
        ("will detach storage", &info.detached_storage),
    ];
    for (what, entities) in lists {
        for entity in entities {
            let id = entity.tag.split_once('-').map_or(entity.tag.as_str(), |(_, id)| id);
            let name = id.rsplit_once('-').map_or_else(|| id.to_owned(), |(name, n)| format!("{name}/{n}"));
            text += &format!("- {what} {name}\n");
        }
    }
    text
}
