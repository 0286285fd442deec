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
Usage: cargo xtask replay [FOLDER] [--diff] [--group NAME] [--case NAME] [--command NAME]... [--parallel N]

Plays the controller's side of every recording in FOLDER (default: $GRIGRI_GOLDEN, else ../shared/golden) to our command line
and compares stdout, stderr and exit code, times and ids masked. --diff shows what differs; the other flags choose recordings.
The last line is `N passed, N failed, N skipped`; what differs on purpose stands in one list in testkit with its reason.
",
    run,
};

/// Flags of the harness, and whether a value follows.
const FLAGS: &[(&str, bool)] =
    &[("--diff", false), ("--group", true), ("--case", true), ("--command", true), ("--parallel", true)];

fn run(words: &[String]) -> Done {
    let (folder, flags) = parse(words)?;
    let folder = folder.unwrap_or_else(tree::golden);
    if !folder.is_dir() {
        return Err(Error::failed(format!("no recordings: {} is no folder", folder.display())));
    }
    let folder = folder.canonicalize().map_err(|e| Error::failed(format!("cannot find {}: {e}", folder.display())))?;
    run::show(run::cargo().args(["build", "--quiet", "--package", "grigri"]))?;
    let mut command = run::cargo();
    command.args(["run", "--quiet", "--package", "testkit", "--example", "replay", "--"]).arg(folder);
    match command.arg("--binary").arg(tree::debug_binary()?).args(flags).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Error::Told),
        Err(e) => Err(Error::failed(format!("cannot start cargo: {e}"))),
    }
}

fn parse(words: &[String]) -> Result<(Option<PathBuf>, Vec<String>), Error> {
    let (mut folder, mut flags) = (None, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some((_, has_value)) = FLAGS.iter().find(|(flag, _)| flag == word) {
            flags.push(word.clone());
            if *has_value {
                let value = words.next().ok_or_else(|| Error::usage(format!("{word} needs a value")))?;
                flags.push(value.clone());
            }
        } else if word.starts_with('-') || folder.is_some() {
            return Err(Error::usage(format!("cargo xtask replay: unrecognized argument {word:?}")));
        } else {
            folder = Some(PathBuf::from(word));
        }
    }
    Ok((folder, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_out() {
        let parsed = |line: &str| parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let good = parsed("a --diff --group status").ok();
        assert_eq!(good, Some((Some("a".into()), vec!["--diff".into(), "--group".into(), "status".into()])));
        for line in ["--nope", "a b", "--group"] {
            assert!(matches!(parsed(line), Err(Error::Usage(_))), "{line}");
        }
    }
}
