//! `simulator`: thousands of agents on one controller, measured. `simulator bench` drives; the other words are the processes that it starts.

use std::path::Path;
use std::process::ExitCode;

use testkit::simulator;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["controller", folder, address] => simulator::controller_main(Path::new(folder), address),
        ["agents"] => simulator::agents_main(),
        ["bench", rest @ ..] => simulator::bench_main(rest),
        _ => {
            use std::io::Write;
            let usage = "usage: simulator bench [--agents N] [--machines N] [--grigri PROGRAM]";
            let _ = writeln!(std::io::stderr(), "{usage}");
            ExitCode::from(2)
        }
    }
}
