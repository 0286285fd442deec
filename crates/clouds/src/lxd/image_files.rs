//! What an image has that matters to its first boot: accounts, what its first process is, who sets it up.
//! It changes nothing. The surprise: the server tells a folder's names quickly and a file's bytes slowly, so mostly folders are asked for.

use std::collections::BTreeSet;

use super::client::Client;
use super::error::Failed;

/// Files of an instance that was not started yet.
#[derive(Debug, Default, Clone)]
pub struct ImageFiles {
    pub passwd: String,
    pub group: String,
    pub shadow: String,
    pub hosts: String,
    /// Names in `/etc`, `/etc/ssh` and where programs and systemd's parts are.
    pub etc: BTreeSet<String>,
    pub ssh: BTreeSet<String>,
    pub programs: BTreeSet<String>,
    pub systemd: BTreeSet<String>,
    /// What the image says of its network to those who set it up, whichever of them it has.
    pub networks: BTreeSet<String>,
    /// Of an init that reads one.
    pub inittab: Option<String>,
}

impl ImageFiles {
    pub async fn look(client: &Client, instance: &str) -> Result<ImageFiles, Failed> {
        let text = async |path: &str| -> Result<Option<String>, Failed> {
            let bytes = client.file(instance, path).await?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let names = async |paths: &[&str]| -> Result<BTreeSet<String>, Failed> {
            let mut all = BTreeSet::new();
            for path in paths {
                all.extend(client.folder(instance, path).await?.into_iter().flatten());
            }
            Ok(all)
        };
        let etc = names(&["/etc"]).await?;
        let inittab = if etc.contains("inittab") { text("/etc/inittab").await? } else { None };
        Ok(ImageFiles {
            passwd: text("/etc/passwd").await?.unwrap_or_default(),
            group: text("/etc/group").await?.unwrap_or_default(),
            shadow: text("/etc/shadow").await?.unwrap_or_default(),
            hosts: text("/etc/hosts").await?.unwrap_or_default(),
            ssh: names(&["/etc/ssh"]).await?,
            programs: names(&["/usr/bin", "/bin", "/usr/sbin"]).await?,
            systemd: names(&["/usr/lib/systemd", "/lib/systemd"]).await?,
            networks: names(&[
                "/etc/systemd/network",
                "/etc/netplan",
                "/etc/network/interfaces.d",
                "/etc/NetworkManager/system-connections",
            ])
            .await?,
            inittab,
            etc,
        })
    }

    pub fn has_systemd(&self) -> bool {
        self.systemd.contains("systemd")
    }

    /// Nothing in the image would ask for an address, and something could.
    pub fn wants_network(&self) -> bool {
        let others =
            ["ifup", "NetworkManager", "cloud-init", "netplan"].iter().any(|name| self.programs.contains(*name));
        // In a container whose `/sys` is writable, that program waits for the other one.
        let could = ["systemd-networkd", "systemd-udevd"].iter().all(|name| self.systemd.contains(*name));
        could && self.networks.is_empty() && !others
    }
}
