//! The host forwards packets while any controller needs it, and afterwards everything is as it was.
//! It must not know what forwarding is for. The surprise: writing `ip_forward` changes other settings with it (each link's `forwarding`, and
//! `accept_redirects`), so all of these are written down first and put back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files;

const SWITCH: &str = "/proc/sys/net/ipv4/ip_forward";
const CONF: &str = "/proc/sys/net/ipv4/conf";

/// Who needs it, and what to put back when nobody does any more. Kept under `/run`: a reboot of the host puts everything back by itself.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    users: BTreeSet<String>,
    before: BTreeMap<PathBuf, String>,
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The settings that the switch changes, in the order in which they must be put back: the switch itself first.
fn settings() -> io::Result<Vec<PathBuf>> {
    let mut paths = vec![PathBuf::from(SWITCH)];
    for entry in fs::read_dir(CONF)? {
        let dir = entry?.path();
        paths.push(dir.join("forwarding"));
        paths.push(dir.join("accept_redirects"));
    }
    Ok(paths)
}

fn load(run: &Path) -> io::Result<Ledger> {
    match fs::read(run.join("forwarding.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
        Err(error) => Err(error),
    }
}

fn save(run: &Path, ledger: &Ledger) -> io::Result<()> {
    let bytes = serde_json::to_vec(ledger).map_err(io::Error::other)?;
    files::replace(&run.join("forwarding.json"), &bytes, 0o600)
}

/// `user` needs forwarding. The caller holds the host's lock.
pub fn need(run: &Path, user: &str) -> io::Result<()> {
    let mut ledger = load(run)?;
    let on = read(Path::new(SWITCH))?.as_deref() == Some("1");
    if !on && ledger.before.is_empty() {
        for path in settings()? {
            if let Some(value) = read(&path)? {
                ledger.before.insert(path, value);
            }
        }
    }
    let new = ledger.users.insert(user.to_owned());
    if new || !on {
        // Written down before it is changed: whoever dies in between leaves a note of what was.
        save(run, &ledger)?;
    }
    if !on {
        fs::write(SWITCH, "1")?;
    }
    Ok(())
}

/// `user` needs it no more; the last one puts back what was.
pub fn release(run: &Path, user: &str) -> io::Result<()> {
    let mut ledger = load(run)?;
    ledger.users.remove(user);
    if !ledger.users.is_empty() {
        return save(run, &ledger);
    }
    if let Some(value) = ledger.before.remove(Path::new(SWITCH)) {
        fs::write(SWITCH, value)?;
    }
    // `all` and `default` write through to the links: they go first.
    let (wide, links): (Vec<_>, Vec<_>) = ledger
        .before
        .iter()
        .partition(|(path, _)| path.parent().is_some_and(|dir| dir.ends_with("all") || dir.ends_with("default")));
    for (path, value) in wide.into_iter().chain(links) {
        // A link that is gone has no settings to put back.
        if read(path)?.is_some_and(|now| now != *value) {
            fs::write(path, value)?;
        }
    }
    files::remove(&run.join("forwarding.json"))
}
