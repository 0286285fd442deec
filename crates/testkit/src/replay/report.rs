//! What came of the cases, case by case and in sums.

use std::collections::BTreeMap;
use std::fmt;

use super::Recording;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed {
        findings: Vec<String>,
    },
    Failed {
        diff: String,
        findings: Vec<String>,
    },
    /// Why it was not held against us.
    Skipped(String),
}

#[derive(Debug, Clone)]
pub struct Line {
    pub group: String,
    pub case: String,
    pub command: String,
    pub line: String,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Default)]
pub struct Report {
    pub lines: Vec<Line>,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Report {
    pub(super) fn add(&mut self, recording: &Recording, outcome: Outcome) {
        self.lines.push(Line {
            group: recording.group.clone(),
            case: recording.case.clone(),
            command: recording.command(),
            line: recording.line.clone(),
            outcome,
        });
    }

    pub(super) fn sort(&mut self) {
        self.lines.sort_by(|a, b| (&a.group, &a.case).cmp(&(&b.group, &b.case)));
    }

    #[must_use]
    pub fn sum(&self) -> Sum {
        self.lines.iter().fold(Sum::default(), count)
    }

    /// Sums by command, and why cases of it were skipped.
    #[must_use]
    pub fn by_command(&self) -> BTreeMap<String, (Sum, BTreeMap<String, usize>)> {
        let mut sums: BTreeMap<String, (Sum, BTreeMap<String, usize>)> = BTreeMap::new();
        for line in &self.lines {
            let (sum, reasons) = sums.entry(line.command.clone()).or_default();
            *sum = count(*sum, line);
            if let Outcome::Skipped(reason) = &line.outcome {
                *reasons.entry(reason.clone()).or_default() += 1;
            }
        }
        sums
    }

    /// The report for people: failures (with `diff`, what differs), commands, the closing line.
    #[must_use]
    pub fn text(&self, diff: bool) -> String {
        let mut out = String::new();
        for line in &self.lines {
            match &line.outcome {
                Outcome::Failed { diff: text, findings } => {
                    out += &format!("FAILED {}/{}: {}\n", line.group, line.case, line.line);
                    if diff {
                        out += text;
                        for finding in findings {
                            out += &format!("  note: {finding}\n");
                        }
                        out.push('\n');
                    }
                }
                Outcome::Passed { findings } if diff => {
                    for finding in findings {
                        out += &format!("note {}/{}: {finding}\n", line.group, line.case);
                    }
                }
                Outcome::Passed { .. } | Outcome::Skipped(_) => {}
            }
        }
        for (command, (sum, reasons)) in self.by_command() {
            out += &format!("{command}: {sum}");
            let reasons: Vec<String> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
            if !reasons.is_empty() {
                out += &format!(" ({})", reasons.join("; "));
            }
            out.push('\n');
        }
        out + &format!("{}\n", self.sum())
    }
}

fn count(mut sum: Sum, line: &Line) -> Sum {
    match line.outcome {
        Outcome::Passed { .. } => sum.passed += 1,
        Outcome::Failed { .. } => sum.failed += 1,
        Outcome::Skipped(_) => sum.skipped += 1,
    }
    sum
}
