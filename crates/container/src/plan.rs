//! What one machine is to be, as the engine is told: all that its start needs, on disk, so that it can start again after a reboot of the host.
//! No secrets in here: files with secrets are written straight to the machine's disk.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disks::Disk;
use crate::network::Place;

/// Where the program that is process 1 lies inside a machine.
pub const INIT: &str = "/usr/lib/grigri/init";
/// First words of a command line that are not meant for people.
pub const INIT_WORD: &str = "container-init";
pub const HELPER_WORD: &str = "container-helper";
/// The end of the name of a machine's own control group; those of machines inside it are beside it, in a group that is bounded as a whole. A group
/// of version 2 holds either processes or groups.
pub const OWN: &str = "/own";
/// Microseconds; processor time is given in parts of it.
pub const PERIOD: u64 = 100_000;
/// User ids in a machine.
pub const IDS: u32 = 65536;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub id: String,
    pub hostname: String,
    /// Read-only directories that make up the root, the uppermost first.
    pub layers: Vec<PathBuf>,
    /// Below the root of each hierarchy: `/grigri/<key>/<id>/own`, or `/grigri.slice/...` under systemd; of one inside another
    /// `/grigri/<key>/<host's id>/<id>`.
    pub cgroup: String,
    pub limits: Limits,
    pub place: Option<Place>,
    /// The first of the host's user ids for this machine, where the kernel can map them on mounts.
    pub ids: Option<u32>,
    pub services: Vec<Service>,
    /// Beside the root.
    #[serde(default)]
    pub disks: Vec<Disk>,
    /// The directory of the machine that this one lives inside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub mem_mib: Option<u64>,
    pub cores: Option<u64>,
    pub pids: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { mem_mib: None, cores: None, pids: 8192 }
    }
}

/// A program that process 1 keeps running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub command: Vec<String>,
    /// What runs in its place once it has left for good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub heir: Option<Heir>,
}

/// Who follows a service that ends with a certain status, then and at every later boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heir {
    pub after: i32,
    pub name: String,
    pub command: Vec<String>,
}

impl Service {
    /// The service that follows it, if it has an heir.
    pub fn succeeded(&self) -> Option<Service> {
        let heir = self.heir.as_ref()?;
        Some(Service { name: heir.name.clone(), command: heir.command.clone(), heir: None })
    }
}

impl Plan {
    pub fn init_args(&self) -> Vec<String> {
        let services = serde_json::to_string(&self.services).unwrap_or_else(|_| "[]".to_owned());
        vec![INIT.to_owned(), INIT_WORD.to_owned(), services, self.part().word().to_owned()]
    }

    /// The control group that holds all of the machine, with those inside it.
    pub fn group(&self) -> &str {
        self.cgroup.strip_suffix(OWN).unwrap_or(&self.cgroup)
    }

    pub fn part(&self) -> Part {
        match self.host {
            None => Part::Host,
            Some(_) => Part::Guest,
        }
    }
}

/// What a machine is to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Others may live inside it.
    Host,
    /// It lives inside another.
    Guest,
}

impl Part {
    pub fn word(self) -> &'static str {
        match self {
            Part::Host => "host",
            Part::Guest => "guest",
        }
    }

    pub fn of(word: &str) -> Option<Part> {
        [Part::Host, Part::Guest].into_iter().find(|part| part.word() == word)
    }
}

/// The files of a machine on the host.
#[derive(Debug, Clone)]
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    /// Holds `upper` and `work`.
    pub fn disk(&self) -> PathBuf {
        self.0.join("disk")
    }

    /// What differs from the layers.
    pub fn upper(&self) -> PathBuf {
        self.0.join("disk/upper")
    }

    pub fn work(&self) -> PathBuf {
        self.0.join("disk/work")
    }

    /// Says that the disk's files belong to the machine's own ids; to be removed by whoever writes more files to it from outside.
    pub fn shifted(&self) -> PathBuf {
        self.0.join("shifted")
    }

    /// Where the helper puts the root together, in a mount namespace of its own.
    pub fn stage(&self) -> PathBuf {
        self.0.join("stage")
    }

    /// Where the helper mounts a disk of the machine.
    pub fn mounted(&self, number: usize) -> PathBuf {
        self.0.join(format!("stage/d{number}"))
    }

    /// The file of the disk of this name.
    pub fn disk_file(&self, name: &str) -> PathBuf {
        self.0.join("disks").join(format!("{name}.img"))
    }

    pub fn bundle(&self) -> PathBuf {
        self.0.join("bundle")
    }

    pub fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    pub fn console(&self) -> PathBuf {
        self.0.join("console.log")
    }

    pub fn running(&self) -> PathBuf {
        self.0.join("running.json")
    }

    /// Written to whenever the machine begins again, for those inside it.
    pub fn boots(&self) -> PathBuf {
        self.0.join("boots")
    }

    pub fn busy(&self) -> PathBuf {
        self.0.join("busy")
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}
