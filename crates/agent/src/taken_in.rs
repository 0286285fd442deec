//! Hosts that were there before: taken in by the agent's program itself, run on them as root, and left by it as they were.
//! It must not know how it got there (`clouds/manual`). The surprise: every thing is noted before it is made, so that whatever interrupts
//! the taking in, the note says what to take away; and a host with a note is not taken in again.
//!
//! ```text
//!   (as it was) --host-take-in--> note -> files -> enrolled -> account, keys -> service runs
//!        ^                                  |  any step fails: all of the note is undone
//!        +----------------------------------+
//!        +---- the controller says that the machine is dead, or an operator runs `remove-juju-services` (host-leave)
//! ```

mod account;
mod keys;
mod made;
mod service;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::fs::{FlockOperation, flock};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::machine::Machine;
use made::{Made, Note};
pub(crate) use service::{KEEP_MODE, end_with_keeper, keep_main};

/// What whoever looks for a machine of Juju's is told.
const PROVISIONED: &str = "machine is already provisioned";
/// Where Juju leaves its way out.
const WAY_OUT: &str = "/usr/sbin/remove-juju-services";
/// Lines for the login user's `authorized_keys`, of whoever takes the host in.
const KEYS: &str = "GRIGRI_AUTHORIZED_KEYS";

/// Takes the host in: the configuration on standard input.
pub fn take_in_main(_: impl Iterator<Item = OsString>) -> ExitCode {
    let mut text = Vec::new();
    let read = io::stdin().read_to_end(&mut text).and_then(|_| Config::parse(&text));
    let config = read.map_err(|error| format!("cannot read what the machine is to be: {error}"));
    ended(config.and_then(|config| take_in(&config)))
}

/// Leaves the host, whatever the controller knows of it: all machines that are noted on it.
pub fn leave_main(_: impl Iterator<Item = OsString>) -> ExitCode {
    let data_dir = crate::config::data_dir();
    let mut notes = Vec::new();
    for directory in machine_directories(&data_dir) {
        match Note::load(&directory) {
            Ok(Some(note)) => notes.push(note),
            Ok(None) => {
                let _ =
                    writeln!(io::stderr(), "{} has no note of what was made: it is left as it is", directory.display());
            }
            Err(error) => return ended(Err(format!("cannot read the note in {}: {error}", directory.display()))),
        }
    }
    for note in &mut notes {
        service::stop(note.machine());
        let left = undo(note, &data_dir);
        if left.is_err() {
            return ended(left);
        }
    }
    ended(Ok(()))
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            // Whoever asked may be gone: then nobody is there to be told.
            let _ = writeln!(io::stderr(), "{words}");
            ExitCode::FAILURE
        }
    }
}

/// What the agent does when its machine is dead: the host is as it was but for this process. May be done twice. Fails with what stayed.
pub(crate) fn leave(config: &Config) -> Result<(), String> {
    match Note::load(&config.directory()) {
        Ok(Some(mut note)) => undo(&mut note, &config.data_dir),
        Ok(None) => Ok(()),
        Err(error) => Err(format!("what was made on the host is not known: {error}")),
    }
}

/// What the agent wrote while it lived goes first: the note, which leads back here, knows nothing of it.
fn undo(note: &mut Note, data_dir: &Path) -> Result<(), String> {
    crate::proxies::let_go(&crate::config::etc(data_dir)).map_err(|error| format!("the model's proxies: {error}"))?;
    note.undo()
}

fn take_in(config: &Config) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    // A connection that breaks meanwhile must not leave half a machine: what began ends, one way or the other.
    let _deaf = runtime.block_on(async { deaf() }).map_err(|e| e.to_string())?;
    // The agent inherits it, and commands must be able to read their scripts.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let parent = config.data_dir.parent().unwrap_or(Path::new("/"));
    let lock = File::open(parent).map_err(|e| format!("cannot open {}: {e}", parent.display()))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() || is_provisioned(&config.data_dir) {
        return Err(PROVISIONED.into());
    }
    let mut note = Note::new(&config.machine, config.directory());
    let outcome = runtime.block_on(steps(config, &mut note));
    outcome.map_err(|words| match note.undo() {
        Ok(()) => words,
        Err(left) => format!("{words}; and not all could be undone, so the host stays marked as a machine: {left}"),
    })
}

fn deaf() -> io::Result<Vec<Signal>> {
    [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()].into_iter().map(signal).collect()
}

async fn steps(config: &Config, note: &mut Note) -> Result<(), String> {
    let program = PathBuf::from(format!("/var/lib/juju/tools/{}/grigri", crate::VERSION));
    let file = Config::path(&config.machine);
    let cannot = |what: &str, error: io::Error| format!("cannot {what}: {error}");
    note.directories(&config.data_dir, &config.directory()).map_err(|e| cannot("make the agent's folders", e))?;
    for kept in ["ssh", "exec", "tools"] {
        note.tree(&config.data_dir.join(kept)).map_err(|e| cannot("note what is made", e))?;
    }
    config.save(&file).map_err(|e| cannot("write the agent's configuration", e))?;
    install(&program).map_err(|e| cannot("install the agent's program", e))?;
    // With it, the way to the controller is proven.
    let machine = Machine::open(&file)?;
    machine.enrol().await.map_err(|failure| format!("cannot enrol with the controller: {failure}"))?;
    drop(machine);
    let made = account::make(note, &config.login_user);
    made.map_err(|e| format!("cannot make the user {:?}: {e}", config.login_user))?;
    let lines = std::env::var(KEYS).unwrap_or_default();
    keys::add(note, &config.login_user, &lines).map_err(|e| cannot("authorize keys", e))?;
    way_out(note, &program).map_err(|e| cannot("write the way out", e))?;
    service::start(note, &program, &file)
}

/// Whether the host is a machine of some controller, or half one.
fn is_provisioned(data_dir: &Path) -> bool {
    !machine_directories(data_dir).is_empty() || service::is_there()
}

fn machine_directories(data_dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data_dir.join("agents")).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("machine-")).map(|e| e.path()).collect()
}

fn install(program: &Path) -> io::Result<()> {
    std::fs::create_dir_all(program.parent().unwrap_or(Path::new("/")))?;
    std::fs::copy("/proc/self/exe", program)?;
    let file = File::open(program)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    file.sync_all()
}

/// For the operator of a host whose controller is gone.
fn way_out(note: &mut Note, program: &Path) -> io::Result<()> {
    let path = Path::new(WAY_OUT);
    if path.exists() || !path.parent().is_some_and(Path::is_dir) {
        return Ok(());
    }
    note.add(Made::WayOut { path: path.into() })?;
    let text = format!(
        "#!/bin/sh\n# Takes the agent of machine {} off this host, whatever its controller knows.\nexec {} {}\n",
        note.machine(),
        program.display(),
        crate::HOST_LEAVE_MODE
    );
    host::files::write(path, text.as_bytes(), 0o755)
}
