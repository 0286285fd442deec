//! Looking at this host and at the controllers on it, for `doctor`. It changes nothing and takes no lock.
//! The surprise: controllers of other data directories are noticed too, by their processes, so that what is theirs is not called a leftover.

use super::findings::{self, Seen};
use super::layouts;
use crate::layout::{self, Layout};
use crate::settings::Settings;
use crate::{daemon, world};
use base::chain;
use base::clock::{Clock, SystemClock};
use cli::operating::Finding;
use container::network::orphan;
use rpc::tls::Validity;
use rpc::tls::validity::shown;
use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use store::sqlite::check;

/// The API port of one's own host answers at once.
const PATIENCE: Duration = Duration::from_secs(5);
const AS_ROOT: &str = "run it as root";

pub async fn examine() -> Vec<Finding> {
    let root = layout::root();
    let here = layouts();
    let has_machines = here.as_ref().is_ok_and(|here| !here.is_empty());
    let values = host::health::read(Path::new("/"), &root, has_machines);
    let mut found = host::health::judge(&values);
    found.push(disks());
    found.push(firewall().await);
    match here {
        Err(error) => {
            found.push(Finding::unseen("host", "controllers", &format!("{}: {error}", root.display()), AS_ROOT))
        }
        Ok(here) if here.is_empty() => found.push(Finding::ok("host", "controllers", "none")),
        Ok(here) => {
            for layout in here {
                found.extend(controller(&layout).await);
            }
        }
    }
    found.extend(leftovers());
    found
}

/// What `add-machine --disks` needs. Few machines have any, so a host without is no broken one.
fn disks() -> Finding {
    let what = "disks for machines";
    match container::disks::lacks() {
        None => Finding::ok("host", what, "files and memory"),
        Some(lack) => {
            let (lack, cure) = lack.split_once(": ").unwrap_or((&lack, ""));
            Finding::warning("host", what, format!("memory alone: {lack}"), cure)
        }
    }
}

async fn firewall() -> Finding {
    let what = "forwarding rules";
    match world::gates("").await {
        Err(why) => Finding::unseen("host", what, &why, AS_ROOT),
        Ok(gates) => {
            let words: Vec<String> = gates
                .iter()
                .map(|gate| format!("{}{}", gate.name, if gate.drops { " (drops by default)" } else { "" }))
                .collect();
            let words = if words.is_empty() { "no chains of others".to_owned() } else { words.join(", ") };
            Finding::ok("host", what, words)
        }
    }
}

async fn controller(layout: &Layout) -> Vec<Finding> {
    let settings = match Settings::read(layout) {
        Ok(settings) => settings,
        Err(error) => {
            let of = format!("controller {}", layout.uuid);
            return vec![Finding::unseen(&of, "settings", &error.to_string(), AS_ROOT)];
        }
    };
    let process = daemon::running(layout).map(|pid| pid.as_raw_nonzero().get());
    let ca = fs::read_to_string(layout.ca_cert());
    let shown = match (&ca, process) {
        (Ok(ca), Some(_)) => {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.api_port));
            Some(shown(address, ca, PATIENCE).await.map_err(|error| chain(&error)))
        }
        _ => None,
    };
    let dir = layout.dir();
    let databases = tokio::task::spawn_blocking(move || check::check(&dir)).await.unwrap_or_default();
    let seen = Seen {
        log: layout.log(),
        start: match daemon::has_systemd() && layout.unit().exists() {
            true => format!("systemctl start {}", layout.unit_name()),
            false => format!("grigri start-controller {}", settings.name),
        },
        process,
        holder: holder(&layout.dir().join("lock")),
        databases,
        ca: ca.map_err(|error| error.to_string()).and_then(|pem| Validity::of_pem(&pem).map_err(|e| e.to_string())),
        shown,
        gates: world::gates(&layout.uuid).await,
        name: settings.name,
    };
    findings::judge(&seen, SystemClock.now().unix())
}

/// Who holds the kernel's lock on a file.
fn holder(lock: &Path) -> Option<i32> {
    let inode = fs::metadata(lock).ok()?.ino();
    holder_in(&fs::read_to_string("/proc/locks").ok()?, inode)
}

/// `1: FLOCK  ADVISORY  WRITE 3211 08:01:131 0 EOF`
fn holder_in(locks: &str, inode: u64) -> Option<i32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, file, ..] = words.as_slice() else { return None };
        (file.rsplit(':').next()?.parse() == Ok(inode)).then(|| pid.parse().ok())?
    })
}

/// Controllers that are there: by a directory of ours, or by a process, whose directory may be anywhere.
pub fn alive() -> BTreeSet<String> {
    let mut alive: BTreeSet<String> = layouts().unwrap_or_default().into_iter().map(|layout| layout.uuid).collect();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        let words: Vec<&str> = words.split('\0').collect();
        if let [_, mode, uuid, ..] = words.as_slice()
            && *mode == daemon::MODE
        {
            alive.insert((*uuid).to_owned());
        }
    }
    alive
}

fn leftovers() -> Vec<Finding> {
    let what = "leftovers";
    let alive = alive();
    let ours: BTreeSet<String> = alive.iter().filter_map(|uuid| world::network_key(uuid)).collect();
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for (key, traces) in orphan::traces() {
        let owned = traces.controller.as_ref().is_some_and(|owner| alive.contains(owner));
        if owned || ours.contains(&key) {
            continue;
        }
        told.extend(traces.controller.clone());
        let cure = format!("grigri uninstall --leftover {key}");
        found.push(Finding::warning("host", what, format!("key {key}: {}", traces.describe()), cure));
    }
    for uuid in world::controllers().difference(&alive).filter(|uuid| !told.contains(*uuid)) {
        let value = format!("directories of controller {uuid} below {}", layout::root().join("builtin").display());
        found.push(Finding::warning(
            "host",
            what,
            value,
            "grigri uninstall, when no controller is here, or rm -r them",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok("host", what, "none"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_by_its_file() {
        let locks = "1: POSIX  ADVISORY  READ 5 08:01:77 128 128\n2: FLOCK  ADVISORY  WRITE 3211 08:01:77 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 9 08:01:78 0 EOF\nnonsense\n";
        assert_eq!((holder_in(locks, 77), holder_in(locks, 78), holder_in(locks, 79)), (Some(3211), Some(9), None));
    }
}
