//! `cargo xtask bench`: what is measured, and docs/benchmarks.md written from it.
//!
//! Every figure stands beside the command that made it. A budget nobody has measured yet stands there too, saying so.

use std::fs;
use std::time::Instant;

use crate::command::{self, Command, Done, Error};
use crate::{dist, run, tree};

pub const COMMAND: Command = Command {
    name: "bench",
    summary: "measures what has a budget and writes docs/benchmarks.md",
    help: "\
Usage: cargo xtask bench

Builds the release binary, measures what can be measured on this machine, and writes docs/benchmarks.md: budget, figure, and
the command that made the figure. Nothing here fails for being slow: budgets are for people.
",
    run,
};

struct Row {
    what: &'static str,
    budget: &'static str,
    command: &'static str,
    measure: Option<fn() -> Result<String, Error>>,
}

const ROWS: &[Row] = &[
    Row { what: "binary, stripped", budget: "<= 30 MB", command: "cargo xtask dist", measure: Some(size) },
    Row {
        what: "`grigri version`, wall time, median of 50",
        budget: "-",
        command: "grigri version",
        measure: Some(start),
    },
    Row {
        what: "durable commits, single and grouped, against bare SQLite with the same rows",
        budget: "single >= 80 %, grouped >= 50 %",
        command: "cargo run --release -p store --example bench_commits",
        measure: Some(commits),
    },
    Row {
        what: "`bootstrap builtin` to an API that answers (image there)",
        budget: "<= 1 s",
        command: "",
        measure: None,
    },
    Row { what: "making the image once", budget: "<= 3 s", command: "", measure: None },
    Row {
        what: "first machine `started` after `add-machine`, builtin",
        budget: "<= 0.3 s",
        command: "",
        measure: None,
    },
    Row { what: "100 / 1,000 machines `started`, builtin", budget: "<= 4 s / <= 60 s", command: "", measure: None },
    Row { what: "100 machines removed, host clean", budget: "<= 5 s", command: "", measure: None },
    Row {
        what: "controller memory (PSS), idle / with 10,000 agents",
        budget: "<= 40 MB / <= 400 MB",
        command: "",
        measure: None,
    },
    Row {
        what: "agent memory (PSS) / wake-ups when idle",
        budget: "<= 10 MB / <= 6 a minute",
        command: "",
        measure: None,
    },
    Row {
        what: "`status` at 1,000 machines: server p99 / command",
        budget: "<= 15 ms / <= 60 ms",
        command: "",
        measure: None,
    },
    Row { what: "exec on 50 agents, all answers shown", budget: "<= 0.3 s", command: "", measure: None },
    Row { what: "10,000 agents back after a controller kill", budget: "<= 10 s", command: "", measure: None },
    Row { what: "commit to watcher delivery, p99", budget: "<= 2 ms", command: "", measure: None },
    Row { what: "logins a second, verified before", budget: ">= 2,000", command: "", measure: None },
];

fn run(words: &[String]) -> Done {
    command::no_words("bench", words)?;
    dist::release()?;
    let mut table = String::from("| what | budget | measured | command |\n|---|---|---|---|\n");
    for row in ROWS {
        let figure = match row.measure {
            None => "not measured yet".to_owned(),
            Some(measure) => match measure() {
                Ok(figure) => figure,
                Err(Error::Failed(why) | Error::Usage(why)) => {
                    println!("{}: {why}", row.what);
                    "could not be measured".to_owned()
                }
                Err(Error::Told) => "could not be measured".to_owned(),
            },
        };
        println!("{}: {figure}", row.what);
        let command = if row.command.is_empty() { String::new() } else { format!("`{}`", row.command) };
        table.push_str(&format!("| {} | {} | {figure} | {command} |\n", row.what, row.budget));
    }
    let page = tree::root().join("docs/benchmarks.md");
    let text = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench`; do not edit by hand. Budgets are for people: no test fails for being slow.\n\nMeasured on: {}.\n\n{table}",
        machine()
    );
    fs::write(&page, text).map_err(|e| Error::failed(format!("cannot write {}: {e}", page.display())))
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

fn size() -> Result<String, Error> {
    let binary = tree::release_binary()?;
    let size =
        fs::metadata(&binary).map_err(|e| Error::failed(format!("cannot read {}: {e}", binary.display())))?.len();
    Ok(format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10))
}

fn start() -> Result<String, Error> {
    let binary = tree::release_binary()?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let mut command = std::process::Command::new(&binary);
        command.arg("version").env("HOME", "/nonexistent").stdin(std::process::Stdio::null());
        let before = Instant::now();
        run::read_command(&mut command)?;
        times.push(before.elapsed());
    }
    times.sort();
    Ok(format!("{:.1} ms", times[times.len() / 2].as_secs_f64() * 1000.0))
}

fn commits() -> Result<String, Error> {
    if !tree::root().join("crates/store/examples/bench_commits.rs").is_file() {
        return Err(Error::failed("crates/store has no example bench_commits"));
    }
    let mut command = run::cargo();
    command.args(["run", "--quiet", "--release", "--package", "store", "--example", "bench_commits"]);
    let said = run::read_command(&mut command)?;
    Ok(said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ").replace('|', "/"))
}
