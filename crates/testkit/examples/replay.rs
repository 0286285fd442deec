//! Plays recordings to a command line and says how many match: `replay [DIR] --binary PATH [--group G] [--case C]
//! [--command C]... [--parallel N] [--diff]`. `cargo xtask replay` calls it.

use std::process::ExitCode;

use testkit::replay::{Options, golden_folder, play};

#[tokio::main]
async fn main() -> ExitCode {
    let mut options = Options::new("", "");
    let (mut folder, mut diff) = (None, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--diff" => diff = true,
            "--binary" => options.binary = words.next().unwrap_or_default().into(),
            "--group" => options.group = words.next(),
            "--case" => options.case = words.next(),
            "--command" => options.commands.extend(words.next()),
            "--parallel" => options.parallel = words.next().and_then(|n| n.parse().ok()).unwrap_or(options.parallel),
            _ => folder = Some(word.into()),
        }
    }
    let Some(folder) = folder.or_else(golden_folder) else {
        eprint(&"no folder of recordings: name one, or set GRIGRI_GOLDEN");
        return ExitCode::from(2);
    };
    options.folder = folder;
    match play(&options).await {
        Ok(report) => {
            print(&report.text(diff));
            if report.sum().failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(e) => {
            eprint(&e);
            ExitCode::from(2)
        }
    }
}

fn print(text: &str) {
    use std::io::Write;
    // A closed pipe is the reader's wish.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn eprint(error: &dyn std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "ERROR {error}");
}
