//! Counting what passed, failed and was skipped, with the names and reasons that a reader needs at the end.

use std::fmt;

/// Lines of a failure that the report repeats: whoever sees only the end of a long log should know why.
const DETAILS: usize = 20;

#[derive(Default)]
pub struct Tally {
    pub passed: usize,
    failures: Vec<(String, String)>,
    skips: Vec<(String, String)>,
}

impl Tally {
    pub fn pass(&mut self, count: usize) {
        self.passed += count;
    }

    pub fn fail(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.failures.push((name.into(), why.into()));
    }

    pub fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.skips.push((name.into(), why.into()));
    }

    /// One more line of what is known about the latest failure, or about the one of this name; a report holds few of them.
    pub fn detail(&mut self, name: Option<&str>, line: &str) {
        let failure = match name {
            Some(name) => self.failures.iter_mut().find(|(failed, _)| failed == name),
            None => self.failures.last_mut(),
        };
        if let Some((_, why)) = failure
            && why.lines().count() < DETAILS
        {
            why.push_str("\n    ");
            why.push_str(line);
        }
    }

    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// What was skipped and what failed, each with its reason; then the one line that machines read.
    pub fn report(&self) -> String {
        let mut text = String::new();
        for (heading, list) in [("Skipped", &self.skips), ("Failed", &self.failures)] {
            if list.is_empty() {
                continue;
            }
            text.push_str(&format!("\n{heading}:\n"));
            for (name, why) in list {
                text.push_str(&format!("  {name}: {why}\n"));
            }
        }
        format!("{text}\n{self}\n")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failures.len(), self.skips.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_reasons_stand_above() {
        let mut tally = Tally::default();
        tally.pass(3);
        tally.skip("lxd", "no lxd here");
        tally.fail("python/ssh", "exit 1");
        tally.detail(None, "new mount /a");
        tally.fail("crates/x", "panicked");
        (0..100).for_each(|line| tally.detail(Some("python/ssh"), &line.to_string()));
        let report = tally.report();
        assert_eq!(report.lines().last(), Some("3 passed, 2 failed, 1 skipped"));
        assert!(report.contains("  lxd: no lxd here\n"));
        assert!(report.contains("  python/ssh: exit 1\n    new mount /a\n    0\n"));
        assert_eq!(report.lines().filter(|line| line.starts_with("    ")).count(), DETAILS - 1, "{report}");
    }
}
