//! Keys: those the server shows, and those that may log in.
//! It must not know how keys get here. The surprise: nothing is cached, every login reads the files again, so a key that is
//! taken away is gone with the next login.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use host::Account;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{PrivateKey, PublicKey};

/// Options that only take away what this server does not give anyway.
const HARMLESS: [&str; 5] = ["no-agent-forwarding", "no-x11-forwarding", "no-user-rc", "user-rc", "pty"];

/// Who may log in with what.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The model's keys, kept by the agent.
    pub file: PathBuf,
    /// Whom the model's keys let in.
    pub users: Vec<String>,
}

impl Authority {
    /// The account, if `key` may log in as `user`. An account's own `~/.ssh/authorized_keys` counts as everywhere.
    pub fn admit(&self, user: &str, key: &PublicKey) -> Option<Account> {
        let account = Account::find(user).ok()?;
        let shell = account.shell.file_name().unwrap_or_default();
        if shell == "nologin" || shell == "false" {
            return None;
        }
        let us = rustix::process::geteuid();
        if !us.is_root() && us.as_raw() != account.uid {
            return None;
        }
        let of_model = self.users.iter().any(|u| u == user)
            && holds(&std::fs::read_to_string(&self.file).unwrap_or_default(), key.key_data());
        let admitted = of_model || own_keys(&account).is_some_and(|text| holds(&text, key.key_data()));
        admitted.then_some(account)
    }
}

/// As sshd's StrictModes: a file that others may write says nothing.
fn own_keys(account: &Account) -> Option<String> {
    let file = account.home.join(".ssh/authorized_keys");
    let kept =
        |path: &Path| path.metadata().is_ok_and(|m| (m.uid() == account.uid || m.uid() == 0) && m.mode() & 0o022 == 0);
    if ![account.home.as_path(), &account.home.join(".ssh"), &file].iter().all(|path| kept(path)) {
        return None;
    }
    std::fs::read_to_string(file).ok()
}

fn holds(text: &str, key: &KeyData) -> bool {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).any(|line| {
        let granted = PublicKey::from_openssh(line).ok().or_else(|| {
            let (options, line) = line.split_once([' ', '\t'])?;
            // An option that is not understood may be a restriction: such a key opens nothing.
            let plain = options.split(',').all(|o| HARMLESS.contains(&o.to_ascii_lowercase().as_str()));
            plain.then(|| PublicKey::from_openssh(line.trim_start()).ok())?
        });
        granted.is_some_and(|granted| granted.key_data() == key)
    })
}

/// The server's keys: every private key in OpenSSH's format in the first directory that has any, ed25519 first.
pub fn host_keys(directories: &[PathBuf]) -> Vec<PrivateKey> {
    for directory in directories {
        let Ok(entries) = std::fs::read_dir(directory) else { continue };
        let mut names: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| is_host_key(p)).collect();
        names.sort();
        let mut keys: Vec<PrivateKey> = Vec::new();
        for name in names {
            match std::fs::read(&name)
                .map_err(|e| e.to_string())
                .and_then(|pem| PrivateKey::from_openssh(pem).map_err(|e| e.to_string()))
            {
                Ok(key) => keys.push(key),
                Err(error) => tracing::warn!(file = %name.display(), error, "host key left out"),
            }
        }
        if !keys.is_empty() {
            keys.sort_by_key(|k| !k.algorithm().is_ed25519());
            return keys;
        }
    }
    Vec::new()
}

fn is_host_key(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("ssh_host_") && n.ends_with("_key"))
}

/// The public halves of the same directories' keys, as lines.
pub fn host_key_lines(directories: &[PathBuf]) -> Vec<String> {
    for directory in directories {
        let Ok(entries) = std::fs::read_dir(directory) else { continue };
        let public = |p: &PathBuf| {
            p.file_name()
                .and_then(|n| n.to_str())
                .is_some_and(|n| n.starts_with("ssh_host_") && n.ends_with("_key.pub"))
        };
        let mut names: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(public).collect();
        names.sort();
        let lines: Vec<String> =
            names.iter().filter_map(|n| std::fs::read_to_string(n).ok()).map(|t| t.trim().to_owned()).collect();
        if !lines.is_empty() {
            return lines;
        }
    }
    host_keys(directories).iter().filter_map(|k| k.public_key().to_openssh().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIHwlCFzzaNCMMa2KCRhRzQMMfTZzRg6A+bUm7JLr9Sd";

    #[test]
    fn only_a_line_that_grants_it_plainly_admits_a_key() {
        let key = PublicKey::from_openssh(KEY).expect("a key");
        for (text, expected) in [
            (String::new(), false),
            (format!("# x\n\n{OTHER} a\n{KEY} me#1 here\n"), true),
            (format!("{OTHER} a\n"), false),
            (format!("#{KEY}\n"), false),
            (format!("no-agent-forwarding {KEY}\n"), true),
            (format!("command=\"/bin/true\" {KEY}\n"), false),
            (format!("from=\"10.0.0.1\",no-user-rc {KEY}\n"), false),
            ("garbage\n\u{0}\n".to_owned() + KEY, true),
        ] {
            assert_eq!(holds(&text, key.key_data()), expected, "{text:?}");
        }
    }
}
