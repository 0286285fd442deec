//! Instances as the API shows them, and what they are to us.
//! An instance is ours by its marks alone, never by its name.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base::clock::Time;
use cloud::{Address, AddressScope, InstanceId, InstanceInfo, InstanceStatus};
use serde::{Deserialize, Deserializer};

/// Whether the server starts it when it begins itself; of ours, `false` until all that it needs is written.
pub const AUTOSTART: &str = "boot.autostart";

/// Keys of an instance's configuration that say whose it is (`wire/commands-controllers.md` 4.5).
pub mod mark {
    pub const CONTROLLER: &str = "user.juju-controller-uuid";
    pub const MODEL: &str = "user.juju-model-uuid";
    pub const MACHINE: &str = "user.juju-machine-id";
    /// Of the instance that the controller itself is in.
    pub const IS_CONTROLLER: &str = "user.juju-is-controller";
    /// The controller that an instance was let go by.
    pub const KEPT: &str = "user.grigri-kept-of";
    /// Our program's path inside.
    pub const PROGRAM: &str = "user.grigri-program";
    /// The unit of the agent inside, where systemd keeps it.
    pub const UNIT: &str = "user.grigri-unit";
    /// Of a machine with a server of containers in it that is ready: the server's socket.
    pub const INNER: &str = "user.grigri-inner";
    /// Of a machine, followed by the name of a container that may be in it: the container's model and machine.
    pub const INSIDE: &str = "user.grigri-inside.";

