//! `cargo xtask mutants`: breaks the product in one place after the other, and looks whether the test that is there for it fails.
//!
//! It works on a copy, so nothing here is ever broken. The surprise: the list (`tests/mutants`) holds the text that is changed; when that text
//! is gone the list is wrong, and says so, instead of proving nothing.

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use crate::command::{Command, Done, Error};
use crate::{run, tree};

pub const COMMAND: Command = Command {
    name: "mutants",
    summary: "breaks the product on purpose, place by place, and sees its tests fail",
    help: "\
Usage: cargo xtask mutants [PART]...

For each entry of tests/mutants (or those whose file, test or heading contains a PART): changes one line in a copy of the last commit, runs
the test named there, and expects it to fail. Ends with `N caught, N not caught`. The copy and what is built of it stay in target/mutants.
",
    run,
};

/// One thing broken, and the test that must see it.
#[derive(Debug, Default, Clone, PartialEq)]
struct Mutant {
    /// What the test is there for.
    heading: String,
    file: String,
    from: String,
    to: String,
    /// Words for `cargo test`: the package, then a part of the test's name.
    test: Vec<String>,
}

fn run(words: &[String]) -> Done {
    let list = tree::root().join("tests/mutants");
    let text = fs::read_to_string(&list).map_err(|e| Error::failed(format!("cannot read {}: {e}", list.display())))?;
    let wanted = |mutant: &Mutant| {
        let fields = [&mutant.heading, &mutant.file, &mutant.test.join(" ")];
        words.is_empty() || words.iter().any(|word| fields.iter().any(|field| field.contains(word.as_str())))
    };
    let mutants: Vec<Mutant> = parse(&text)?.into_iter().filter(wanted).collect();
    if mutants.is_empty() {
        return Err(Error::usage("no entry of tests/mutants is meant by that"));
    }
    let copy = copy()?;
    let mut missed = 0;
    for mutant in &mutants {
        let Mutant { heading, file, from, to, .. } = mutant;
        let what = format!("{heading}: {file}: {from} -> {to}");
        match try_one(&copy, mutant) {
            Ok(()) => println!("caught     {what}"),
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

fn parse(text: &str) -> Result<Vec<Mutant>, Error> {
    let mut mutants: Vec<Mutant> = Vec::new();
    let mut heading = String::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: &str| Error::failed(format!("tests/mutants, line {number}: {why}"));
        if let Some(words) = line.strip_prefix('#') {
            words.trim().clone_into(&mut heading);
            continue;
        }
        let (field, value) = line.split_once(": ").ok_or_else(|| wrong("not `field: value`"))?;
        if field == "file" {
            mutants.push(Mutant { heading: heading.clone(), ..Mutant::default() });
        }
        let one = mutants.last_mut().ok_or_else(|| wrong("an entry begins with `file`"))?;
        match field {
            "file" => value.clone_into(&mut one.file),
            "from" => value.clone_into(&mut one.from),
            "to" => value.clone_into(&mut one.to),
            "test" => one.test = value.split_whitespace().map(str::to_owned).collect(),
            _ => return Err(wrong("a field is one of file, from, to, test")),
        }
    }
    match mutants.iter().find(|one| one.from.is_empty() || one.test.len() < 2 || one.from == one.to) {
        Some(one) => Err(Error::failed(format!("tests/mutants: the entry on {} lacks something", one.file))),
        None => Ok(mutants),
    }
}

/// The last commit, laid out anew.
fn copy() -> Result<std::path::PathBuf, Error> {
    let own = tree::root().join("target/mutants");
    let copy = own.join("tree");
    if copy.exists() {
        fs::remove_dir_all(&copy).map_err(|e| Error::failed(format!("cannot remove {}: {e}", copy.display())))?;
    }
    fs::create_dir_all(&copy).map_err(|e| Error::failed(format!("cannot make {}: {e}", copy.display())))?;
    let archive = own.join("tree.tar");
    let words = ["archive", "--output", &archive.to_string_lossy(), "HEAD"];
    run::read("git", &words, &tree::root())?;
    run::read("tar", &["-xf", &archive.to_string_lossy()], &copy)?;
    Ok(copy)
}

/// `Ok` when the test failed.
fn try_one(copy: &Path, mutant: &Mutant) -> Done {
    let path = copy.join(&mutant.file);
    let unreadable = |e| Error::failed(format!("cannot read or write {}: {e}", mutant.file));
    let whole = fs::read_to_string(&path).map_err(unreadable)?;
    let times = whole.matches(&mutant.from).count();
    if times != 1 {
        return Err(Error::failed(format!("its text stands there {times} times")));
    }
    fs::write(&path, whole.replacen(&mutant.from, &mutant.to, 1)).map_err(unreadable)?;
    let outcome = test(copy, &mutant.test);
    fs::write(&path, whole).map_err(unreadable)?;
    outcome
}

fn test(copy: &Path, words: &[String]) -> Done {
    let mut command: Process = run::cargo();
    command.current_dir(copy).args(["test", "--quiet", "--package"]).args(words);
    command.env("CARGO_TARGET_DIR", tree::root().join("target/mutants/build")).env("RUSTFLAGS", "-Awarnings");
    command.env("CARGO_INCREMENTAL", "0").stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().map_err(|e| Error::failed(format!("cannot start cargo: {e}")))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    match (output.status.success(), said.contains("test result: FAILED")) {
        (false, true) => Ok(()),
        (false, false) => {
            let last: Vec<&str> = said.lines().rev().take(12).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            Err(Error::failed(format!("no test failed, something else did:\n{}", last.join("\n"))))
        }
        (true, _) => Err(Error::failed(format!("`cargo test -p {}` passes all the same", words.join(" ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_what_it_changes_is_there_once() {
        let text = fs::read_to_string(tree::root().join("tests/mutants")).unwrap_or_default();
        let Ok(mutants) = parse(&text) else { panic!("the list cannot be read") };
        assert!(!mutants.is_empty());
        for Mutant { file, from, .. } in mutants {
            let whole = fs::read_to_string(tree::root().join(&file)).unwrap_or_default();
            assert_eq!(whole.matches(&from).count(), 1, "{file}: {from}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in
            ["from: a", "file: a\nfrom: b\nto: b\ntest: c d", "file: a\nnonsense", "file: a\nfrom: b\nto: c\ntest: d"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
