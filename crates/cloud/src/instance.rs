//! What a cloud says of an instance.
//! It must not know what a machine record is: `machine` and `model` are the marks that the instance bears.

use std::fmt;
use std::net::IpAddr;

use base::Hardware;
use base::clock::Time;
use base::storage::MadeDisk;
use serde::{Deserialize, Serialize};

/// The cloud's own name of an instance (for most clouds our instance name; EC2 gives its own).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub String);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An instance that runs, or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub id: InstanceId,
    /// For people, where the cloud's id is none (`juju-3f1c2a-0`); else the id.
    pub display_name: String,
    /// What the instance has, as far as the cloud knows it.
    pub hardware: Hardware,
    /// Those known already.
    pub addresses: Vec<Address>,
    /// One for each that was asked for.
    pub disks: Vec<MadeDisk>,
}

/// One instance as the cloud sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceInfo {
    pub id: InstanceId,
    /// The model's uuid that it bears.
    pub model: String,
    /// The machine's id that it bears: `0`, `0/lxd/1`.
    pub machine: String,
    pub status: InstanceStatus,
    /// The cloud's own word for its state (`Running`, `Container started`).
    pub detail: String,
    pub addresses: Vec<Address>,
    /// When it was made, where the cloud knows.
    pub since: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceStatus {
    /// Being made.
    Allocating,
    Running,
    /// It is there and does not run.
    Stopped,
    /// Being removed.
    Stopping,
    Error,
    Unknown,
}

impl InstanceStatus {
    /// Juju's word for it (`wire/protocol.md` 5.8).
    pub fn word(self) -> &'static str {
        match self {
            InstanceStatus::Allocating => "allocating",
            InstanceStatus::Running => "running",
            InstanceStatus::Error => "error",
            InstanceStatus::Stopped | InstanceStatus::Stopping | InstanceStatus::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    pub value: IpAddr,
    pub scope: AddressScope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AddressScope {
    #[serde(rename = "public")]
    Public,
    #[serde(rename = "local-cloud")]
    CloudLocal,
    #[serde(rename = "local-machine")]
    MachineLocal,
}
