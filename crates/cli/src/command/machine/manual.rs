//! `add-machine ssh:[user@]host`: takes in a host that is there already, over the user's own OpenSSH (`wire/commands-machines.md` 4).
//!
//! It must not know what the controller's script does. The surprise: it asks nothing of the host but sshd and a POSIX shell, where the
//! original wants bash, sudo and systemd; and what it began it takes back, the machine's record too.

mod program;

use std::path::PathBuf;

use base::chance::{Chance, SystemChance};
use serde_json::{Value, json};
use wire::facade::machine_manager::{AddMachinesResults, DestroyMachineResults, ProvisioningScriptResult};
use wire::facade::model_config::ConfigValue;

use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::manual::Login;
use crate::manual::detect::{self, Found};

type Config = std::collections::BTreeMap<String, ConfigValue>;

/// Adds the host that `directive` names, `[user@]host`.
pub(super) async fn add(context: &mut Context, api: &Api, config: &Config, directive: &str) -> Result<()> {
    let keys = keys_to_install(context)?;
    let login = Login::find(context, directive).await?;
    detect::check_is_new(&login).await?;
    let found = detect::detect(&login).await?;
    let nonce = format!("manual:{}:{}", login.host, SystemChance.uuid());
    let id = record(api, &login, &found, &nonce).await?;
    let outcome = match script(api, config, &id, &nonce).await {
        Ok(script) => {
            let program = program::to_bring(config, &found);
            let told = program::Told { script: &script, keys: &keys, program };
            tokio::select! {
                outcome = program::run(&login, &told) => outcome,
                () = context.interrupted() => Err(Error::failed("interrupted")),
            }
        }
        Err(error) => {
            context.log_error("cannot obtain provisioning script");
            Err(error)
        }
    };
    match outcome {
        Ok(()) => {
            context.info(format!("created machine {id}"));
            Ok(())
        }
        Err(error) => {
            context.log_error(format!("provisioning failed, removing machine {id}: {error}"));
            if let Err(kept) = remove(api, &id).await {
                context.log_error(format!("error cleaning up machine: {kept}"));
            }
            Err(error)
        }
    }
}

async fn record(api: &Api, login: &Login, found: &Found, nonce: &str) -> Result<String> {
    let mut one = json!({
        "constraints": {},
        "jobs": ["JobHostUnits"],
        "parent-id": "",
        "container-type": "",
        "instance-id": format!("manual:{}", login.host),
        "nonce": nonce,
        "hardware-characteristics": {"arch": found.arch, "mem": found.mem, "cpu-cores": found.cores},
        "addresses": addresses(&login.host),
    });
    if let Some(base) = &found.base {
        one["base"] = json!({"name": base.name, "channel": base.channel});
    }
    let results: AddMachinesResults = api
        .call("MachineManager", "AddMachines", json!({"params": [one]}))
        .await
        .map_err(|e| e.explain_block("all"))?;
    match results.machines.as_slice() {
        [one] => match &one.error {
            Some(error) => Err(Error::from_result(&error.message, &error.code)),
            None => Ok(one.machine.clone()),
        },
        many => Err(Error::failed(format!("expected 1 result, got {}", many.len()))),
    }
}

/// A host that was named by an address is to be found there, also when its own interfaces know nothing of it.
fn addresses(host: &str) -> Value {
    let Ok(ip) = host.parse::<std::net::IpAddr>() else { return Value::Null };
    let (kind, private) = match ip {
        std::net::IpAddr::V4(ip) => ("ipv4", ip.is_private()),
        std::net::IpAddr::V6(ip) => ("ipv6", ip.is_unique_local()),
    };
    if ip.is_loopback() || ip.is_unspecified() {
        return Value::Null;
    }
    json!([{"value": host, "type": kind, "scope": if private { "local-cloud" } else { "public" }}])
}

async fn script(api: &Api, config: &Config, id: &str, nonce: &str) -> Result<String> {
    let off = |key: &str| config.get(key).is_some_and(|v| v.value == Value::Bool(false));
    let params = json!({
        "machine-id": id,
        "nonce": nonce,
        "data-dir": "",
        "disable-package-commands": off("enable-os-refresh-update") && off("enable-os-upgrade"),
    });
    let result: ProvisioningScriptResult = api.call("MachineManager", "ProvisioningScript", params).await?;
    Ok(result.script)
}

async fn remove(api: &Api, id: &str) -> Result<()> {
    let params = json!({"machine-tags": [format!("machine-{id}")]});
    let results: DestroyMachineResults = api.call("MachineManager", "DestroyMachineWithParams", params).await?;
    match results.results.into_iter().find_map(|one| one.error) {
        Some(error) => Err(Error::from_result(&error.message, &error.code)),
        None => Ok(()),
    }
}

/// Keys to be let in beside the model's: the file that `--public-key` names.
fn keys_to_install(context: &mut Context) -> Result<String> {
    let Some(typed) = context.args.text("public-key").filter(|typed| !typed.is_empty()) else {
        return Ok(String::new());
    };
    let path = match typed.starts_with("~/") || typed.starts_with('/') {
        true => context.io.path(typed),
        // As the original has it: beside the user's own keys.
        false => context.io.home().join(".ssh").join(typed),
    };
    let found = [path.clone(), context.io.cwd.join(typed)].into_iter().find(|path: &PathBuf| path.is_file());
    match found.map(std::fs::read_to_string) {
        Some(Ok(text)) => Ok(text),
        _ => Err(Error::failed(format!("cannot reading authorized-keys: cannot read {}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_and_a_name_is_not() {
        let check = |host: &str, expected: Value| assert_eq!(addresses(host), expected, "{host}");
        check("10.0.0.7", json!([{"value": "10.0.0.7", "type": "ipv4", "scope": "local-cloud"}]));
        check("192.0.2.7", json!([{"value": "192.0.2.7", "type": "ipv4", "scope": "public"}]));
        check("fd00::7", json!([{"value": "fd00::7", "type": "ipv6", "scope": "local-cloud"}]));
        check("127.0.0.1", Value::Null);
        check("box", Value::Null);
        check("", Value::Null);
    }
}
