//! What the cloud said of a machine: its instance, and how far its start has come. Written by the reconcilers alone.
//! It does not know what was wanted. The surprise: it exists from the moment the machine is added, as `pending` with no instance id,
//! so that whoever waits for a machine always sees what it waits for, since when, and when the next try is.

use super::Record;
use super::address::Address;
use super::status::{InstanceStatus, Status};
use base::Hardware;
use base::clock::Time;
use base::storage::MadeDisk;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Instance {
    /// The cloud's id for it; empty before there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    pub status: Status<InstanceStatus>,
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub hardware: Hardware,
    /// As the cloud reports them. What clients see is these, or the agent's when the cloud knows none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Those of the machine's disks that the cloud made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<MadeDisk>,
    #[serde(default, skip_serializing_if = "Provisioning::is_idle")]
    pub provisioning: Provisioning,
    /// What an instance printed that did not come up is kept (`crate::output::first_boot`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_boot: bool,
}

/// Long work is a record: how often it was tried, what the last failure said, when it will be tried again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Provisioning {
    pub attempts: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Time>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
    /// The zone of the present try; empty where the cloud has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// Zones in which it did not start, until it was tried in all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_zones: Vec<String>,
}

/// How the instance id of a host begins that was taken in; its address follows, as its user typed it (`wire/commands-machines.md` 4).
pub const MANUAL: &str = "manual:";

/// What is said of such a host, which no cloud asks after.
pub const MANUALLY: &str = "Manually provisioned machine";

/// No pause between two tries is longer.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(900);

impl Provisioning {
    /// When the next try is, if that is still to come. A time beyond the longest pause was set before the clock was set back: it is now.
    pub fn waits_until(&self, now: Time) -> Option<Time> {
        self.next_try.filter(|next| *next > now && next.since(now) <= LONGEST_PAUSE)
    }

    pub fn is_idle(&self) -> bool {
        *self == Provisioning::default()
    }
}

impl Instance {
    /// As it is the moment its machine is added.
    pub fn pending(now: Time) -> Instance {
        Instance {
            instance_id: String::new(),
            display_name: String::new(),
            status: Status::new(InstanceStatus::Pending, "", now),
            hardware: Hardware::default(),
            addresses: Vec::new(),
            disks: Vec::new(),
            provisioning: Provisioning::default(),
            first_boot: false,
        }
    }

    pub fn is_provisioned(&self) -> bool {
        !self.instance_id.is_empty()
    }

    /// A host that was there before and was taken in: no cloud started it, none can stop it. Its agent takes itself away.
    pub fn is_manual(&self) -> bool {
        self.instance_id.starts_with(MANUAL)
    }
}

pub(super) fn is_unknown(hardware: &Hardware) -> bool {
    *hardware == Hardware::default()
}

impl Record for Instance {
    const NOUN: &'static str = "instance";
}
