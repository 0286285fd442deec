//! The processes that the engine needs, alone: the helper that makes a machine, and the first process inside.
//! It decides nothing; the whole program does the same in its `main`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((word, rest)) if word == container::HELPER_WORD => container::helper_main(rest),
        Some((word, rest)) if word == container::INIT_WORD => container::init_main(rest),
        _ => ExitCode::from(2),
    }
}
