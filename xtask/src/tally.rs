//! Counting what passed, failed and was skipped, with the names and reasons that a reader needs at the end.

use std::fmt;

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
        let report = tally.report();
        assert_eq!(report.lines().last(), Some("3 passed, 1 failed, 1 skipped"));
        assert!(report.contains("  lxd: no lxd here\n"));
        assert!(report.contains("  python/ssh: exit 1\n"));
    }
}
