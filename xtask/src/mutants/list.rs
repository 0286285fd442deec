//! The list of what is broken on purpose: `tests/mutants`, read and held to be true.
//!
//! It must not know how a test is run. The surprise: one change may have several tests, each of which must see it; they are written one
//! below the other, so that what is built for one serves the next.

use std::fmt;

use crate::command::Error;

/// One thing broken, and the tests that must see it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Mutant {
    /// What the tests are there for.
    pub heading: String,
    pub file: String,
    pub from: String,
    pub to: String,
    pub tests: Vec<Test>,
}

/// What has to fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Test {
    /// Words for `cargo test`: the package, then a part of the test's name.
    Cargo(Vec<String>),
    /// The folder's name of a black-box suite.
    Suite(String),
}

impl Test {
    fn parse(text: &str) -> Option<Test> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match words.as_slice() {
            [] | [_] => None,
            [suite, name] if suite == "suite" => Some(Test::Suite(name.clone())),
            [suite, ..] if suite == "suite" => None,
            _ => Some(Test::Cargo(words)),
        }
    }

    /// What cargo is asked for first. It leaves the examples of a package out when a part of a name is given, and some tests run one.
    pub fn before(&self) -> Option<Vec<&str>> {
        match self {
            Test::Cargo(words) => Some(vec!["build", "--quiet", "--examples", "--package", words.first()?]),
            Test::Suite(_) => None,
        }
    }

    pub fn words(&self) -> Vec<&str> {
        match self {
            Test::Cargo(words) => {
                let targets = match words.iter().any(|word| word == "--test") {
                    true => [].as_slice(),
                    false => &["--tests"],
                };
                let words = words.iter().map(String::as_str);
                ["test", "--quiet"]
                    .into_iter()
                    .chain(targets.iter().copied())
                    .chain(["--package"])
                    .chain(words)
                    .collect()
            }
            Test::Suite(name) => vec!["xtask", "test", name],
        }
    }

    /// The names of the tests or cases that failed, from what was printed. None when what went wrong is something else: a build, a need.
    pub fn failed(&self, said: &str) -> Vec<String> {
        let name = |line: &str| match self {
            Test::Cargo(_) => line.strip_prefix("---- ")?.strip_suffix(" stdout ----").map(str::to_owned),
            Test::Suite(_) => line.strip_prefix("fail ").map(|case| case.split(": ").next().unwrap_or(case).to_owned()),
        };
        said.lines().filter_map(name).collect()
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Cargo(words) => write!(f, "cargo test -p {}", words.join(" ")),
            Test::Suite(name) => write!(f, "cargo xtask test {name}"),
        }
    }
}

impl Mutant {
    /// Whether a word on the command line means this one.
    pub fn is_named(&self, part: &str) -> bool {
        [&self.heading, &self.file].iter().any(|field| field.contains(part))
            || self.tests.iter().any(|test| test.to_string().contains(part))
    }

    /// One of the tests names `part` as a whole word.
    #[cfg(test)]
    fn has_test(&self, part: &str) -> bool {
        self.tests.iter().any(|test| test.to_string().split(' ').any(|word| word == part))
    }
}

pub fn parse(text: &str) -> Result<Vec<Mutant>, Error> {
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
            "test" => {
                one.tests.push(Test::parse(value).ok_or_else(|| wrong("a test is `PACKAGE PART` or `suite NAME`"))?)
            }
            _ => return Err(wrong("a field is one of file, from, to, test")),
        }
    }
    match mutants.iter().find(|one| one.from.is_empty() || one.tests.is_empty() || one.from == one.to) {
        Some(one) => Err(Error::failed(format!("tests/mutants: the entry on {} lacks something", one.file))),
        None => Ok(mutants),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use std::fs;

    fn read(path: &str) -> String {
        fs::read_to_string(tree::root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    fn list() -> Vec<Mutant> {
        match parse(&read("tests/mutants")) {
            Ok(mutants) => mutants,
            Err(Error::Failed(why) | Error::Usage(why)) => panic!("{why}"),
            Err(Error::Told) => panic!("the list cannot be read"),
        }
    }

    #[test]
    fn what_the_list_changes_is_there_once_and_its_suites_are_there() {
        for Mutant { file, from, tests, .. } in list() {
            assert_eq!(read(&file).matches(&from).count(), 1, "{file}: {from}");
            for test in tests {
                if let Test::Suite(name) = test {
                    assert!(tree::root().join("tests").join(&name).join("run").is_file(), "no suite {name}");
                }
            }
        }
    }

    #[test]
    fn every_target_of_hostile_input_has_been_seen_to_fail() {
        let list = list();
        let text = read("crates/testkit/tests/fuzz/main.rs");
        let rows = text.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(',')?.split_once(" = "));
        let names: Vec<&str> = rows.map(|(name, _)| name).collect();
        assert!(names.len() > 30, "{names:?}");
        let missing: Vec<_> = names.iter().filter(|name| !list.iter().any(|one| one.has_test(name))).collect();
        assert!(missing.is_empty(), "no entry of tests/mutants names {missing:?}");
    }

    #[test]
    fn an_entry_may_have_several_tests_and_a_suite_among_them() {
        let text = "# a heading\nfile: f\nfrom:   a: b\nto: c\ntest: store fault\ntest: suite paused\n";
        let Ok(read) = parse(text) else { panic!("refused") };
        let tests = vec![Test::Cargo(vec!["store".into(), "fault".into()]), Test::Suite("paused".into())];
        let one = Mutant {
            heading: "a heading".into(),
            file: "f".into(),
            from: "  a: b".into(),
            to: "c".into(),
            tests: tests.clone(),
        };
        assert_eq!(read, std::slice::from_ref(&one));
        assert!(one.is_named("paus") && one.is_named("head") && one.has_test("fault") && !one.has_test("faul"));
        assert_eq!(tests[0].words(), ["test", "--quiet", "--tests", "--package", "store", "fault"]);
        assert_eq!(tests[0].before(), Some(vec!["build", "--quiet", "--examples", "--package", "store"]));
        assert_eq!((tests[1].before(), tests[1].words()), (None, vec!["xtask", "test", "paused"]));
    }

    #[test]
    fn only_a_test_or_a_case_that_failed_is_a_failure() {
        let cargo = Test::Cargo(vec!["a".into(), "b".into()]);
        let said = "failures:\n\n---- change::task::a_token stdout ----\n\nthread panicked\n\nfailures:\n    a\n\ntest result: FAILED. 0";
        assert_eq!(cargo.failed(said), ["change::task::a_token"]);
        assert!(cargo.failed("error[E0308]: mismatched types\nerror: could not compile `a`").is_empty());
        let suite = Test::Suite("paused".into());
        let said = "== paused: x\npass one\nfail two, three: no end: of it\n    detail\nskip four: no root\n";
        assert_eq!(suite.failed(said), ["two, three"]);
        assert!(
            suite
                .failed("Skipped:\n  paused: needs root\nFailed:\n  build: cargo build: exit status: 101\n")
                .is_empty()
        );
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in [
            "from: a",
            "file: a\nfrom: b\nto: b\ntest: c d",
            "file: a\nnonsense",
            "file: a\nfrom: b\nto: c\ntest: d",
            "file: a\nfrom: b\nto: c",
            "file: a\nfrom: b\nto: c\ntest: suite",
            "file: a\nfrom: b\nto: c\ntest: suite d e",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
