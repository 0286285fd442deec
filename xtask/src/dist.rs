//! `cargo xtask dist`: the one file that is shipped, and the proof that it needs nothing beside itself.
//!
//! The surprise: "static" is not taken from the compiler's word but from the file (no interpreter named in it) and from running
//! it in a root that holds nothing but busybox.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use crate::command::{self, Command, Done, Error};
use crate::{fetch, run, tree};

mod beside;

pub const COMMAND: Command = Command {
    name: "dist",
    summary: "the one static binary to ship with its man pages, its size, and proof that it runs alone",
    help: "\
Usage: cargo xtask dist

Builds the release binary to target/dist/grigri (with a link `juju` to it), prints its size, and runs it in a root
directory that holds nothing but busybox: as root by chroot, else in a user namespace. Beside it lie its man pages
(man/man1) and scripts for shells (completion).
",
    run,
};

/// docs/benchmarks.md holds the figure; past this, shipping is refused.
const LARGEST: u64 = 30_000_000;

fn run(words: &[String]) -> Done {
    command::no_words("dist", words)?;
    let binary = build()?;
    let bytes = fs::read(&binary).map_err(|e| Error::failed(format!("cannot read {}: {e}", binary.display())))?;
    if !is_static(&bytes) {
        return Err(Error::failed(format!("{} names an interpreter: it is not static", binary.display())));
    }
    let size = bytes.len() as u64;
    println!("target/dist/grigri: {}.{} MB ({size} bytes), static, stripped", size / 1_000_000, size / 100_000 % 10);
    let ask = |words: &[&str]| run::read_command(Process::new(&binary).args(words));
    let pages = beside::write(&tree::target()?.join("dist"), ask)?;
    println!("target/dist/man/man1: {pages} pages; target/dist/completion: bash, zsh, fish");
    alone(&binary)?;
    if size > LARGEST {
        return Err(Error::failed(format!("{size} bytes are over the budget of {LARGEST}")));
    }
    Ok(())
}

/// Builds the release binary, puts it into target/dist with its link, and says where it is.
pub fn build() -> Result<PathBuf, Error> {
    let built = release()?;
    let folder = tree::target()?.join("dist");
    let binary = folder.join("grigri");
    place(&built, &folder, &binary)
        .map_err(|e| Error::failed(format!("cannot put the binary into {}: {e}", folder.display())))?;
    Ok(binary)
}

/// Builds the release binary and says where cargo put it.
pub fn release() -> Result<PathBuf, Error> {
    println!("== building (release)");
    run::show(run::cargo().args(["build", "--release", "--package", "grigri"]))?;
    tree::release_binary()
}

fn place(built: &Path, folder: &Path, binary: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    // A new file, not new bytes in a running program's file.
    let _ = fs::remove_file(binary);
    fs::copy(built, binary)?;
    let link = folder.join("juju");
    let _ = fs::remove_file(&link);
    symlink("grigri", link)
}

/// Runs the binary where there is no other file: no loader, no libc, no /etc, no /proc.
fn alone(binary: &Path) -> Done {
    println!("== in a root with nothing but busybox");
    let Some(busybox) = fetch::busybox() else {
        println!("skipped: no static busybox here and none could be installed");
        return Ok(());
    };
    let bare = tempfile::tempdir().map_err(|e| Error::failed(format!("cannot make a temporary directory: {e}")))?;
    let inside = bare.path().join("bin");
    let fill = || -> std::io::Result<()> {
        fs::create_dir(&inside)?;
        fs::create_dir(bare.path().join("tmp"))?;
        for (from, name) in [(binary, "grigri"), (busybox.as_path(), "busybox")] {
            fs::copy(from, inside.join(name))?;
            fs::set_permissions(inside.join(name), fs::Permissions::from_mode(0o755))?;
        }
        symlink("busybox", inside.join("sh"))
    };
    fill().map_err(|e| Error::failed(format!("cannot fill the bare root: {e}")))?;
    for words in [["version"], ["help"]] {
        let mut process = if run::is_root() {
            Process::new("chroot")
        } else {
            let mut process = Process::new("unshare");
            process.args(["--user", "--map-root-user", "chroot"]);
            process
        };
        process.arg(bare.path()).args(["/bin/sh", "-c"]).arg(format!("exec /bin/grigri {}", words.join(" ")));
        // PATH is for finding chroot; inside it leads nowhere.
        let path = std::env::var_os("PATH").unwrap_or_default();
        process.env_clear().env("HOME", "/tmp").env("PATH", path).stdin(std::process::Stdio::null());
        let said = run::read_command(&mut process)?;
        let first = said.lines().next().unwrap_or_default();
        if first.is_empty() {
            return Err(Error::failed(format!("grigri {} said nothing", words.join(" "))));
        }
        println!("grigri {}: {first}", words.join(" "));
    }
    Ok(())
}

/// Whether a 64-bit little-endian ELF file asks for no program interpreter.
fn is_static(elf: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, len: usize| -> Option<u64> {
        let bytes = elf.get(at..at + len)?;
        Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let headers = || -> Option<Vec<u32>> {
        if elf.get(..6)? != [0x7f, b'E', b'L', b'F', 2, 1] {
            return None;
        }
        let (offset, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count)
            .map(|one| number(usize::try_from(offset + one * size).ok()?, 4).and_then(|kind| u32::try_from(kind).ok()))
            .collect()
    };
    headers().is_some_and(|kinds| !kinds.contains(&INTERPRETER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(kinds: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = kinds.len() as u8;
        for kind in kinds {
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 52]);
        }
        bytes
    }

    #[test]
    fn a_program_interpreter_is_noticed() {
        assert!(is_static(&elf(&[1, 1, 4])));
        assert!(!is_static(&elf(&[1, 3, 4])));
        assert!(!is_static(b"#!/bin/sh\n"));
        assert!(!is_static(&elf(&[1, 1])[..100]));
    }
}
