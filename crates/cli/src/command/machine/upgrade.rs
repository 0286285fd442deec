//! `upgrade-machine`: holds a machine while its operating system is brought to another release, and puts it back in service.
//!
//! ```text
//! prepare -> (somebody upgrades and reboots it) -> complete | cancel
//! ```
//! The surprise: the watcher's own end is the end of a step. What it told last is read once more after that.

use serde_json::json;
use wire::facade::client::FullStatus;
use wire::facade::machine_manager::{ErrorResult, ErrorResults, NotifyWatchResults, StringsResults};

use crate::command::{Command, Scope};
use crate::completion::Noun;
use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::flags::Flag;

/// The last words of the steps, on controllers that let them be cancelled.
const PREPARED: &str = "binaries and service files written";
const COMPLETED: &str = "series upgrade complete";
/// How often a machine that says nothing is looked at.
const LOOK: std::time::Duration = std::time::Duration::from_secs(5);

pub const COMMAND: Command = Command {
    name: "upgrade-machine",
    args: "<machine> prepare <base> | complete | cancel",
    arguments: &[&[Noun::Machine], &[Noun::Word(&["prepare", "complete", "cancel"])], &[Noun::Base]],
    purpose: "Upgrade the Ubuntu base of a machine.",
    doc: "Holds a machine while its operating system is upgraded to another release, Ubuntu or Debian, by whoever keeps it.\n\n\
          'prepare' makes everything of ours on it ready. From then on it takes no new container, and goes only by force;\n\
          'status' says so. Then upgrade it, as with do-release-upgrade or apt, and reboot it.\n\n\
          'complete' puts it back in service, with the base that it then has. 'cancel' does so at any time, as it is.\n\n\
          This command was called upgrade-series.",
    examples: "\n    juju upgrade-machine 3 prepare debian@13\n    juju upgrade-machine 4 prepare ubuntu@24.04 --yes\n    \
               juju upgrade-machine 3 complete\n    juju upgrade-machine 4 cancel",
    see_also: &["machines", "status", "upgrade-model"],
    flags: &[
        Flag::bool(&["force"], "Prepare it whatever its base is, for an older one too"),
        Flag::bool(&["y", "yes"], "Do not ask for confirmation"),
    ],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

async fn run(context: &mut Context) -> Result<()> {
    let words = context.args.positional().to_vec();
    let [id, step, rest @ ..] = words.as_slice() else { return Err(Error::usage("wrong number of arguments")) };
    let wanted = match step.as_str() {
        "prepare" => 1,
        "complete" | "cancel" => 0,
        _ => {
            let text = format!(
                "invalid argument: {step:?} is an invalid upgrade-machine command; valid commands are: prepare, complete."
            );
            return Err(Error::usage(text));
        }
    };
    if rest.len() != wanted {
        return Err(Error::usage("wrong number of arguments"));
    }
    let machine: base::MachineId =
        id.parse().map_err(|_| Error::usage(format!("{id:?} is an invalid machine name")))?;
    match (step.as_str(), rest) {
        ("prepare", [base]) => prepare(context, &machine, base).await,
        ("complete", _) => complete(context, &machine).await,
        _ => cancel(context, &machine).await,
    }
}

/// Knows Ubuntu's releases; of other systems, what the controller says of them.
fn target(context: &mut Context, text: &str) -> Result<base::OsBase> {
    if !text.contains('@') {
        context.warn("series argument is deprecated, use base instead");
        let version =
            base::release::number("ubuntu", text).ok_or_else(|| Error::failed(format!("series {text:?} not valid")))?;
        return Ok(base::OsBase { name: "ubuntu".to_owned(), channel: format!("{version}/stable") });
    }
    if text.ends_with('@') {
        return Err(Error::failed("empty channel not valid"));
    }
    let base = base::OsBase::parse(text).map_err(|error| Error::failed(error.to_string()))?;
    if base.name == "ubuntu" && !is_ubuntu_release(base.track()) {
        return Err(Error::failed(format!("\"{}@{}\" is an unsupported base", base.name, base.channel)));
    }
    Ok(base)
}

/// `22.04`, `23.10`: two a year since 2004.
fn is_ubuntu_release(track: &str) -> bool {
    let Some((year, month)) = track.split_once('.') else { return false };
    year.parse::<u32>().is_ok_and(|year| (14..40).contains(&year)) && matches!(month, "04" | "10")
}

async fn prepare(context: &mut Context, machine: &base::MachineId, text: &str) -> Result<()> {
    let base = target(context, text)?;
    let yes = context.args.is_set("y");
    let api = context.model_api().await?;
    let units = units_on(&api, machine).await?;
    let cancellable = can_cancel(&api);
    if units.is_empty() && !cancellable {
        return Err(Error::failed(format!("units for machine \"{machine}\" not found")));
    }
    if !yes {
        context.out(warning(machine, text, &units, cancellable))?;
        context.confirm("upgrade machine")?;
    }
    let params = json!({"tag": {"tag": tag(machine)}, "force": context.args.is_set("force"), "channel": base.channel});
    let outcome: ErrorResult = api.call("MachineManager", "UpgradeSeriesPrepare", params).await?;
    if let Some(error) = outcome.error {
        let status = error.info.as_ref().and_then(|info| info.get("status")?.as_str()).unwrap_or_default();
        return Err(Error::failed(explain(machine, status).unwrap_or(error.message)));
    }
    follow(context, &api, machine, PREPARED).await?;
    context.info(format!("\n{}", ready(machine, "upgrade base process")));
    Ok(())
}

/// What a machine that is held already is told as.
fn explain(machine: &base::MachineId, status: &str) -> Option<String> {
    match status {
        "prepare started" | "prepare running" => {
            Some(format!("Upgrade machine base is currently being prepared for machine \"{machine}\".\n\n"))
        }
        "prepare completed" => Some(format!(
            "Upgrade machine base is already prepared for machine \"{machine}\" and the\ncurrent state is {status:?}.\n\n{}\n",
            ready(machine, "upgrade process")
        )),
        "complete started" | "complete running" => {
            Some(format!("Upgrade base is currently completing for machine \"{machine}\".\n\n"))
        }
        _ => None,
    }
}

fn ready(machine: &base::MachineId, what: &str) -> String {
    format!(
        "Juju is now ready for the machine base to be updated.\n\
         Perform any manual steps required along with \"do-release-upgrade\".\n\
         When ready, run the following to complete the {what}:\n\n\
         juju upgrade-machine {machine} complete"
    )
}

fn warning(machine: &base::MachineId, base: &str, units: &[(String, String)], cancellable: bool) -> String {
    let mut text = format!("WARNING: This command will mark machine \"{machine}\" as being upgraded to {base:?}.\n");
    match cancellable {
        true => {
            text +=
                &format!("Until it is completed, \"juju upgrade-machine {machine} cancel\" puts it back in service.\n")
        }
        false => text += "This operation cannot be reverted or canceled once started.\n",
    }
    if units.is_empty() {
        return text;
    }
    text += "Units running on the machine will also be upgraded. These units include:\n";
    units.iter().for_each(|(unit, _)| text += &format!("  - {unit}\n"));
    text += "\nLeadership for the following applications will be pinned and not\n\
             subject to change until the \"complete\" command is run:\n";
    let applications: std::collections::BTreeSet<&String> = units.iter().map(|(_, application)| application).collect();
    applications.iter().for_each(|application| text += &format!("  - {application}\n"));
    text
}

/// Units on a machine, subordinates among them, and their applications; by name.
async fn units_on(api: &Api, machine: &base::MachineId) -> Result<Vec<(String, String)>> {
    let status: FullStatus = api.call("Client", "FullStatus", json!({"patterns": null})).await?;
    if !status.machines.contains_key(machine.as_str()) {
        return Err(Error::failed(format!("unable to locate instance: instance \"{machine}\" not found")));
    }
    let application = |unit: &str| unit.split('/').next().unwrap_or_default().to_owned();
    let mut units = Vec::new();
    for found in status.applications.values() {
        for (name, unit) in found.units.iter().filter(|(_, unit)| unit.machine == machine.as_str()) {
            units.push((name.clone(), application(name)));
            units.extend(unit.subordinates.keys().map(|name| (name.clone(), application(name))));
        }
    }
    units.sort();
    Ok(units)
}

async fn complete(context: &mut Context, machine: &base::MachineId) -> Result<()> {
    let api = context.model_api().await?;
    let params = json!({"tag": {"tag": tag(machine)}, "force": false, "channel": ""});
    let outcome: ErrorResult = api.call("MachineManager", "UpgradeSeriesComplete", params).await?;
    if let Some(error) = outcome.error {
        return Err(Error::from_result(&error.message, &error.code));
    }
    follow(context, &api, machine, COMPLETED).await?;
    context.info(format!("\nUpgrade machine base \"{machine}\" has successfully completed"));
    Ok(())
}

async fn cancel(context: &mut Context, machine: &base::MachineId) -> Result<()> {
    let api = context.model_api().await?;
    if !can_cancel(&api) {
        return Err(Error::failed("this controller cannot cancel an upgrade"));
    }
    let params = json!({"entities": [{"tag": tag(machine)}]});
    let outcome: ErrorResults =
        api.call("MachineUpgrade", "Cancel", params).await.map_err(|error| error.explain_block("all"))?;
    if let Some(error) = outcome.results.into_iter().find_map(|result| result.error) {
        return Err(Error::from_result(&error.message, &error.code));
    }
    context.info(format!("Upgrade of machine \"{machine}\" cancelled: it is back in service"));
    Ok(())
}

fn can_cancel(api: &Api) -> bool {
    api.connection.version("MachineUpgrade") > 0
}

fn tag(machine: &base::MachineId) -> String {
    base::Tag::Machine(machine.clone()).to_string()
}

/// Tells the messages of a step until it is over, or Ctrl-C was pressed twice: the step goes on then. One that another user took back
/// meanwhile has not said its `last` word.
async fn follow(context: &mut Context, api: &Api, machine: &base::MachineId, last: &str) -> Result<()> {
    let params = json!({"entities": [{"tag": tag(machine)}]});
    let watched: NotifyWatchResults = api.call("MachineManager", "WatchUpgradeSeriesNotifications", params).await?;
    let watched = watched.results.into_iter().next().ok_or_else(|| Error::failed("expected 1 result, got 0"))?;
    if let Some(error) = watched.error {
        return Err(Error::from_result(&error.message, &error.code));
    }
    let watcher = watched.notify_watcher_id;
    let mut pressed = false;
    let mut interrupted = Box::pin(context.interrupted());
    let mut looks = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
    // The original waits without a word.
    let mut looking = can_cancel(api);
    let mut done = false;
    loop {
        done |= tell(context, api, machine, &watcher, last).await?;
        let mut next = std::pin::pin!(api.connection.next::<serde_json::Value>("NotifyWatcher", &watcher));
        let ended = loop {
            tokio::select! {
                next = &mut next => break next.is_err(),
                _ = looks.tick(), if looking => looking = !tell_of_silence(context, api, machine).await,
                () = &mut interrupted => {
                    if pressed {
                        context.out("\nCtrl-C pressed, cancelling an upgrade-machine.\n")?;
                        return Err(Error::silent(1));
                    }
                    pressed = true;
                    interrupted = Box::pin(context.interrupted());
                    context.out("\nCtrl-C pressed, cancelling an upgrade-machine is not recommended. Ctrl-C to proceed anyway.\n")?;
                }
            }
        };
        if ended {
            done |= tell(context, api, machine, &watcher, last).await?;
            // Whether it is still there makes no difference to the user.
            let _ = api.connection.stop("NotifyWatcher", &watcher).await;
            return match done || !can_cancel(api) {
                true => Ok(()),
                false => Err(Error::failed(format!("upgrade of machine \"{machine}\" was cancelled meanwhile"))),
            };
        }
    }
}

/// Whether the machine is down, which is said.
async fn tell_of_silence(context: &mut Context, api: &Api, machine: &base::MachineId) -> bool {
    let params = json!({"patterns": [machine.as_str()]});
    // A controller that cannot be asked now is asked again.
    let Ok(status) = api.call::<FullStatus>("Client", "FullStatus", params).await else { return false };
    let is_down = status.machines.get(machine.as_str()).is_some_and(|found| found.agent_status.status == "down");
    if is_down {
        context.warn(format!(
            "machine {machine} does not answer: this goes on when its agent is back, or is taken back by 'juju upgrade-machine {machine} cancel'"
        ));
    }
    is_down
}

/// Tells what is new, and whether the `last` word is said.
async fn tell(context: &mut Context, api: &Api, machine: &base::MachineId, watcher: &str, last: &str) -> Result<bool> {
    let params = json!({"params": [{"entity": {"tag": tag(machine)}, "watcher-id": watcher}]});
    let found: StringsResults = api.call("MachineManager", "GetUpgradeSeriesMessages", params).await?;
    let mut done = false;
    for result in found.results {
        if let Some(error) = result.error {
            return Err(Error::from_result(&error.message, &error.code));
        }
        for message in result.result {
            done = message.ends_with(last);
            context.info(message);
        }
    }
    Ok(done)
}
