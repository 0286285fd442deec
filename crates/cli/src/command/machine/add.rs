//! `add-machine`: asks for machines; tells their ids on stderr, where the original tells them.

use serde_json::json;
use wire::facade::machine_manager::{AddMachinesResults, Constraints as Disk};

use super::{config, disks, manual};
use crate::command::{Command, Scope};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COMMAND: Command = Command {
    name: "add-machine",
    args: "[<container-type>[:<machine-id>] | ssh:[<user>@]<host> | <placement>]",
    purpose: "Provision a new machine or assign one to the model.",
    doc: "Adds machines to the model: new ones of its cloud, or containers on machines that it has.\n\
          Without an argument the cloud chooses where. The ids of the new machines are told on stderr;\n\
          they start in the background, see `juju machines`.\n\n\
          The bases of the cloud 'builtin' are listed and added by 'bases' and 'add-base' on the controller's host; which\n\
          there are is told, too, by the message of a machine that asked for another. On LXD and Incus a base is an image\n\
          that the server has or can fetch; without --base it is the model's `default-base`, else the server's first:\n\
          Ubuntu 24.04, the newest LTS, another Ubuntu, Debian, others.\n\n\
          `lxd:3` puts a container into machine 3, `lxd` into a new one: on the cloud 'builtin' beside it, on LXD and Incus in\n\
          a server inside the machine, which is installed there if there is none.\n\n\
          `--disks` gives a machine disks beside its root disk: POOL, SIZE and COUNT in any order, several with blanks\n\
          between. Without a pool they are of 'loop', without a size they have 1 GiB. On the cloud 'builtin' they are mounted\n\
          as /mnt/disk0, /mnt/disk1 and so on; see 'storage-pools' and 'storage --filesystem'.\n\n\
          With `ssh:[user@]host` a host that is there already is taken in: any Linux with sshd and a POSIX shell,\n\
          as root or as a user who may become root by sudo without a password. It is logged in to with your own\n\
          ssh and its settings. What fails leaves neither a machine nor a file; `remove-machine` leaves the\n\
          host as it was.",
    examples: "\n    juju add-machine\n    juju add-machine -n 3 --constraints \"cores=2 mem=4G\"\n    \
               juju add-machine lxd:0 --base ubuntu@24.04\n    juju add-machine zone=a\n    \
               juju add-machine --disks \"2,1G tmpfs,64M\"\n    \
               juju add-machine ssh:root@10.0.0.7 --private-key ~/.ssh/lab",
    see_also: &["machines", "remove-machine", "model-constraints", "storage-pools", "storage", "bases"],
    flags: &[
        Flag::text(&["base"], "The operating system base to install on the new machine(s)"),
        Flag::texts(&["constraints"], "Machine constraints that overwrite those of the model"),
        Flag::checked(
            &["disks"],
            "",
            |value| disks::parse(value).map(|_| ()),
            "Storage constraints for disks to attach to the machine(s)",
        ),
        Flag::int(&["n"], "1", "The number of machines to add"),
        Flag::text(&["private-key"], "Path to the private key to use during the connection"),
        Flag::text(&["public-key"], "Path to the public key to add to the remote authorized keys"),
        Flag::text(&["series"], "The operating system series to install on the new machine(s). DEPRECATED use --base"),
    ],
    scope: Scope::Model,
    machines_only: true,
    run: |context| Box::pin(run(context)),
    ..Command::BASE
};

/// Where a machine is to go, as typed.
struct Target {
    scope: String,
    directive: String,
}

