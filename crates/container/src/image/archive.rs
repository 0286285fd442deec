//! Root file systems that somebody else packed: read with limits, unpacked into a directory that nothing leads out of.
//!
//! It trusts nothing in an archive: no path, no link, no size, no number. The surprise: what a compressed file holds is unpacked
//! by the host's own `gzip`, `xz`, `zstd` or `bzip2`, so that none of them is in this program; the tar format is read here,
//! since what other readers do with hostile names differs.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

pub mod tar;
mod unpack;

pub use unpack::{Limits, Unpacked, unpack};

/// Why an archive was not unpacked. `Display` is for whoever named the archive.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("cannot read it: {0}")]
    Read(io::Error),
    #[error("it is no tar archive")]
    NoArchive,
    #[error("it ends in the middle")]
    Cut,
    #[error("{0}")]
    Malformed(&'static str),
    #[error("it holds more than {most} {what}")]
    TooMuch { what: &'static str, most: u64 },
    #[error("{path:?} {why}")]
    Refused { path: String, why: &'static str },
    #[error("it is packed with {program}, which is not on this host: install {package}")]
    NoProgram { program: &'static str, package: &'static str },
    #[error("{program} cannot unpack it: {said}")]
    Damaged { program: &'static str, said: String },
    #[error("it leaves less than {0} MiB free on the disk")]
    DiskFull(u64),
    #[error("cannot write {path:?}: {source}")]
    Write { path: String, source: io::Error },
}

/// What packs archives: how the packed file begins, the program that unpacks it, the package that brings the program.
const PACKERS: &[(&[u8], &str, &str)] = &[
    (&[0x1f, 0x8b], "gzip", "gzip"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz", "xz-utils"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "zstd"),
    (b"BZh", "bzip2", "bzip2"),
];

/// Unpacks the archive in `file` into the directory `root`, which must be empty and nobody else's.
pub fn unpack_file(file: &Path, root: &Path, limits: &Limits) -> Result<Unpacked, Fault> {
    let mut archive = File::open(file).map_err(Fault::Read)?;
    if !archive.metadata().map_err(Fault::Read)?.is_file() {
        return Err(Fault::NoArchive);
    }
    let mut begin = [0; 6];
    let known = read_some(&mut archive, &mut begin).map_err(Fault::Read)?;
    archive.rewind().map_err(Fault::Read)?;
    match PACKERS.iter().find(|(magic, ..)| begin[..known].starts_with(magic)) {
        None => unpack(archive, root, limits),
        Some((_, program, package)) => {
            let mut packed = Packed::open(archive, program, package)?;
            let unpacked = unpack(&mut packed.plain, root, limits)?;
            packed.end()?;
            Ok(unpacked)
        }
    }
}

/// Fills as much of `buffer` as there is; how much that is.
fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A program that unpacks; killed when it is not read to its end.
struct Packed {
    child: Child,
    plain: ChildStdout,
    program: &'static str,
}

impl Packed {
    fn open(archive: File, program: &'static str, package: &'static str) -> Result<Packed, Fault> {
        let spawned = Command::new(program)
            .args(["-d", "-c"])
            .stdin(archive)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Fault::NoProgram { program, package },
            _ => Fault::Read(error),
        })?;
        let plain = child.stdout.take().ok_or_else(|| Fault::Read(io::Error::other("no output")))?;
        Ok(Packed { child, plain, program })
    }

    /// It verifies checksums at the end of the file, and says by its exit whether they hold.
    fn end(mut self) -> Result<(), Fault> {
        let status = self.child.wait().map_err(Fault::Read)?;
        if status.success() {
            return Ok(());
        }
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            // What cannot be read cannot be quoted.
            let _ = stderr.take(4096).read_to_string(&mut said);
        }
        Err(Fault::Damaged { program: self.program, said: said.trim().to_owned() })
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