    /// Where a tag of the user's is; nothing for one that is a name of ours, or tells an instance what to do.
    pub fn of_tag(tag: &str) -> Option<String> {
        let is_ours = tag.starts_with("juju-") || tag.starts_with("grigri-");
        let tells = matches!(tag, "user-data" | "vendor-data" | "network-config" | "meta-data");
        (!is_ours && !tells).then(|| format!("user.{tag}"))
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Instance {
    pub name: String,
    pub status: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub architecture: String,
    pub location: String,
    #[serde(deserialize_with = "null_is_none")]
    pub config: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_none")]
    pub expanded_config: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_none")]
    pub expanded_devices: BTreeMap<String, BTreeMap<String, String>>,
    /// RFC 3339; before the first start a time in 1970 or before.
    pub last_used_at: String,
    /// RFC 3339.
    pub created_at: String,
    pub state: Option<State>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct State {
    pub status: String,
    /// Null of an instance that does not run.
    pub network: Option<BTreeMap<String, Interface>>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Interface {
    #[serde(deserialize_with = "null_is_none")]
    pub addresses: Vec<SeenAddress>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct SeenAddress {
    pub address: String,
    /// `global`, `link`, `local`.
    pub scope: String,
}

/// What the server has none of it may write as null.
pub fn null_is_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(given: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(given).map(Option::unwrap_or_default)
}

impl Instance {
    pub fn marked(&self, key: &str) -> &str {
        self.config.get(key).map_or("", String::as_str)
    }

    pub fn is_of(&self, controller: &str) -> bool {
        self.marked(mark::CONTROLLER) == controller
    }

    pub fn is_of_model(&self, controller: &str, model: &str) -> bool {
        self.is_of(controller) && self.marked(mark::MODEL) == model
    }

    pub fn is_machine(&self, controller: &str, model: &str, machine: &str) -> bool {
        self.is_of_model(controller, model) && self.marked(mark::MACHINE) == machine
    }

    pub fn is_controller(&self) -> bool {
        self.marked(mark::IS_CONTROLLER) == "true"
    }

    pub fn was_kept_by(&self, controller: &str) -> bool {
        self.marked(mark::KEPT) == controller
    }

    /// Whether it was ever started: what is older than that is half made.
    pub fn has_run(&self) -> bool {
        self.last_used_at.get(..4).and_then(|year| year.parse().ok()).is_some_and(|year: u32| year > 1970)
    }

    /// Its files were not all written, whoever started it since.
    pub fn is_half_made(&self) -> bool {
        self.config.get(AUTOSTART).is_some_and(|value| value == "false")
    }

    pub fn is_running(&self) -> bool {
        self.status == "Running"
    }

    pub fn addresses(&self) -> Vec<Address> {
        let networks = self.state.as_ref().and_then(|state| state.network.as_ref());
        let interfaces = networks.into_iter().flatten().filter(|(name, _)| is_outward(name)).map(|(_, one)| one);
        let seen = interfaces.flat_map(|one| &one.addresses).filter(|seen| seen.scope == "global");
        seen.filter_map(|seen| seen.address.parse().ok()).map(|value| Address { value, scope: scope(value) }).collect()
    }

    pub fn info(&self) -> InstanceInfo {
        InstanceInfo {
            id: InstanceId(self.name.clone()),
            model: self.marked(mark::MODEL).to_owned(),
            machine: self.marked(mark::MACHINE).to_owned(),
            status: status(&self.status, self.has_run()),
            detail: self.status.clone(),
            addresses: self.addresses(),
            since: Time::parse(&self.created_at),
        }
    }
}

/// Bridges that a machine has for containers of its own lead nowhere from outside.
fn is_outward(name: &str) -> bool {
    name != "lo"
        && !["lxdbr", "incusbr", "lxcbr", "docker", "virbr", "br-", "veth"].iter().any(|kind| name.starts_with(kind))
}

fn scope(value: IpAddr) -> AddressScope {
    let is_private = match value {
        IpAddr::V4(value) => value.is_private(),
        IpAddr::V6(value) => value.is_unique_local(),
    };
    if is_private { AddressScope::CloudLocal } else { AddressScope::Public }
}

fn status(word: &str, has_run: bool) -> InstanceStatus {
    match word {
        "Running" | "Ready" => InstanceStatus::Running,
        "Starting" | "Started" | "Thawed" => InstanceStatus::Allocating,
        "Stopped" if !has_run => InstanceStatus::Allocating,
        "Stopped" | "Frozen" => InstanceStatus::Stopped,
        "Stopping" | "Aborting" | "Freezing" => InstanceStatus::Stopping,
        "Error" => InstanceStatus::Error,
        _ => InstanceStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_read_as_the_api_shows_it() {
        let text = r#"{"name": "juju-a0a0a0-0", "status": "Running", "type": "container", "last_used_at": "2026-11-28T06:43:12Z",
            "created_at": "2026-11-28T06:43:02.123456789Z",
            "config": {"user.juju-controller-uuid": "c", "user.juju-model-uuid": "m", "user.juju-machine-id": "0/lxd/1"},
            "state": {"status": "Running", "network": {
                "lo": {"addresses": [{"family": "inet", "address": "127.0.0.1", "scope": "local"}]},
                "eth0": {"addresses": [{"family": "inet", "address": "10.1.2.3", "scope": "global"},
                                       {"family": "inet6", "address": "fe80::1", "scope": "link"}]},
                "lxdbr0": {"addresses": [{"family": "inet", "address": "10.9.9.1", "scope": "global"}]}}}}"#;
        let instance: Instance = serde_json::from_str(text).expect("JSON of the API");
        assert!(instance.is_machine("c", "m", "0/lxd/1") && instance.has_run() && !instance.is_of("d"));
        let info = instance.info();
        assert_eq!(info.since, Time::parse("2026-11-28T06:43:02.123456789Z"));
        assert_eq!((info.status, info.machine.as_str()), (InstanceStatus::Running, "0/lxd/1"));
        let shown: Vec<String> = info.addresses.iter().map(|one| format!("{} {:?}", one.value, one.scope)).collect();
        assert_eq!(shown, ["10.1.2.3 CloudLocal"]);
    }

    #[test]
    fn what_never_ran_is_still_being_made() {
        for never in ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", ""] {
            let instance = Instance { status: "Stopped".into(), last_used_at: never.into(), ..Instance::default() };
            assert_eq!((instance.has_run(), instance.info().status), (false, InstanceStatus::Allocating), "{never:?}");
        }
    }
}
