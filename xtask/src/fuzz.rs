//! `cargo xtask fuzz`: the targets of `crates/testkit/tests/fuzz`, run for longer than a test may, guided by coverage.
//!
//! The surprise: no nightly compiler is needed. The stable one puts counters into code when its LLVM is told to, and this program
//! itself stands in for the compiler (`GRIGRI_FUZZ_COMPILER`), so that only the product's crates are built with them.

use std::path::PathBuf;
use std::process::{Command as Process, ExitCode};

use crate::command::{Command, Done, Error};
use crate::{run, tree};

pub const COMMAND: Command = Command {
    name: "fuzz",
    summary: "hostile input for everything that reads, guided by coverage; bounded forms are in `test`",
    help: "\
Usage: cargo xtask fuzz [TARGET]... [--seconds N] [--replay FILE] [--list]

Runs the targets whose names contain TARGET (default: all), each for N seconds (default 20), on one thread, and prints how many
cases a second. What is learned stays in target/tmp/fuzz for the next time. The first input that fails is made short, written to
crates/testkit/tests/fuzz/corpus/TARGET/crashes, and the command to replay it is printed; once mended, the file moves one folder up
and is a seed from then on. --list names the targets, --replay tries one file with the one TARGET named.
",
    run,
};

/// When this is set, this program is called in the compiler's place, with the compiler as its first word.
const STAND_IN: &str = "GRIGRI_FUZZ_COMPILER";
/// Counters on every edge; they are read by `engine/coverage.rs` of the targets.
const COUNTERS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=3",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
];
/// Programs of the testkit are built along and never run; the function that all units call at their start is in the targets alone.
const NEVER_RUN: &str = "-Clink-arg=-Wl,--unresolved-symbols=ignore-all";
/// Its own branches are not what is looked for.
const NOT_COUNTED: &str = "testkit";

#[derive(Debug, Default, PartialEq)]
struct Asked {
    targets: Vec<String>,
    seconds: u64,
    replay: Option<PathBuf>,
    list: bool,
}

fn run(words: &[String]) -> Done {
    let asked = parse(words)?;
    let me = std::env::current_exe().map_err(|e| Error::failed(format!("cannot find this program's own path: {e}")))?;
    let tests = |words: &[&str]| {
        let mut command = run::cargo();
        command.args(["test", "--quiet", "--package", "testkit", "--test", "fuzz", "--"]).args(words);
        command.env("RUSTC_WORKSPACE_WRAPPER", &me).env(STAND_IN, "1");
        command
    };
    let listed = run::read_command(&mut tests(&["--list"]))?;
    let all: Vec<&str> =
        listed.lines().filter_map(|line| line.strip_suffix(": test")).filter(|name| !name.contains("::")).collect();
    let named = |name: &str| asked.targets.iter().any(|part| name.contains(part.as_str()));
    let exact = all.iter().filter(|name| asked.targets.iter().any(|one| one == **name)).copied().collect::<Vec<_>>();
    let chosen: Vec<&str> = match (asked.targets.is_empty(), exact.len() == asked.targets.len()) {
        (true, _) => all.clone(),
        (false, true) => exact,
        (false, false) => all.iter().filter(|name| named(name)).copied().collect(),
    };
    if chosen.is_empty() {
        return Err(Error::usage(format!("no target is named so; there are: {}", all.join(" "))));
    }
    if asked.list {
        chosen.iter().for_each(|name| println!("{name}"));
        return Ok(());
    }
    if asked.replay.is_some() && chosen.len() != 1 {
        return Err(Error::usage("--replay needs the name of one target"));
    }
    let mut failed = Vec::new();
    for name in chosen {
        let mut command = tests(&["--exact", name, "--test-threads=1", "--nocapture"]);
        match &asked.replay {
            Some(file) => command.env("GRIGRI_FUZZ_FILE", file),
            None => command.env("GRIGRI_FUZZ_SECONDS", asked.seconds.to_string()),
        };
        let output = command.stdout(std::process::Stdio::null()).status();
        let status = output.map_err(|e| Error::failed(format!("cannot start cargo test: {e}")))?;
        if !status.success() {
            died(name, asked.replay.is_some())?;
            failed.push(name);
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        names => Err(Error::failed(format!("failed: {}", names.join(" ")))),
    }
}

/// An overflowing stack takes the whole process: then its input is where the engine left it.
fn died(name: &str, replayed: bool) -> Done {
    let left = tree::target()?.join("tmp/fuzz").join(format!("{name}.current"));
    if replayed || !left.is_file() {
        return Ok(());
    }
    let crashes = tree::root().join("crates/testkit/tests/fuzz/corpus").join(name).join("crashes");
    let kept = crashes.join("killed-the-process");
    std::fs::create_dir_all(&crashes)
        .and_then(|()| std::fs::rename(&left, &kept))
        .map_err(|e| Error::failed(format!("cannot keep {}: {e}", left.display())))?;
    println!("{name}: an input ended the whole process\n  kept in {}", kept.display());
    println!("  again:  cargo xtask fuzz {name} --replay {}", kept.display());
    Ok(())
}

/// Whether this program was called in the compiler's place; then it has been the compiler.
pub fn as_compiler() -> Option<ExitCode> {
    std::env::var_os(STAND_IN)?;
    let mut words = std::env::args_os().skip(1);
    let mut compiler = Process::new(words.next()?);
    let words: Vec<_> = words.collect();
    let name = words.iter().position(|word| word == "--crate-name").and_then(|at| words.get(at + 1));
    let counted = name.is_some_and(|name| name != NOT_COUNTED && name != "fuzz" && name != "build_script_build");
    compiler.args(&words);
    if counted {
        compiler.args(COUNTERS).arg(NEVER_RUN);
    }
    match compiler.status() {
        Ok(status) => Some(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1).into()),
        Err(error) => {
            eprintln!("ERROR cannot start {}: {error}", run::words(&compiler));
            Some(ExitCode::FAILURE)
        }
    }
}

fn parse(words: &[String]) -> Result<Asked, Error> {
    let mut asked = Asked { seconds: 20, ..Asked::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Error::usage(format!("{word} needs a value")));
        match word.as_str() {
            "--list" => asked.list = true,
            "--replay" => {
                let file = PathBuf::from(value()?);
                let whole = std::path::absolute(&file);
                asked.replay = Some(whole.map_err(|e| Error::failed(format!("cannot find {}: {e}", file.display())))?);
            }
            "--seconds" => {
                let text = value()?;
                let bad = || Error::usage(format!("--seconds needs a number, not {text:?}"));
                asked.seconds = text.parse().map_err(|_| bad())?;
            }
            flag if flag.starts_with('-') => {
                return Err(Error::usage(format!("cargo xtask fuzz: unrecognized argument {flag:?}")));
            }
            target => asked.targets.push(target.to_owned()),
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_out() {
        let parsed = |line: &str| parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let expected =
            Asked { targets: vec!["tags".into(), "calls".into()], seconds: 5, replay: Some("/x".into()), list: false };
        assert_eq!(parsed("tags --seconds 5 calls --replay /x").ok(), Some(expected));
        assert_eq!(parsed("").ok(), Some(Asked { seconds: 20, ..Asked::default() }));
        for line in ["--nope", "--seconds", "--seconds soon", "--replay"] {
            assert!(matches!(parsed(line), Err(Error::Usage(_))), "{line}");
        }
    }
}
