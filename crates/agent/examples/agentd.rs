//! The machine's modes alone, without controller and command line: what the tests start as processes.

use std::process::ExitCode;

fn main() -> ExitCode {
    agent::run_mode(std::env::args_os().skip(1)).unwrap_or(ExitCode::from(2))
}
