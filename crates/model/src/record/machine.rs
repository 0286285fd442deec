//! A machine as its user wants it: what was asked, and whether it should still be there. What became of it is in `instance` and `agent`.
//!
//! ```text
//!          add                destroy                  nothing on it, agent told        instance gone
//!   ( ) --------> alive ------------------> dying --------------------------> dead -------------------> removed
//!                  user    user (or its host)          worker `undertake`            worker `undertake`
//! ```
//! The surprise: the record always outlives the instance. It is removed in one transaction with `instance`, `agent` and `enrolment`,
//! and only once the cloud said that the instance is gone (or `keep_instance` is set, or the forced removal's time is over).

use super::Record;
use super::upgrade::Upgrade;
use base::clock::Time;
use base::storage::Disk;
use base::{Constraints, Life, MachineId, OsBase};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// `0`, `0/lxd/1`.
    pub id: MachineId,
    pub life: Life,
    pub base: OsBase,
    /// The machine's own, merged with the model's at the time it was added: what the cloud is asked for.
    #[serde(default)]
    pub constraints: Constraints,
    /// A directive for the cloud (`zone=a`), as typed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub placement: String,
    /// `JobHostUnits`, and `JobManageModel` for the controller's own.
    pub jobs: Vec<String>,
    /// Beside its root disk. They come and go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<Disk>,
    pub created: Time,
    /// What the cloud cannot honour of what was asked, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_instance: bool,
    /// Its removal, once asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
    /// The user asked to try again after a failed start; the provisioner clears it when it does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retry: bool,
    /// To another release of its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Box<Upgrade>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Removal {
    pub asked: Time,
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Forced: from then on nothing is waited for any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_at: Option<Time>,
}

impl Removal {
    /// It was asked for in what is the future now: the clock was set back meanwhile, and its times mean nothing as they stand.
    pub fn is_ahead_of(&self, now: Time) -> bool {
        self.asked.since(now) > CLOCKS_DIFFER
    }

    /// The same, as if it was asked for now. A time that was set after the clock was stays.
    pub fn as_of(&self, now: Time) -> Removal {
        let force_at = self.force_at.map(|at| if at > self.asked { now.plus(at.since(self.asked)) } else { at });
        Removal { asked: now, force: self.force, force_at }
    }
}

/// How long an agent that is connected may take to end the tasks of a dying machine.
pub const FAREWELL: Duration = Duration::from_secs(5);

/// By so much the clocks of several controllers may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

fn is_false(value: &bool) -> bool {
    !value
}

impl Record for Machine {
    const NOUN: &'static str = "machine";
}

impl Machine {
    pub fn is_controller(&self) -> bool {
        self.jobs.iter().any(|job| job == "JobManageModel")
    }
}
