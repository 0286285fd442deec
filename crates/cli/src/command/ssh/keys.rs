//! Files that OpenSSH is given: the known hosts of one run, the private keys it may use.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::error::{Error, Result};

/// Writes a known-hosts file that only this run uses.
pub(super) fn known_hosts(context: &Context, lines: &str) -> Result<PathBuf> {
    let folder = PathBuf::from(context.io.var("TMPDIR").unwrap_or("/tmp"));
    let mut seed = (context.io.now)().as_nanosecond().unsigned_abs() ^ (u128::from(std::process::id()) << 40);
    for _ in 0..16 {
        let path = folder.join(format!("ssh_known_hosts{}", seed % 10_000_000_000));
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(lines.as_bytes())?;
                return Ok(path);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => seed = seed.wrapping_add(7919),
            Err(e) => return Err(e.into()),
        }
    }
    Err(Error::failed("cannot make a temporary known hosts file"))
}

/// The client's own keys, and when there are such, the user's default ones.
pub(crate) fn identities(context: &Context) -> Vec<PathBuf> {
    let mut own = private_keys(&context.io.data_dir().join("ssh"));
    if !own.is_empty() {
        let home = context.io.home().join(".ssh");
        let defaults = ["identity", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
        own.extend(defaults.iter().map(|name| home.join(name)).filter(|path| path.exists()));
    }
    own
}

/// Private keys of a folder: those whose public key stands beside them.
fn private_keys(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let public = entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "pub"));
    let mut keys: Vec<PathBuf> = public.map(|p| p.with_extension("")).filter(|p| p.exists()).collect();
    keys.sort();
    keys
}
