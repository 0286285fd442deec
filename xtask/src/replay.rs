//! `cargo xtask replay`: the recordings of stock commands, played to our command line.
//!
//! The harness is `testkit`'s; this only starts it, so that xtask links none of the product.

use std::path::PathBuf;

use crate::command::{Command, Done, Error};
use crate::{run, tree};

pub const COMMAND: Command = Command {
    name: "replay",
    summary: "recordings of stock commands against our command line, byte for byte",
    help: "\
Usage: cargo xtask replay [FOLDER]

Plays the controller's side of every recording in FOLDER (default: $GRIGRI_GOLDEN, else ../shared/golden) to our command line
and compares stdout, stderr and exit code, times and ids masked. The last line is `N passed, N failed, N skipped`; what
differs on purpose stands in one list in testkit with its reason.
",
    run,
};

fn run(words: &[String]) -> Done {
    let folder = match words {
        [] => tree::golden(),
        [folder] if !folder.starts_with('-') => PathBuf::from(folder),
        [first, ..] => {
            return Err(Error::usage(format!("cargo xtask replay: unrecognized argument {first:?}")));
        }
    };
    if !folder.is_dir() {
        return Err(Error::failed(format!("no recordings: {} is no folder", folder.display())));
    }
    let folder = folder.canonicalize().map_err(|e| Error::failed(format!("cannot find {}: {e}", folder.display())))?;
    run::show(run::cargo().args(["build", "--quiet", "--package", "grigri"]))?;
    let mut command = run::cargo();
    command.args(["run", "--quiet", "--package", "testkit", "--example", "replay", "--"]).arg(folder);
    let status = command.env("GRIGRI", tree::debug_binary()?).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Error::Told),
        Err(e) => Err(Error::failed(format!("cannot start cargo: {e}"))),
    }
}