async fn run(context: &mut Context) -> Result<()> {
    context.args.at_most(1)?;
    let target = context.args.get(0).map(target).transpose()?.flatten();
    let count = context.args.int("n").unwrap_or(1);
    if count < 0 {
        return Err(Error::usage("-n must not be negative"));
    }
    if count > 1 && target.as_ref().is_some_and(|t| !t.directive.is_empty()) {
        return Err(Error::usage("cannot use -n when specifying a placement directive"));
    }
    let base = base(context)?;
    let constraints = constraints(context)?;
    let mut volumes: Vec<Disk> = Vec::new();
    for list in context.args.texts("disks") {
        volumes.extend(disks::parse(list).map_err(Error::usage)?);
    }
    let api = context.model_api().await?;
    let denied = |e: Error| e.explain_permission("add a machine to this model");
    let in_model = config::read(&api).await.map_err(denied)?;
    config::check(&in_model)?;
    let placement = match target {
        Some(t) if t.scope == "ssh" => {
            // The original says nothing, as of a base and of constraints: these the host has or has not, disks nobody would find there.
            if context.args.given("disks") {
                context.warn("--disks has no effect on a host that is there already");
            }
            return manual::add(context, &api, &in_model, &t.directive).await;
        }
        Some(t) if t.scope == "#" => {
            return Err(Error::failed("machine-id cannot be specified when adding machines"));
        }
        Some(t) if t.scope == "model-uuid" => Some(json!({"scope": api.model_uuid, "directive": t.directive})),
        Some(t) => Some(json!({"scope": t.scope, "directive": t.directive})),
        None => None,
    };
    let mut one = json!({
        "constraints": constraints,
        "jobs": ["JobHostUnits"],
        "parent-id": "",
        "container-type": "",
        "instance-id": "",
        "nonce": "",
        "hardware-characteristics": {},
        "addresses": null,
    });
    if let Some(base) = base {
        one["base"] = json!({"name": base.name, "channel": base.channel});
    }
    if let Some(placement) = placement {
        one["placement"] = placement;
    }
    if !volumes.is_empty() {
        one["disks"] = json!(volumes);
    }
    let params = vec![one; usize::try_from(count).unwrap_or(1)];
    let results: AddMachinesResults = api
        .call("MachineManager", "AddMachines", json!({"params": params}))
        .await
        .map_err(|e| e.explain_block("all"))?;
    tell(context, &results)
}

fn tell(context: &mut Context, results: &AddMachinesResults) -> Result<()> {
    let mut errors: Vec<&str> = Vec::new();
    for result in &results.machines {
        match &result.error {
            Some(error) => errors.push(&error.message),
            None if result.machine.contains('/') => context.info(format!("created container {}", result.machine)),
            None => context.info(format!("created machine {}", result.machine)),
        }
    }
    match errors.len() {
        0 => Ok(()),
        n => {
            let plural = if n == 1 { "" } else { "s" };
            context.note(format!("failed to create {n} machine{plural}\n"));
            Err(Error::failed(errors.join("\n")))
        }
    }
}

/// Reads a placement; what has no scope is the provider's own affair.
fn target(text: &str) -> Result<Option<Target>> {
    use base::placement::PlacementError;
    match base::Placement::parse(text) {
        Ok(placement) => Ok(placement.map(|p| Target { scope: p.scope, directive: p.directive })),
        Err(PlacementError::ScopeMissing) => {
            Ok(Some(Target { scope: "model-uuid".to_owned(), directive: text.to_owned() }))
        }
        Err(error) => Err(Error::usage(error.to_string())),
    }
}

fn constraints(context: &mut Context) -> Result<base::Constraints> {
    let text = context.args.texts("constraints").join(" ");
    if text.split_whitespace().any(|word| word.starts_with("cpu-cores=")) {
        context.note("Warning: constraint \"cpu-cores\" is deprecated in favor of \"cores\".\n");
    }
    base::Constraints::parse(&text).map_err(|e| Error::failed(e.to_string()))
}

fn base(context: &mut Context) -> Result<Option<base::OsBase>> {
    let given = |name: &str| context.args.text(name).filter(|v| !v.is_empty()).map(str::to_owned);
    let (base, series) = (given("base"), given("series"));
    if base.is_some() && series.is_some() {
        return Err(Error::usage("--series and --base cannot be specified together"));
    }
    if let Some(series) = series {
        if series == "kubernetes" {
            return Err(Error::failed("command \"add-machine\" does not support container models"));
        }
        context.warn("series flag is deprecated, use --base instead");
        return match base::release::number("ubuntu", &series) {
            Some(version) => Ok(Some(base::OsBase { name: "ubuntu".to_owned(), channel: format!("{version}/stable") })),
            None => {
                Err(Error::failed(format!("attempting to convert {series:?} to a base: series {series:?} not valid")))
            }
        };
    }
    base.map(|text| base::OsBase::parse(&text).map_err(|e| Error::failed(e.to_string()))).transpose()
}
