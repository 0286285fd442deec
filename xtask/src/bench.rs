//! `cargo xtask bench`: what is measured, and docs/benchmarks.md written from it.
//!
//! Every figure stands beside the command that made it. A budget nobody has measured yet stands there too, saying so.

mod builtin;
mod lxd;
mod peers;
mod simulator;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::command::{self, Command, Done, Error};
use crate::{dist, run, tree};

pub const COMMAND: Command = Command {
    name: "bench",
    summary: "measures what has a budget and writes docs/benchmarks.md",
    help: "\
Usage: cargo xtask bench [lxd]

Builds the release binary, measures what can be measured on this machine (as root also controllers and machines of the
builtin cloud), and writes docs/benchmarks.md: budget, figure, and the command that made the figure. Nothing here fails for
being slow: budgets are for people. With `lxd` only machines of LXD and Incus are measured, and
only their lines of the page are written anew.
",
    run,
};

/// One line of the table.
pub struct Row {
    what: String,
    budget: String,
    /// How to make the figure by hand.
    command: String,
    figure: Result<String, Error>,
}

/// Budgets whose measurement is not built yet.
const OPEN: &[(&str, &str)] = &[];

impl Row {
    fn new(what: &str, budget: &str, command: &str, figure: Result<String, Error>) -> Row {
        Row { what: what.into(), budget: budget.into(), command: command.into(), figure }
    }
}

fn run(words: &[String]) -> Done {
    let only_lxd = words == ["lxd"];
    if !only_lxd {
        command::no_words("bench", words)?;
    }
    let binary = dist::release()?;
    if only_lxd {
        return write(&format!("{}{}", page_without(lxd::COMMAND)?, table(&lxd::measure(&binary))));
    }
    let mut rows = vec![
        Row::new("binary, stripped", "<= 30 MB", "cargo xtask dist", size(&binary)),
        Row::new(
            "`grigri version`, median of 50",
            "-",
            "grigri version",
            median(50, || run::read_command(grigri(&binary).arg("version")).map(drop)),
        ),
        Row::new(
            "durable commits, single and grouped, against bare SQLite with the same rows; commit to the view's delivery",
            "single >= 80 %, grouped >= 50 %; p99 <= 2 ms",
            "cargo run --release -p store --example bench_commits",
            commits(),
        ),
    ];
    rows.extend(builtin::measure(&binary));
    rows.extend(simulator::measure(&binary));
    rows.extend(lxd::measure(&binary));
    let open: String =
        OPEN.iter().map(|(what, budget)| format!("| {what} | {budget} | not measured yet | |\n")).collect();
    write(&format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench`; do not edit by hand. Budgets are for people: no test fails for being slow.\n\n\
         Measured on: {}.\n\n| what | budget | measured | command |\n|---|---|---|---|\n{}{open}",
        machine(),
        table(&rows)
    ))
}

fn page() -> std::path::PathBuf {
    tree::root().join("docs/benchmarks.md")
}

fn write(text: &str) -> Done {
    fs::write(page(), text).map_err(|e| Error::failed(format!("cannot write {}: {e}", page().display())))
}

/// What the page says but for the lines that a command made.
fn page_without(command: &str) -> Result<String, Error> {
    let text =
        fs::read_to_string(page()).map_err(|e| Error::failed(format!("cannot read {}: {e}", page().display())))?;
    let end = format!("`{command}` |");
    Ok(text.lines().filter(|line| !line.ends_with(&end)).map(|line| format!("{line}\n")).collect())
}

/// The rows as they stand on the page; each is shown as it comes.
fn table(rows: &[Row]) -> String {
    let mut table = String::new();
    for Row { what, budget, command, figure } in rows {
        let figure = match figure {
            Ok(figure) => figure.as_str(),
            Err(error) => {
                if let Error::Failed(why) | Error::Usage(why) = error {
                    println!("{what}: {why}");
                }
                "could not be measured"
            }
        };
        println!("{what}: {figure}");
        table.push_str(&format!("| {what} | {budget} | {figure} | `{command}` |\n"));
    }
    table
}

/// Cores, memory and kernel: what a figure means depends on them.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release: Vec<&str> = kernel.trim().splitn(3, '.').take(2).collect();
    format!("{cores} cores, {} GiB, Linux {}", kib / (1024 * 1024), release.join("."))
}

fn grigri(binary: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(binary);
    command.env("HOME", "/nonexistent").stdin(std::process::Stdio::null());
    command
}

fn size(binary: &Path) -> Result<String, Error> {
    let size = fs::metadata(binary).map_err(|e| Error::failed(format!("cannot read {}: {e}", binary.display())))?.len();
    Ok(format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10))
}

/// The middle of so many tries, as a figure.
fn median(tries: usize, mut once: impl FnMut() -> Done) -> Result<String, Error> {
    median_of(tries, || {
        let before = Instant::now();
        once()?;
        Ok(before.elapsed())
    })
}

/// The same of what each try measured.
fn median_of(tries: usize, mut once: impl FnMut() -> Result<Duration, Error>) -> Result<String, Error> {
    let mut times = Vec::new();
    for _ in 0..tries {
        times.push(once()?);
    }
    times.sort();
    Ok(figure(times[times.len() / 2]))
}

fn figure(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

fn commits() -> Result<String, Error> {
    if !tree::root().join("crates/store/examples/bench_commits.rs").is_file() {
        return Err(Error::failed("crates/store has no example bench_commits"));
    }
    let mut command = run::cargo();
    command.args(["run", "--quiet", "--release", "--package", "store", "--example", "bench_commits"]);
    let said = run::read_command(&mut command)?;
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(lines.join("; ").replace('|', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_fitting_unit() {
        for (micros, text) in [(1_500, "1.5 ms"), (999_000, "999.0 ms"), (1_234_000, "1.23 s")] {
            assert_eq!(figure(Duration::from_micros(micros)), text);
        }
    }
}
