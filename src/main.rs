//! Grigri: chooses by its first word what this process is. Assembly only: whoever does the work is in a crate.
//! The surprise: one program is the command line, the controller, a machine's agent and its ssh server, and process 1 of a container; the
//! words that choose the latter are not meant for people and collide with no command.

mod accounts;
mod addresses;
mod bootstrap;
mod certificates;
mod control;
mod controller;
mod daemon;
mod elsewhere;
mod layout;
mod log;
mod measured;
mod metrics;
mod operated;
mod operator;
mod outfit;
mod published;
mod seals;
mod settings;
mod takes_in;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let word = args.get(1).and_then(|arg| arg.to_str()).unwrap_or_default();
    let texts =
        |from: usize| -> Vec<String> { args.iter().skip(from).map(|arg| arg.to_string_lossy().into_owned()).collect() };
    let name = args.first().map(std::path::Path::new).and_then(|path| path.file_name());
    if name.is_some_and(|name| name == "sudo") {
        return container::sudo_main(&texts(1));
    }
    match word {
        container::INIT_WORD => return container::init_main(&texts(2)),
        container::HELPER_WORD => return container::helper_main(&texts(2)),
        daemon::MODE => return controller::main(&texts(2)),
        cli::bootstrap::HOST_MODE => return elsewhere::main(),
        _ => {}
    }
    if let Some(code) = agent::run_mode(args.iter().skip(1).cloned()) {
        return code;
    }
    let injected = cli::Injected {
        bootstrapper: Some(Box::new(bootstrap::ByCloud)),
        operator: Some(Box::new(operator::OfThisHost)),
        ..cli::Injected::default()
    };
    let code = cli::main(texts(0), injected);
    ExitCode::from(u8::try_from(code.clamp(0, 255)).unwrap_or(1))
}
