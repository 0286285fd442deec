//! The processes that the builtin cloud needs, alone: the helper that makes a machine, the first process inside, and the stand-in for `sudo`.
//! It decides nothing; the whole program does the same in its `main`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args();
    let name = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    if name.rsplit('/').next() == Some("sudo") {
        return container::sudo_main(&args);
    }
    match args.split_first() {
        Some((word, rest)) if word == container::HELPER_WORD => container::helper_main(rest),
        Some((word, rest)) if word == container::INIT_WORD => container::init_main(rest),
        _ => ExitCode::from(2),
    }
}
