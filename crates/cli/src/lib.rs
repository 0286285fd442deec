//! The command line: a drop-in for the stock `juju` command.
//!
//! Reaches controllers through `client` only; what it cannot do through the API (starting a controller on this host)
//! is injected by the binary. Must not know `model` or `store`. The surprise: nothing here prints or reads the
//! environment but `Io`, so a whole session can be played inside a test.

use std::sync::Arc;

pub mod bootstrap;
pub mod command;
pub mod context;
pub mod error;
pub mod flags;
pub mod io;
pub mod operating;
pub mod output;
pub mod select;
pub mod status;

mod alias;
mod attributes;
mod completion;
mod help;
mod manual;
mod steps;

pub use bootstrap::Bootstrapper;
pub use context::{Api, Context};
pub use error::{Error, Result};
pub use io::Io;
pub use operating::Operator;

use command::{Command, GLOBAL_FLAGS, TOP_FLAGS};
use flags::{Args, Flag};

/// What the binary gives the command line.
pub struct Injected {
    /// Makes and unmakes controllers on this host.
    pub bootstrapper: Option<Box<dyn Bootstrapper>>,
    /// Looks after this host.
    pub operator: Option<Box<dyn Operator>>,
    /// The middle part of the version, `ubuntu` or `genericlinux`.
    pub release: String,
    /// The commit this was built from, if known.
    pub commit: String,
}

impl Default for Injected {
    fn default() -> Injected {
        Injected { bootstrapper: None, operator: None, release: "genericlinux".to_owned(), commit: String::new() }
    }
}

/// Runs the process's command line and gives its exit code. `args[0]` is the program's name.
pub fn main(args: Vec<String>, injected: Injected) -> i32 {
    let mut io = Io::process();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            io.log_line("ERROR", &format!("cannot start: {e}"));
            return 1;
        }
    };
    let code = runtime.block_on(run(args, io, injected)).0;
    // A read of stdin that is still waiting must not hold the process.
    runtime.shutdown_background();
    code
}

/// Runs one command line in the surroundings given, and gives them back with the exit code.
pub async fn run(args: Vec<String>, mut io: Io, injected: Injected) -> (i32, Io) {
    let program = args.first().map(|p| p.rsplit('/').next().unwrap_or(p).to_owned()).unwrap_or_default();
    let line = args.clone();
    let command = match choose(args.into_iter().skip(1).collect(), &io) {
        Ok(Chosen::Run(command, args)) => (command, args),
        Ok(Chosen::Print(text)) => {
            let code = i32::from(std::io::Write::write_all(&mut io.stdout, text.as_bytes()).is_err());
            return (code, io);
        }
        Ok(Chosen::Version) => {
            let name = "version".to_owned();
            match choose(vec![name], &io) {
                Ok(Chosen::Run(command, args)) => (command, args),
                _ => return (1, io),
            }
        }
        Err(error) => {
            let code = report(&mut io, &error);
            return (code, io);
        }
    };
    let (command, args) = command;
    let mut context = Context::new(io, args, command, Arc::new(injected), program, line);
    let outcome = execute(&mut context).await;
    let code = match outcome {
        Ok(()) => 0,
        Err(error) => {
            if error.exit() == 1 {
                context.empty_result();
            }
            report(&mut context.io, &error)
        }
    };
    let _ = std::io::Write::flush(&mut context.io.stdout);
    (code, context.io)
}

async fn execute(context: &mut Context) -> Result<()> {
    context.prepare()?;
    let words = format!("running {} [{}]", context.program, base::version::current_version());
    context.log("INFO", "juju.cmd", &words);
    let words = format!("  args: {:?}", context.line);
    context.log("DEBUG", "juju.cmd", &words);
    (context.command.run)(context).await?;
    context.log("INFO", "cmd", "command finished");
    Ok(())
}

fn report(io: &mut Io, error: &Error) -> i32 {
    use std::io::Write;
    // When stderr is gone nobody is left to be told.
    let _ = io.stderr.write_all(error.before().as_bytes());
    if !error.is_silent() {
        io.log_line("ERROR", error.message());
    }
    error.exit()
}

enum Chosen {
    Run(&'static Command, Args),
    Print(String),
    Version,
}

/// Finds the command of a line and reads its flags.
fn choose(words: Vec<String>, io: &Io) -> Result<Chosen> {
    let top: Vec<Flag> = GLOBAL_FLAGS.iter().chain(TOP_FLAGS).copied().collect();
    let before = Args::parse(&top, &words, false)?;
    if before.is_set("version") {
        return Ok(Chosen::Version);
    }
    if before.is_set("description") {
        return Ok(Chosen::Print("juju: no description available\n".to_owned()));
    }
    let mut rest = before.positional().to_vec();
    if !before.is_set("no-alias") {
        rest = alias::expand(&io.data_dir(), rest);
    }
    let Some(name) = rest.first().cloned() else { return Ok(Chosen::Print(help::starter())) };
    let rest = rest.split_off(1);
    let asks = name == "help" && rest.iter().any(|word| matches!(word.as_str(), "-h" | "--help"));
    if before.is_set("h") || asks {
        return help::about(&name).map(Chosen::Print);
    }
    if name == "help" {
        return help::topic(&rest).map(Chosen::Print);
    }
    let Some(command) = command::find(&name).filter(|command| is_on(command.feature, io)) else {
        return Err(unknown(&name));
    };
    let mut table = command.own_flags();
    table.extend(GLOBAL_FLAGS);
    // Global flags before the command's name count as if they stood behind it.
    let mut line: Vec<String> = Vec::new();
    for flag in GLOBAL_FLAGS {
        if let Some(value) = before.text(flag.names[0]) {
            line.push(format!("{}={value}", Flag::dashed(flag.names[flag.names.len() - 1])));
        }
    }
    line.extend(rest);
    let args = Args::parse(&table, &line, command.flags_among)?;
    if args.is_set("h") {
        return Ok(Chosen::Print(help::command(command)));
    }
    Ok(Chosen::Run(command, args))
}

/// Whether the user asked for commands of this feature; those of none are always there.
fn is_on(feature: &str, io: &Io) -> bool {
    let flags = io.var("JUJU_DEV_FEATURE_FLAGS").unwrap_or_default();
    feature.is_empty() || flags.split(',').any(|flag| flag.trim().eq_ignore_ascii_case(feature))
}

/// A word that is no command of this release.
fn unknown(name: &str) -> Error {
    if command::ORIGINAL.contains(&name) {
        return Error::failed(format!(
            "juju {name:?} is not built in this release of grigri{}\n\n\
             Everything this release can do is listed by \"juju help commands\".",
            command::reason(name)
        ));
    }
    let meant = command::renamed(name).unwrap_or_else(|| command::nearest(name));
    Error::failed(format!("juju: {name:?} is not a juju command. See \"juju --help\".\n\nDid you mean:\n\t{meant}"))
}

impl From<client::files::Error> for Error {
    fn from(error: client::files::Error) -> Error {
        Error::failed(base::chain(&error))
    }
}
