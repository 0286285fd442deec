//! `cookies/<controller>.json`: the jar that libjuju insists on and macaroon logins are kept in (wire/protocol.md 6.6).
//!
//! The surprise: the stock command reads and writes the same jar. What it put there for other places stays.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::clock::Time;
use rustix::fs::{FlockOperation, fcntl_lock};
use serde_json::{Value, json};
use wire::macaroon::{self, Macaroon};

use super::{Error, disk};

const PATIENCE: Duration = Duration::from_secs(3);

fn path(dir: &Path, controller: &str) -> PathBuf {
    dir.join("cookies").join(format!("{controller}.json"))
}

/// An empty jar is `null` and a newline.
pub fn ensure(dir: &Path, controller: &str) -> Result<(), Error> {
    let path = path(dir, controller);
    if path.exists() {
        return Ok(());
    }
    disk::replace(&path, b"null\n").map_err(|e| Error::Write(path, e))
}

pub fn remove(dir: &Path, controller: &str) -> Result<(), Error> {
    let path = path(dir, controller);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::Write(path, e)),
        _ => Ok(()),
    }
}

/// Leaves an empty jar.
pub fn clear(dir: &Path, controller: &str) -> Result<(), Error> {
    change(dir, controller, |_| Vec::new())
}

/// The macaroons that log in to the controller `uuid`, those that have not run out.
pub fn macaroons(dir: &Path, controller: &str, uuid: &str, now: Time) -> Vec<Vec<Macaroon>> {
    // A jar that cannot be read is no reason to fail: a password does as well.
    let jar = read(&path(dir, controller)).unwrap_or_default();
    let ours = jar.iter().filter(|cookie| is_ours(cookie, uuid) && !is_over(cookie, now));
    ours.filter_map(|cookie| macaroon::from_cookie(cookie.get("Value")?.as_str()?)).collect()
}

/// Keeps a login's macaroons, in the place of those of before.
pub fn keep(dir: &Path, controller: &str, uuid: &str, slice: &[Macaroon], now: Time) -> Result<(), Error> {
    let Some(root) = slice.first() else { return Ok(()) };
    let until = slice.iter().flat_map(Macaroon::conditions);
    let until = until.filter_map(|condition| Time::parse(condition.strip_prefix("time-before ")?)).min();
    let cookie = json!({
        "Name": root.cookie(), "Value": macaroon::to_cookie(slice), "Domain": uuid, "Path": "/", "Secure": false,
        "HttpOnly": false, "Persistent": true, "HostOnly": true, "Expires": until.unwrap_or(now), "Creation": now,
        "LastAccess": now, "Updated": now, "CanonicalHost": uuid,
    });
    change(dir, controller, |jar| {
        let others = jar.into_iter().filter(|cookie| !is_ours(cookie, uuid) && !is_over(cookie, now));
        others.chain([cookie]).collect()
    })
}

fn is_ours(cookie: &Value, uuid: &str) -> bool {
    let text = |key: &str| cookie.get(key).and_then(Value::as_str).unwrap_or_default();
    text("Domain") == uuid && text("Name").starts_with("macaroon-")
}

fn is_over(cookie: &Value, now: Time) -> bool {
    let expires = cookie.get("Expires").and_then(Value::as_str).and_then(Time::parse);
    expires.is_some_and(|expires| expires <= now)
}

fn read(path: &Path) -> Result<Vec<Value>, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::Read(path.to_owned(), e)),
    };
    let jar: Option<Vec<Value>> =
        serde_json::from_str(&text).map_err(|e| Error::Parse { path: path.to_owned(), why: e.to_string() })?;
    Ok(jar.unwrap_or_default())
}

fn change(dir: &Path, controller: &str, change: impl FnOnce(Vec<Value>) -> Vec<Value>) -> Result<(), Error> {
    let path = path(dir, controller);
    let failed = |e: io::Error| Error::Write(path.clone(), e);
    disk::make_dir(&dir.join("cookies")).map_err(failed)?;
    let _held = Held::take(path.with_extension("json.lock"))?;
    let jar = change(read(&path)?);
    let text = if jar.is_empty() { "null\n".to_owned() } else { Value::Array(jar).to_string() + "\n" };
    disk::replace(&path, text.as_bytes()).map_err(failed)
}

/// The lock of a jar, as the stock command takes it: a file that is there while it is held.
struct Held {
    path: PathBuf,
    _file: File,
}

impl Held {
    fn take(path: PathBuf) -> Result<Held, Error> {
        let begun = Instant::now();
        loop {
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
            let file = opened.map_err(|e| Error::Write(path.clone(), e))?;
            match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                // Whoever held it before may have removed it meanwhile: then it locks nobody else out.
                Ok(()) if path.exists() => return Ok(Held { path, _file: file }),
                _ if begun.elapsed() > PATIENCE => return Err(Error::Lock("update the cookies")),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const UUID: &str = "a1b2c3d4-0000-4000-8000-000000000001";

    fn slice(until: &str) -> Vec<Macaroon> {
        let mut root = Macaroon::new(b"key", b"id".to_vec(), "juju");
        root.add(&format!("time-before {until}"));
        vec![root]
    }

    #[test]
    fn a_jar_keeps_the_last_login_and_what_is_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path();
        let now = Time::parse("2026-01-01T00:00:00Z").expect("a time");
        assert!(macaroons(dir, "lab", UUID, now).is_empty());
        ensure(dir, "lab").expect("written");
        let foreign = r#"[{"Name":"session","Value":"x","Domain":"example.com"},{"Name":"old","Domain":"example.com","Expires":"2025-01-01T00:00:00Z"}]"#;
        std::fs::write(path(dir, "lab"), foreign).expect("written");
        for until in ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"] {
            keep(dir, "lab", UUID, &slice(until), now).expect("kept");
        }
        let text = std::fs::read_to_string(path(dir, "lab")).expect("read");
        let jar: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        assert_eq!(jar.len(), 2, "{text}");
        assert_eq!((&jar[0]["Name"], &jar[1]["Expires"]), (&json!("session"), &json!("2026-01-03T00:00:00Z")));
        assert_eq!(macaroons(dir, "lab", UUID, now), [slice("2026-01-03T00:00:00Z")]);
        assert!(macaroons(dir, "lab", "another", now).is_empty());
        let late = Time::parse("2026-01-03T00:00:00Z").expect("a time");
        assert!(macaroons(dir, "lab", UUID, late).is_empty());
        let mode = std::fs::metadata(path(dir, "lab")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!path(dir, "lab").with_extension("json.lock").exists());
        clear(dir, "lab").expect("cleared");
        assert_eq!(std::fs::read_to_string(path(dir, "lab")).expect("read"), "null\n");
        std::fs::write(path(dir, "lab"), "{").expect("written");
        assert!(macaroons(dir, "lab", UUID, now).is_empty());
        assert!(
            keep(dir, "lab", UUID, &slice("2026-01-02T00:00:00Z"), now).is_err(),
            "a broken jar is not written over"
        );
    }
}
