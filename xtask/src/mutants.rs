//! `cargo xtask mutants`: breaks the product in one place after the other, and looks whether the tests that are there for it fail.
//!
//! It works on a copy, so nothing here is ever broken. The surprise: each test is run on the whole copy first, since one that fails anyway
//! proves nothing; and the list (`tests/mutants`) holds the text that is changed: when that text is gone the list is wrong, and says so.

mod list;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use crate::command::{Command, Done, Error};
use crate::{run, tree};
use list::{Mutant, Test};

pub const COMMAND: Command = Command {
    name: "mutants",
    summary: "breaks the product on purpose, place by place, and sees its tests fail",
    help: "\
Usage: cargo xtask mutants [PART]...

For each entry of tests/mutants (or those whose file, test or heading contains a PART): changes one line in a copy of the last commit, runs
the tests named there, and expects each of them to fail. Before that all of these tests are run on the copy as it is, and must pass. Ends with
`N caught, N not caught`. The copy and what is built of it stay in target/mutants, for the next time. Entries that name a suite need what the
suite needs: those that start machines take root.
",
    run,
};

/// As .cargo/config.toml has it. Cargo, standing in a copy inside the repository, would read it there and here, and with the flag twice
/// build everything anew.
const FLAGS: &str = "-C\u{1f}target-feature=+crt-static";

fn run(words: &[String]) -> Done {
    let list = tree::root().join("tests/mutants");
    let text = fs::read_to_string(&list).map_err(|e| Error::failed(format!("cannot read {}: {e}", list.display())))?;
    let wanted = |mutant: &Mutant| words.is_empty() || words.iter().any(|word| mutant.is_named(word));
    let mutants: Vec<Mutant> = list::parse(&text)?.into_iter().filter(wanted).collect();
    if mutants.is_empty() {
        return Err(Error::usage("no entry of tests/mutants is meant by that"));
    }
    let copy = copy()?;
    whole(&copy, &mutants)?;
    let mut missed = 0;
    for mutant in &mutants {
        let Mutant { heading, file, from, to, .. } = mutant;
        let what = format!("{heading}: {file}: {from} -> {to}");
        match try_one(&copy, mutant) {
            Ok(seen) => println!("caught     {what}\n    by {}", seen.join(", ")),
            Err(Error::Failed(why) | Error::Usage(why)) => {
                missed += 1;
                println!("NOT CAUGHT {what}\n    {why}");
            }
            Err(told) => return Err(told),
        }
    }
    println!("{} caught, {missed} not caught", mutants.len() - missed);
    if missed == 0 { Ok(()) } else { Err(Error::Told) }
}

/// The last commit. Files that are as they were keep their times, and what was built of them is used again; one that was left broken is not
/// as it was.
fn copy() -> Result<PathBuf, Error> {
    let own = tree::root().join("target/mutants");
    let copy = own.join("tree");
    fs::create_dir_all(&copy).map_err(|e| Error::failed(format!("cannot make {}: {e}", copy.display())))?;
    let folder = run::read("git", &["rev-parse", "--absolute-git-dir"], &tree::root())?;
    for words in [["read-tree", "--reset", "-u", "HEAD"].as_slice(), &["clean", "-ffdxq"]] {
        let mut git = Process::new("git");
        git.arg("--git-dir").arg(folder.trim()).arg("--work-tree").arg(&copy).args(words);
        git.env("GIT_INDEX_FILE", own.join("index")).current_dir(&copy).stdin(Stdio::null());
        run::read_command(&mut git)?;
    }
    Ok(copy)
}

/// Every test passes while nothing is broken.
fn whole(copy: &Path, mutants: &[Mutant]) -> Done {
    let tests: BTreeSet<&Test> = mutants.iter().flat_map(|mutant| &mutant.tests).collect();
    for test in &tests {
        let (passed, said) = outcome(copy, test)?;
        if !passed {
            return Err(Error::failed(format!("`{test}` fails though nothing is broken:\n{}", end_of(&said))));
        }
    }
    println!("{} tests pass while nothing is broken", tests.len());
    Ok(())
}

/// The names of what failed, when each of its tests did.
fn try_one(copy: &Path, mutant: &Mutant) -> Result<Vec<String>, Error> {
    let path = copy.join(&mutant.file);
    let unreadable = |e| Error::failed(format!("cannot read or write {}: {e}", mutant.file));
    let whole = fs::read_to_string(&path).map_err(unreadable)?;
    let times = whole.matches(&mutant.from).count();
    if times != 1 {
        return Err(Error::failed(format!("its text stands there {times} times")));
    }
    fs::write(&path, whole.replacen(&mutant.from, &mutant.to, 1)).map_err(unreadable)?;
    let seen: Result<Vec<Vec<String>>, Error> = mutant.tests.iter().map(|test| fails(copy, test)).collect();
    fs::write(&path, whole).map_err(unreadable)?;
    Ok(seen?.concat())
}

fn fails(copy: &Path, test: &Test) -> Result<Vec<String>, Error> {
    let (passed, said) = outcome(copy, test)?;
    let failed = test.failed(&said);
    match (passed, failed.is_empty()) {
        (true, _) => Err(Error::failed(format!("`{test}` passes all the same"))),
        (false, true) => {
            Err(Error::failed(format!("`{test}`: no test failed, something else did:\n{}", end_of(&said))))
        }
        (false, false) => Ok(failed),
    }
}

/// Whether it passes in the copy, and all it said.
fn outcome(copy: &Path, test: &Test) -> Result<(bool, String), Error> {
    match test.before().map(|words| cargo(copy, &words)).transpose()? {
        Some(failed @ (false, _)) => Ok(failed),
        _ => cargo(copy, &test.words()),
    }
}

fn cargo(copy: &Path, words: &[&str]) -> Result<(bool, String), Error> {
    let mut command: Process = run::cargo();
    command.current_dir(copy).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("CARGO_TARGET_DIR", tree::root().join("target/mutants/build")).env("CARGO_INCREMENTAL", "0");
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS).env_remove("RUSTFLAGS").env("GRIGRI_GOLDEN", tree::golden());
    let output = command.output().map_err(|e| Error::failed(format!("cannot start cargo: {e}")))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Ok((output.status.success(), said.into_owned()))
}

fn end_of(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_those_of_every_other_build() {
        let config = fs::read_to_string(tree::root().join(".cargo/config.toml")).unwrap_or_default();
        let quoted: Vec<String> = FLAGS.split('\u{1f}').map(|flag| format!("{flag:?}")).collect();
        let line = format!("rustflags = [{}]", quoted.join(", "));
        assert_eq!(config.matches("rustflags").count(), 1, "{config}");
        assert!(config.contains(&line), "{config}");
    }
}
