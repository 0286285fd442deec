//! What an agent is told at its machine's first boot, kept beside what it becomes: a JSON file that whoever starts the machine
//! writes and the agent keeps up to date.
//! It must not know how the machine was started. The surprise: the controller's addresses in it are the newest that the agent
//! heard of, not the first.

use std::io;
use std::path::{Path, PathBuf};

use base::Secret;
use serde::{Deserialize, Serialize};

/// `/var/lib/juju/agents/machine-N/agent.conf`, mode 0600.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    /// `host:port`, never empty.
    pub addresses: Vec<String>,
    /// Those of the first boot: a way back when the newest lead nowhere, as a network between host and machine does not move with the host.
    #[serde(default)]
    pub boot_addresses: Vec<String>,
    /// PEM; nothing else is trusted.
    pub ca_cert: String,
    pub model_uuid: String,
    /// `0`, `0/lxd/1`.
    pub machine: String,
    pub token: Secret,
    /// Above it everything that the agent keeps lies; `/var/lib/juju`.
    #[serde(default = "data_dir")]
    pub data_dir: PathBuf,
    /// Whom the model's keys let in, and who runs commands; where there is no such user, root runs them.
    #[serde(default = "login_user")]
    pub login_user: String,
    /// Keep our ssh server running, for machines where no sshd is.
    #[serde(default = "yes")]
    pub ssh_server: bool,
    /// The machine is a host that was there before, and is to be as it was when its agent goes.
    #[serde(default)]
    pub taken_in: bool,
}

fn yes() -> bool {
    true
}

pub fn login_user() -> String {
    "ubuntu".into()
}

/// Where Juju's tools look.
pub fn data_dir() -> PathBuf {
    "/var/lib/juju".into()
}

impl Config {
    /// Of a new machine, with what is everywhere the same.
    pub fn new(addresses: Vec<String>, ca_cert: String, model_uuid: String, machine: String, token: Secret) -> Self {
        Self {
            boot_addresses: addresses.clone(),
            addresses,
            ca_cert,
            model_uuid,
            machine,
            token,
            data_dir: data_dir(),
            login_user: login_user(),
            ssh_server: true,
            taken_in: false,
        }
    }

    /// All of the controller's addresses, in the order to try them.
    pub fn candidates(&self) -> Vec<String> {
        let older = self.boot_addresses.iter().filter(|address| !self.addresses.contains(address));
        self.addresses.iter().chain(older).cloned().collect()
    }

    /// Where a machine's file is: `machine` as in `0/lxd/1`.
    pub fn path(machine: &str) -> PathBuf {
        directory(&data_dir(), machine).join("agent.conf")
    }

    pub fn load(path: &Path) -> io::Result<Self> {
        Self::parse(&std::fs::read(path)?)
    }

    /// Reads the file's content.
    pub fn parse(content: &[u8]) -> io::Result<Self> {
        let config: Self = serde_json::from_slice(content)?;
        if config.addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no controller address"));
        }
        Ok(config)
    }

    /// The file's content, for whoever writes it at first boot.
    pub fn to_json(&self) -> String {
        // Strings and lists of strings alone: nothing in it can fail to be JSON.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub fn save(&self, path: &Path) -> io::Result<()> {
        host::files::write(path, self.to_json().as_bytes(), 0o600)
    }

    pub fn directory(&self) -> PathBuf {
        directory(&self.data_dir, &self.machine)
    }

    /// Where the machine's own settings are. An agent whose files lie elsewhere than every machine's has the host to itself no more than others.
    pub fn etc(&self) -> PathBuf {
        etc(&self.data_dir)
    }
}

pub(crate) fn etc(of_agent: &Path) -> PathBuf {
    if of_agent == data_dir() { PathBuf::from("/etc") } else { of_agent.join("etc") }
}

fn directory(data_dir: &Path, machine: &str) -> PathBuf {
    data_dir.join("agents").join(format!("machine-{}", machine.replace('/', "-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_shown_without_its_secret() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("agent.conf");
        let text = r#"{"addresses":["10.0.0.1:17070"],"ca-cert":"PEM","model-uuid":"u","machine":"0/lxd/1","token":"hunter2"}"#;
        std::fs::write(&path, text).expect("written");
        let config = Config::load(&path).expect("read");
        assert_eq!(config.directory(), Path::new("/var/lib/juju/agents/machine-0-lxd-1"));
        assert!(!format!("{config:?}").contains("hunter2"));
        config.save(&path).expect("saved");
        assert_eq!(Config::load(&path).expect("read again").token.reveal(), "hunter2");
        let mut moved =
            Config::new(vec!["a:1".into(), "b:1".into()], String::new(), String::new(), String::new(), Secret::new(""));
        moved.addresses = vec!["c:1".into(), "b:1".into()];
        assert_eq!(moved.candidates(), ["c:1", "b:1", "a:1"]);
        std::fs::write(&path, text.replace("\"10.0.0.1:17070\"", "")).expect("written");
        assert!(Config::load(&path).is_err());
    }
}
