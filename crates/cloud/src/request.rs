//! What a cloud is told: models, and instances to start.
//! A request is whole: a cloud asks nobody anything. The surprise: a file of it may be given by its path on the controller's host, since
//! a cloud on the same host links a binary of 30 MB rather than copy it for each of a thousand machines.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::Constraints;
use base::storage::Disk;

use crate::Error;

/// A model, for what its machines share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelRef {
    /// Uuids.
    pub controller: String,
    pub model: String,
    /// For people; it may change.
    pub name: String,
}

/// An instance to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    pub model: ModelRef,
    /// `0`, `0/lxd/1`.
    pub machine: String,
    /// See [`instance_name`]: unique in a controller, and the host name of the instance.
    pub name: String,
    /// `ubuntu@24.04`; empty: the cloud's default.
    pub base: String,
    /// The instance of the machine that this one lives inside (containers).
    pub parent: Option<crate::InstanceId>,
    pub constraints: Constraints,
    /// Beside the root disk; those that [`crate::Cloud::check_disks`] let pass.
    pub disks: Vec<Disk>,
    /// One of the cloud's zones, if it has any: there and nowhere else.
    pub zone: Option<String>,
    /// Written before the first process runs.
    pub files: Vec<File>,
    /// The program (path inside, then arguments) that keeps the agent running; the cloud has it started at each boot.
    pub agent: Vec<String>,
    /// What runs in the agent's place once it has left ([`crate::Cloud::release_instance`]).
    pub heir: Option<Heir>,
    /// Lines for the login user's `authorized_keys`.
    pub authorized_keys: Vec<String>,
    /// For images with cloud-init, over what the cloud tells them itself (`cloudinit-userdata` of Juju's models).
    pub user_data: serde_json::Map<String, serde_json::Value>,
    /// For whoever looks at the cloud by its own means.
    pub tags: BTreeMap<String, String>,
    /// The instance's ssh host keys, made by the controller so that it knows them before the first login.
    pub host_keys: Vec<HostKey>,
}

/// `juju-<last 6 digits of the model's uuid>-<machine>`, slashes as dashes.
pub fn instance_name(model_uuid: &str, machine: &str) -> String {
    let digits: String = model_uuid.chars().filter(|c| *c != '-').collect();
    let tail: String = digits.chars().skip(digits.chars().count().saturating_sub(6)).collect();
    format!("juju-{tail}-{}", machine.replace('/', "-"))
}

/// Who follows the agent on an instance that is kept without us: our program with other arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heir {
    /// The exit status by which the agent says that it has left.
    pub after: i32,
    pub args: Vec<String>,
}

/// A file in the instance.
#[derive(Clone)]
pub struct File {
    /// Absolute, inside the instance; directories above it are made (0755, root).
    pub path: String,
    pub mode: u32,
    pub owner: Owner,
    pub content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Root,
    /// The login user (`ubuntu`).
    Login,
}

#[derive(Clone)]
pub enum Content {
    /// May hold secrets: never printed.
    Bytes(Arc<[u8]>),
    /// A file on the controller's host, read-only: a cloud there may link it.
    OnHost(PathBuf),
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("File");
        shown.field("path", &self.path).field("mode", &format_args!("{:o}", self.mode)).field("owner", &self.owner);
        match &self.content {
            Content::Bytes(bytes) => shown.field("bytes", &bytes.len()),
            Content::OnHost(path) => shown.field("on_host", path),
        };
        shown.finish()
    }
}

/// An ssh host key pair.
#[derive(Clone)]
pub struct HostKey {
    /// The file is `/etc/ssh/ssh_host_<kind>_key`: `ed25519`.
    pub kind: String,
    /// One line, as in the `.pub` file.
    pub public: String,
    /// OpenSSH's PEM: never printed.
    pub private: Arc<str>,
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostKey").field("kind", &self.kind).field("public", &self.public).finish_non_exhaustive()
    }
}

/// Where a cloud says how far it is: short texts that `status` shows (`Creating container`). Called often; never waits.
#[derive(Clone)]
pub struct Progress {
    say: Say,
    printed: Say,
    wanted: Arc<AtomicBool>,
}

type Say = Arc<dyn Fn(&str) + Send + Sync>;

impl Progress {
    pub fn new(say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Progress { say: Arc::new(say), printed: Arc::new(|_| {}), wanted: Arc::new(AtomicBool::new(true)) }
    }

    /// Who is told what an instance printed that did not come up.
    #[must_use]
    pub fn and_printed(self, printed: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Progress { printed: Arc::new(printed), ..self }
    }

    /// Until this is false the instance is wanted.
    #[must_use]
    pub fn while_wanted(self, wanted: Arc<AtomicBool>) -> Self {
        Progress { wanted, ..self }
    }

    /// An error once the instance is wanted no more. To be asked between two steps, not in one: what a server is at goes on though nobody listens,
    /// and what it has not shown yet nobody finds. The start then ends as after any error, with what it made taken back.
    pub fn go_on(&self) -> Result<(), Error> {
        match self.wanted.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(Error::transient("its machine is to go")),
        }
    }

    /// One that nobody listens to.
    pub fn silent() -> Self {
        Progress::new(|_| {})
    }

    pub fn say(&self, message: &str) {
        (self.say)(message);
    }

    /// The console of an instance that is about to be removed since it did not come up: nobody can ask for it later. 64 KiB at most.
    pub fn printed(&self, console: &str) {
        (self.printed)(console);
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_named_as_juju_does() {
        let check = |uuid, machine, name| assert_eq!(instance_name(uuid, machine), name);
        check("f47ac10b-58cc-4372-a567-0e02b2c3d479", "0", "juju-c3d479-0");
        check("f47ac10b-58cc-4372-a567-0e02b2c3d479", "0/lxd/1", "juju-c3d479-0-lxd-1");
        check("abc", "7", "juju-abc-7");
    }

    #[test]
    fn a_start_goes_on_while_it_is_wanted() {
        Progress::silent().go_on().expect("nobody says otherwise");
        let wanted = Arc::new(AtomicBool::new(true));
        let progress = Progress::silent().while_wanted(wanted.clone());
        progress.clone().go_on().expect("wanted");
        wanted.store(false, Ordering::Relaxed);
        assert_eq!(progress.go_on().expect_err("not any more").to_string(), "its machine is to go");
    }

    #[test]
    fn secrets_do_not_print() {
        let file = File {
            path: "/a".into(),
            mode: 0o600,
            owner: Owner::Root,
            content: Content::Bytes(Arc::from(&b"hunter2"[..])),
        };
        let key = HostKey { kind: "ed25519".into(), public: "ssh-ed25519 AAAA".into(), private: "hunter2".into() };
        let shown = format!("{file:?} {key:?}");
        assert!(!shown.contains("hunter2") && shown.contains("600"), "{shown}");
    }
}
