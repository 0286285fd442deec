//! How the program is linked.

use std::process::Command;

/// The first glibc whose start code of a static program reads packed relative relocations.
const PACKED: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A position-independent program of this size has some 77,000 relative relocations of 24 bytes; packed they take a fiftieth of that.
    if glibc().is_some_and(|version| version >= PACKED) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this host's glibc, which is the one that gets linked: `getconf` prints `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    if std::env::var("CARGO_CFG_TARGET_ENV").ok()? != "gnu" {
        return None;
    }
    let printed = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let (major, minor) = str::from_utf8(&printed.stdout).ok()?.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
