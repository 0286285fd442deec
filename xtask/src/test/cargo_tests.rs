//! `cargo test --workspace`, shown as it runs and counted from its own result lines.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::command::{Done, Error};
use crate::tally::Tally;
use crate::{run, tree};

pub fn run(tally: &mut Tally) -> Done {
    println!("== cargo test --workspace");
    if !tree::golden().is_dir() {
        let why = format!("no folder {} (GRIGRI_GOLDEN names another)", tree::golden().display());
        tally.skip("crates/replay of the recordings", why);
    }
    let mut command = run::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|e| Error::failed(format!("cannot start cargo test: {e}")))?;
    let before = tally.failed();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = Lines::default();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if worth_showing(&line) {
                println!("{line}");
            }
            lines.count(&line, tally);
        }
    }
    let status = child.wait().map_err(|e| Error::failed(format!("cannot wait for cargo test: {e}")))?;
    if !status.success() && tally.failed() == before {
        tally.fail("crates", format!("cargo test: {status}, before any test could fail: see above"));
    }
    Ok(())
}

/// A thousand lines of `ok` hide what matters.
fn worth_showing(line: &str) -> bool {
    let passed = line.starts_with("test ") && line.ends_with(" ... ok");
    let empty = line.is_empty()
        || line == "running 0 tests"
        || line.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored");
    !passed && !empty
}

/// What cargo prints, read line by line.
#[derive(Default)]
struct Lines {
    /// The failed test whose output these lines are.
    output_of: Option<String>,
}

impl Lines {
    fn count(&mut self, line: &str, tally: &mut Tally) {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.output_of = Some(format!("crates/{name}"));
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.output_of = None;
        }
        if let Some(name) = &self.output_of {
            if !line.is_empty() && !line.starts_with("---- ") {
                tally.detail(Some(name), line);
            }
        } else if let Some(test) = line.strip_prefix("test ") {
            Self::result(test, tally);
        }
    }

    fn result(test: &str, tally: &mut Tally) {
        if let Some(name) = test.strip_suffix(" ... FAILED") {
            tally.fail(format!("crates/{name}"), "its output:");
        } else if let Some((name, why)) = test.split_once(" ... ignored") {
            let why = why.trim_start_matches([',', ' ']);
            tally.skip(format!("crates/{name}"), if why.is_empty() { "marked to be ignored" } else { why });
        } else if let Some(result) = test.strip_prefix("result: ") {
            let passed = result.split(". ").nth(1).and_then(|counts| counts.split_whitespace().next());
            tally.pass(passed.and_then(|count| count.parse().ok()).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_are_counted() {
        let mut tally = Tally::default();
        let mut lines = Lines::default();
        for line in [
            "running 5 tests",
            "test tags::round_trip ... ok",
            "test tags::odd ... FAILED",
            "test lxd::works ... ignored, no lxd here",
            "test slow ... ignored",
            "failures:",
            "---- tags::odd stdout ----",
            "",
            "thread 'tags::odd' panicked at src/tags.rs:1:1:",
            "test tags::odd ... FAILED",
            "failures:",
            "    tags::odd",
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            lines.count(line, &mut tally);
        }
        assert_eq!(tally.to_string(), "15 passed, 1 failed, 2 skipped");
        let report = tally.report();
        assert!(report.contains("crates/lxd::works: no lxd here\n"), "{report}");
        assert!(report.contains("crates/tags::odd: its output:\n    thread 'tags::odd' panicked"), "{report}");
    }

    #[test]
    fn what_passed_is_not_shown() {
        assert!(!worth_showing("test a::b ... ok"));
        assert!(worth_showing("test a::b ... FAILED"));
        assert!(worth_showing("thread 'a::b' panicked at src/lib.rs:1:1:"));
    }
}
