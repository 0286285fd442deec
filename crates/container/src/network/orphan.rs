//! What networks leave on a host when their controller's directory went without them: found by the key in the name of each thing.
//! It knows no controller's directory: whoever asks says which keys are in use. The surprise: the subnet is written nowhere any more, so it is
//! worked out from the gateway's address, whose label bears the key.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Error, LINKS, RUN, TABLES, firewall, forwarding, host_lock, io_error, link, net_error, nft, note};
use crate::netlink::Socket;
use crate::{cgroup, files};

/// Everything on this host that bears one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// As the network's note says.
    pub controller: Option<String>,
    pub links: usize,
    pub groups: bool,
    /// Processes in those groups.
    pub processes: usize,
    /// Nobody but root sees it.
    pub table: bool,
}

impl Traces {
    /// `3 links, control groups, 12 processes`.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if self.links > 0 {
            parts.push(format!("{} link{}", self.links, if self.links == 1 { "" } else { "s" }));
        }
        if self.groups {
            parts.push("control groups".to_owned());
        }
        if self.processes > 0 {
            parts.push(format!("{} process{}", self.processes, if self.processes == 1 { "" } else { "es" }));
        }
        if self.table {
            parts.push("firewall table".to_owned());
        }
        if self.controller.is_some() {
            parts.push("note in /run/grigri".to_owned());
        }
        parts.join(", ")
    }
}

/// All keys that anything here bears.
pub fn traces() -> BTreeMap<String, Traces> {
    let mut found: BTreeMap<String, Traces> = BTreeMap::new();
    for name in names(Path::new(RUN)) {
        if let Some(key) = name.strip_prefix("network-") {
            let owner = fs::read_to_string(note(key)).unwrap_or_default();
            found.entry(key.to_owned()).or_default().controller = Some(owner);
        }
    }
    for name in names(Path::new("/sys/class/net")) {
        if let Some((key, _)) = name.strip_prefix(LINKS).and_then(|rest| rest.split_once('-')) {
            found.entry(key.to_owned()).or_default().links += 1;
        }
    }
    for hierarchy in cgroup::hierarchies().unwrap_or_default() {
        for key in names(&hierarchy.root.join("grigri")).into_iter().filter(|name| is_key(name)) {
            found.entry(key).or_default().groups = true;
        }
    }
    let everything = Socket::netfilter().and_then(|mut socket| nft::everything(&mut socket)).unwrap_or_default();
    for line in everything {
        let table = line.strip_prefix("chain ").and_then(|rest| rest.split(' ').next());
        if let Some(key) = table.and_then(|table| table.strip_prefix(TABLES)) {
            found.entry(key.to_owned()).or_default().table = true;
        }
    }
    for (key, traces) in &mut found {
        traces.processes = cgroup::pids(&group(key)).map_or(0, |pids| pids.len());
    }
    found
}

/// Removes everything that bears this key.
pub fn remove(key: &str) -> Result<(), Error> {
    if !is_key(key) {
        return Err(io_error("read the key")(std::io::Error::other(format!("{key:?} is no key of a network"))));
    }
    let lock = host_lock()?;
    cgroup::end(&group(key), Duration::from_secs(15)).map_err(io_error("end the machines"))?;
    cgroup::prune("/grigri").map_err(io_error("remove control groups"))?;
    let mut socket = Socket::route().map_err(net_error("remove the network"))?;
    let prefix = format!("{LINKS}{key}-");
    for link in link::links(&mut socket).map_err(net_error("list the links"))? {
        if link.name.starts_with(&prefix) {
            link::delete(&mut socket, &link.name).map_err(net_error("remove a cable"))?;
        }
    }
    firewall::remove(&format!("{TABLES}{key}"), &prefix)?;
    let lo = link::index("lo").unwrap_or(1);
    let label = format!("lo:{LINKS}{key}");
    for gateway in link::labelled(&mut socket, &label).map_err(net_error("list the addresses"))? {
        link::delete_address(&mut socket, lo, gateway).map_err(net_error("remove the gateway's address"))?;
        link::open_network(&mut socket, link::Subnet::new(gateway, 16)).map_err(net_error("release the network"))?;
    }
    forwarding::release(Path::new(RUN), key).map_err(io_error("switch forwarding back"))?;
    files::remove(&note(key)).map_err(io_error("remove the network's note"))?;
    lock.remove().map_err(io_error("unlock /run/grigri"))
}

fn group(key: &str) -> String {
    format!("/grigri/{key}")
}

fn is_key(text: &str) -> bool {
    text.len() == 5 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_are_keys() {
        for (text, expected) in [("0a1b2", true), ("0a1b", false), ("0a1bg", false), ("../..", false), ("", false)] {
            assert_eq!(is_key(text), expected, "{text}");
        }
        assert!(remove("../..").is_err());
    }

    #[test]
    fn traces_are_told_in_words() {
        let traces = Traces { controller: None, links: 1, groups: true, processes: 2, table: false };
        assert_eq!(traces.describe(), "1 link, control groups, 2 processes");
    }
}
