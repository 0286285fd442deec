//! Accounts of this machine, and the environment that a login of theirs has.
//! It reads `/etc/passwd`, `/etc/group` and `/etc/environment` and asks nobody else: directory services are not seen.
//! The surprise: profiles (`/etc/profile`, `~/.profile`) are not read here; a login shell reads them by itself.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Ubuntu's default, the same for everybody as its `/etc/environment` has it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games:/snap/bin";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups, `gid` among them.
    pub groups: Vec<u32>,
    pub home: PathBuf,
    pub shell: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no user {0:?} on this machine")]
    Unknown(String),
    #[error("cannot read {0}")]
    Read(&'static str, #[source] io::Error),
}

impl Account {
    /// The account of that name on this machine.
    pub fn find(name: &str) -> Result<Self, Error> {
        Self::find_in(Path::new("/"), name)
    }

    /// As `find`, in the root file system at `root`.
    pub fn find_in(root: &Path, name: &str) -> Result<Self, Error> {
        let passwd = std::fs::read_to_string(root.join("etc/passwd")).map_err(|e| Error::Read("/etc/passwd", e))?;
        let group = std::fs::read_to_string(root.join("etc/group")).unwrap_or_default();
        parse(&passwd, &group, name).ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// What a login finds in its environment before any profile is read.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let system = std::fs::read_to_string("/etc/environment").unwrap_or_default();
        self.environment_with(&system)
    }

    fn environment_with(&self, system: &str) -> Vec<(OsString, OsString)> {
        let mut env: Vec<(OsString, OsString)> = vec![("PATH".into(), PATH.into())];
        let mut set = |key: OsString, value: OsString| match env.iter_mut().find(|(k, _)| *k == key) {
            Some(entry) => entry.1 = value,
            None => env.push((key, value)),
        };
        for (key, value) in system.lines().filter_map(assignment) {
            set(key.into(), value.into());
        }
        set("HOME".into(), self.home.clone().into());
        set("USER".into(), self.name.clone().into());
        set("LOGNAME".into(), self.name.clone().into());
        set("SHELL".into(), self.shell.clone().into());
        env
    }
}

fn parse(passwd: &str, group: &str, name: &str) -> Option<Account> {
    let fields: Vec<&str> =
        passwd.lines().map(|l| l.split(':').collect::<Vec<_>>()).find(|f| f.len() >= 7 && f[0] == name)?;
    let (uid, gid) = (fields[2].parse().ok()?, fields[3].parse().ok()?);
    let mut groups = vec![gid];
    for line in group.lines() {
        let f: Vec<&str> = line.split(':').collect();
        if f.len() < 4 || !f[3].split(',').any(|member| member.trim() == name) {
            continue;
        }
        if let Ok(id) = f[2].parse()
            && !groups.contains(&id)
        {
            groups.push(id);
        }
    }
    let or = |text: &str, fallback: &str| PathBuf::from(if text.is_empty() { fallback } else { text });
    Some(Account { name: name.to_owned(), uid, gid, groups, home: or(fields[5], "/"), shell: or(fields[6], "/bin/sh") })
}

/// A line of `/etc/environment`, read as pam_env does: `KEY=value`, an `export` before it, quotes around it, comments.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    if line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key.is_empty() || !key.chars().all(plain) || key.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = value.trim();
    let quoted = |q: char| value.len() >= 2 && value.starts_with(q) && value.ends_with(q);
    let value = if quoted('"') || quoted('\'') { &value[1..value.len() - 1] } else { value };
    Some((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nbroken\nubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/zsh\nbare:x:7:8:::\n";
    const GROUP: &str = "root:x:0:\nadm:x:4:syslog,ubuntu\nsudo:x:27:ubuntu\nbad:x:y:ubuntu\nubuntu:x:1000:ubuntu\nubuntux:x:9:xubuntu\n";

    #[test]
    fn accounts_are_read_from_their_files() {
        let ubuntu = parse(PASSWD, GROUP, "ubuntu").expect("there");
        assert_eq!((ubuntu.uid, ubuntu.gid, ubuntu.groups), (1000, 1000, vec![1000, 4, 27]));
        assert_eq!(ubuntu.shell, Path::new("/bin/zsh"));
        let bare = parse(PASSWD, GROUP, "bare").expect("there");
        assert_eq!((bare.home, bare.shell), ("/".into(), "/bin/sh".into()));
        assert_eq!(parse(PASSWD, GROUP, "broken"), None);
        assert_eq!(parse(PASSWD, GROUP, ""), None);
    }

    #[test]
    fn a_login_has_its_own_words_over_the_systems() {
        let ubuntu = parse(PASSWD, GROUP, "ubuntu").expect("there");
        let env =
            ubuntu.environment_with("PATH=\"/a:/b\"\n# X=1\nexport LANG='C.UTF-8'\nHOME=/nowhere\n1BAD=x\nnonsense\n");
        let get = |key: &str| env.iter().find(|(k, _)| k == key).map(|(_, v)| v.to_str().expect("text"));
        assert_eq!(get("PATH"), Some("/a:/b"));
        assert_eq!(get("LANG"), Some("C.UTF-8"));
        assert_eq!(get("HOME"), Some("/home/ubuntu"));
        assert_eq!((get("USER"), get("LOGNAME"), get("SHELL")), (Some("ubuntu"), Some("ubuntu"), Some("/bin/zsh")));
        assert_eq!((get("X"), get("1BAD")), (None, None));
    }
}
