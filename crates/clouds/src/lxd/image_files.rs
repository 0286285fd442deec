//! What an image has that matters to its first boot: accounts, what its first process is, who sets it up.
//! It changes nothing. The surprise: the server tells a folder's names quickly and a file's bytes slowly, so mostly folders are asked for.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;
use futures_util::try_join;

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

/// What images of these fingerprints have: the same in every instance that did not run yet, and each look is a process of the server's.
#[derive(Default)]
pub struct Known(Mutex<VecDeque<(String, Arc<ImageFiles>)>>);

impl Known {
    /// Images remembered; the oldest goes first.
    const MOST: usize = 32;

    pub async fn look(&self, client: &Client, instance: &str, fingerprint: &str) -> Result<Arc<ImageFiles>, Failed> {
        if let Some(found) = self.find(fingerprint) {
            return Ok(found);
        }
        let found = Arc::new(ImageFiles::look(client, instance).await?);
        self.keep(fingerprint, found.clone());
        Ok(found)
    }

    fn find(&self, fingerprint: &str) -> Option<Arc<ImageFiles>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|(known, _)| known == fingerprint).map(|(_, files)| files.clone())
    }

    fn keep(&self, fingerprint: &str, files: Arc<ImageFiles>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| known != fingerprint);
        all.push_back((fingerprint.to_owned(), files));
        while all.len() > Self::MOST {
            all.pop_front();
        }
    }
}

impl ImageFiles {
    pub async fn look(client: &Client, instance: &str) -> Result<ImageFiles, Failed> {
        let text = async |path: &str| -> Result<Option<String>, Failed> {
            let bytes = client.file(instance, path).await?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let names = async |paths: &[&str]| -> Result<BTreeSet<String>, Failed> {
            let each = try_join_all(paths.iter().map(|path| client.folder(instance, path))).await?;
            Ok(each.into_iter().flatten().flatten().collect())
        };
        let etc = names(&["/etc"]).await?;
        let inittab = if etc.contains("inittab") { text("/etc/inittab").await? } else { None };
        let (passwd, group, shadow, hosts) =
            try_join!(text("/etc/passwd"), text("/etc/group"), text("/etc/shadow"), text("/etc/hosts"))?;
        let (ssh, programs, systemd, networks) = try_join!(
            names(&["/etc/ssh"]),
            names(&["/usr/bin", "/bin", "/usr/sbin"]),
            names(&["/usr/lib/systemd", "/lib/systemd"]),
            names(&[
                "/etc/systemd/network",
                "/etc/netplan",
                "/etc/network/interfaces.d",
                "/etc/NetworkManager/system-connections",
            ]),
        )?;
        let [passwd, group, shadow, hosts] = [passwd, group, shadow, hosts].map(Option::unwrap_or_default);
        Ok(ImageFiles { passwd, group, shadow, hosts, ssh, programs, systemd, networks, inittab, etc })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_images_are_remembered() {
        let known = Known::default();
        let hosts = |number: usize| ImageFiles { hosts: number.to_string(), ..ImageFiles::default() };
        for number in 0..=Known::MOST {
            known.keep(&format!("image-{number}"), Arc::new(hosts(number)));
        }
        assert!(known.find("image-0").is_none(), "the oldest is forgotten");
        known.keep("image-1", Arc::new(hosts(100)));
        assert_eq!(
            known.find("image-1").map(|files| files.hosts.clone()),
            Some("100".to_owned()),
            "the last word counts"
        );
        assert!(known.find("image-2").is_some(), "one that came again takes no other's place");
    }
}
