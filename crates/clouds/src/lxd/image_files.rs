//! What an image has that matters to its first boot: accounts, what its first process is, who sets it up.
//! It changes nothing. The surprise: the server tells a folder's names quickly and a file's bytes slowly, so mostly folders are asked for.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;
use futures_util::try_join;

use super::client::Client;
use super::error::Failed;

/// Files of an instance that was not started yet.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
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
/// It is believed once two looks agree, so that one wrong answer costs one machine and not all that follow.
#[derive(Default)]
pub struct Known(Mutex<VecDeque<Seen>>);

struct Seen {
    fingerprint: String,
    files: Arc<ImageFiles>,
    is_sure: bool,
}

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
        all.iter().find(|seen| seen.is_sure && seen.fingerprint == fingerprint).map(|seen| seen.files.clone())
    }

    fn keep(&self, fingerprint: &str, files: Arc<ImageFiles>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.iter().position(|seen| seen.fingerprint == fingerprint).and_then(|at| all.remove(at));
        let is_sure = before.is_some_and(|before| before.files == files);
        all.push_back(Seen { fingerprint: fingerprint.to_owned(), files, is_sure });
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

    fn hosts(text: &str) -> Arc<ImageFiles> {
        Arc::new(ImageFiles { hosts: text.to_owned(), ..ImageFiles::default() })
    }

    #[test]
    fn an_image_is_known_once_two_looks_agree() {
        let known = Known::default();
        let check = |text: &str, expected: Option<&str>| {
            known.keep("image", hosts(text));
            assert_eq!(known.find("image").map(|files| files.hosts.clone()).as_deref(), expected, "after {text}");
        };
        check("torn", None);
        check("whole", None);
        check("whole", Some("whole"));
        check("another", None);
    }

    #[test]
    fn the_newest_images_are_remembered() {
        let known = Known::default();
        for number in 0..=Known::MOST {
            known.keep(&format!("image-{number}"), hosts(""));
            known.keep(&format!("image-{number}"), hosts(""));
        }
        assert!(known.find("image-0").is_none(), "the oldest is forgotten");
        assert!(known.find("image-1").is_some(), "one that came again takes no other's place");
    }
}
