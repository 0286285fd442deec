//! `cargo xtask test`: the tests of every crate, then the black-box suites under `tests/` against the built binary.
//!
//! It knows suites only by their contract (`test/suite.rs`); what they do is their own business.

mod cargo_tests;
mod leftovers;
mod suite;

use crate::command::{Command, Done, Error};
use crate::tally::Tally;
use crate::{run, tree};
use suite::Suite;

pub const COMMAND: Command = Command {
    name: "test",
    summary: "every test: of the crates, then of the built binary from outside",
    help: "\
Usage: cargo xtask test [--list] [--guest] [NAME...]

Runs `cargo test --workspace`, builds the binary and runs every suite under tests/. With names, only suites whose name
contains one of them (`crates` stands for the cargo tests). --list names the suites and what they need. --guest stands for
the suite `guest`, which boots a Debian with systemd under qemu; that one runs only when it is asked for.

Suites get what they need by themselves: Debian packages by apt-get (as root), a Python environment under target/python.
A suite whose need cannot be met is skipped, and the reason stands in the list at the end. Exits 1 if anything failed; the
last line is `N passed, N failed, N skipped`.
",
    run,
};

/// The name under which the cargo tests can be chosen.
const CRATES: &str = "crates";

/// The suite that `--guest` stands for.
const GUEST: &str = "guest";

/// Has another program of a suite's folder find what the suite needs.
pub fn meet_needs(suite: &str, command: &mut std::process::Command) -> Done {
    let found = suite::all()?.into_iter().find(|one| one.name == suite);
    let found = found.ok_or_else(|| Error::failed(format!("no suite is named {suite:?}")))?;
    found.meet_needs(command).map_err(Error::Failed)
}

fn run(words: &[String]) -> Done {
    let (flags, mut names): (Vec<&str>, Vec<&str>) =
        words.iter().map(String::as_str).partition(|word| word.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| !["--list", "--guest"].contains(flag)) {
        return Err(Error::usage(format!("cargo xtask test: unrecognized flag {flag}")));
    }
    if flags.contains(&"--guest") {
        names.push(GUEST);
    }
    let suites = suite::all()?;
    if let Some(name) =
        names.iter().find(|name| !CRATES.contains(*name) && !suites.iter().any(|suite| suite.is_named(name)))
    {
        let known: Vec<&str> = std::iter::once(CRATES).chain(suites.iter().map(|suite| suite.name.as_str())).collect();
        return Err(Error::usage(format!("no suite is named {name:?}; there are {}", known.join(", "))));
    }
    if flags.contains(&"--list") {
        println!("{CRATES:<12} cargo test --workspace");
        for suite in &suites {
            println!("{:<12} {} (needs: {})", suite.name, suite.about, suite.needs_text());
        }
        return Ok(());
    }
    let chosen = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part));

    let mut tally = Tally::default();
    if chosen(CRATES) {
        cargo_tests::run(&mut tally)?;
    }
    let (mut run, mut unasked) = (Vec::new(), Vec::new());
    for suite in suites.into_iter().filter(|suite| chosen(&suite.name)) {
        match &suite.asked {
            Some(why) if names.is_empty() => unasked.push((suite.name, why.clone())),
            _ => run.push(suite),
        }
    }
    if !run.is_empty() {
        black_box(&run, &mut tally)?;
    }
    for (name, why) in unasked {
        tally.skip(&name, format!("{why}: cargo xtask test {name}"));
    }
    print!("{}", tally.report());
    if tally.failed() == 0 { Ok(()) } else { Err(Error::Told) }
}

fn black_box(suites: &[Suite], tally: &mut Tally) -> Done {
    println!("\n== building the binary under test");
    if let Err(Error::Failed(why)) = run::show(run::cargo().args(["build", "--quiet", "--package", "grigri"])) {
        tally.fail("build", why);
        return Ok(());
    }
    let binary = tree::debug_binary()?;
    for suite in suites {
        println!("\n== {}: {}", suite.name, suite.about);
        suite.run(&binary, tally);
    }
    Ok(())
}
