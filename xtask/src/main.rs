//! The one entry for building, testing and trying Grigri: `cargo xtask WORD`.
//!
//! It drives cargo and the programs under `tests/`; it must not know how the product works inside, and it links none of
//! its crates. The surprise: it prints, and that is its trade, so the ban on printing is lifted here.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod check;
mod command;
mod dist;
mod fetch;
mod fuzz;
mod mutants;
mod quickstart;
mod replay;
mod run;
mod tally;
mod test;
mod tree;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = fuzz::as_compiler() {
        return code;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    match command::dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(command::Error::Usage(text)) => {
            eprintln!("ERROR {text}\n\nuse `cargo xtask --help`");
            ExitCode::from(2)
        }
        Err(command::Error::Failed(text)) => {
            eprintln!("ERROR {text}");
            ExitCode::FAILURE
        }
        Err(command::Error::Told) => ExitCode::FAILURE,
    }
}
