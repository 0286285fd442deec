//! What a machine's agent said of itself and its machine. Written when the agent's stream brings it; it knows nothing of clouds.
//! The surprise: whether the agent is connected now is not here. Presence lives in memory (`presence.rs`): ten thousand agents coming
//! back after a restart write nothing.

use super::Record;
use super::address::Address;
use super::status::{AgentStatus, Status};
use base::Hardware;
use base::clock::Time;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Agent {
    /// `pending` until the agent first connected, then `started`, `stopped`, `error`.
    pub status: Status<AgentStatus>,
    /// The version it runs; empty before it first connected.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boot_id: String,
    /// Public host keys, as in `/etc/ssh/ssh_host_*_key.pub`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_host_keys: Vec<String>,
    /// Read off the interfaces that the agent sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// What the machine itself can see of its hardware.
    #[serde(default, skip_serializing_if = "super::instance::is_unknown")]
    pub hardware: Hardware,
    /// The base found on it: `ubuntu@22.04`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// It said that it has taken itself off its host.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_left: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Interface {
    pub name: String,
    pub mac: String,
    pub up: bool,
    /// Without the prefix length.
    pub addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
}

impl Agent {
    /// As it is before it ever connected.
    pub fn pending(now: Time) -> Agent {
        Agent {
            status: Status::new(AgentStatus::Pending, "", now),
            version: String::new(),
            hostname: String::new(),
            boot_id: String::new(),
            ssh_host_keys: Vec::new(),
            addresses: Vec::new(),
            interfaces: Vec::new(),
            hardware: Hardware::default(),
            base: String::new(),
            has_left: false,
        }
    }
}

impl Record for Agent {
    const NOUN: &'static str = "agent";
}
