//! `cargo xtask check`: form, lints, which crate may use which, and the manners of files.
//!
//! Every check runs even when an earlier one failed: one run shows all there is to mend.

mod edges;
mod files;
mod words;

use crate::command::{self, Command, Done, Error};
use crate::run;

pub const COMMAND: Command = Command {
    name: "check",
    summary: "format, lints, dependency table, manners of files; changes nothing",
    help: "\
Usage: cargo xtask check

Runs, and lists everything that is wrong:
  fmt      `cargo fmt --check` over the workspace
  edges    no crate depends on one that the table in xtask/src/check/edges.rs does not give it
  files    every .rs file opens with `//!`; none is over 500 lines without a line `//! Length: WHY`
  words    no path of a developer's machine and no registry's host stands in the repository
  clippy   `cargo clippy --workspace --all-targets -- -D warnings`
",
    run,
};

fn run(words: &[String]) -> Done {
    command::no_words("check", words)?;
    let mut problems = 0;
    for (name, check) in CHECKS {
        println!("== {name}");
        match check() {
            Ok(found) => {
                problems += found.len();
                found.iter().for_each(|line| println!("{line}"));
            }
            Err(Error::Failed(text) | Error::Usage(text)) => {
                problems += 1;
                println!("{text}");
            }
            Err(Error::Told) => problems += 1,
        }
    }
    if problems == 0 {
        println!("check: nothing to mend");
        return Ok(());
    }
    println!("check: {problems} to mend");
    Err(Error::Told)
}

type Check = fn() -> Result<Vec<String>, Error>;

const CHECKS: &[(&str, Check)] =
    &[("fmt", format), ("edges", edges::check), ("files", files::check), ("words", words::check), ("clippy", clippy)];

fn format() -> Result<Vec<String>, Error> {
    component("fmt", "rustfmt")?;
    // Which files differ is enough; `cargo fmt` mends them.
    let mut command = run::cargo();
    command.args(["fmt", "--all", "--", "--check", "-l"]);
    match command.output() {
        Ok(output) if output.status.success() => Ok(Vec::new()),
        Ok(output) => {
            let files = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut lines: Vec<String> =
                files.lines().map(|file| format!("{file}: not as rustfmt writes it")).collect();
            if lines.is_empty() {
                lines.push(String::from_utf8_lossy(&output.stderr).trim_end().to_owned());
            }
            lines.push("use `cargo fmt --all`".to_owned());
            Ok(lines)
        }
        Err(e) => Err(Error::failed(format!("cannot start cargo fmt: {e}"))),
    }
}

fn clippy() -> Result<Vec<String>, Error> {
    component("clippy", "clippy")?;
    run::show(run::cargo().args([
        "clippy",
        "--quiet",
        "--keep-going",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Vec::new())
}

/// A minimal toolchain lacks these two; rustup can add them.
fn component(subcommand: &str, name: &str) -> Done {
    if run::read_command(run::cargo().args([subcommand, "--version"])).is_ok() {
        return Ok(());
    }
    println!("adding the toolchain's {name}");
    run::read("rustup", &["component", "add", name], &crate::tree::root()).map(drop).map_err(|e| match e {
        Error::Failed(text) => Error::failed(format!("`cargo {subcommand}` is missing and cannot be added: {text}")),
        other => other,
    })
}
