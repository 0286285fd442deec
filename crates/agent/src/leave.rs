//! Leaves a machine that is kept without us: the agent ends, and what it kept goes with it. Whoever could log in still can.
//! Run as root on the machine, by whoever lets it go. The surprise: the agent's configuration goes first. An agent that somebody starts
//! again finds none, and says by its status that it is not needed any more.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::config;

/// The exit status of an agent whose machine has been left.
pub const LEFT: u8 = 78;

/// How long the agent may take to say farewell.
const GRACE: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

/// `--data-dir DIRECTORY` and `--user NAME`, both with the defaults of every machine.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    crate::logging::start();
    let (mut data, mut user) = (config::data_dir(), config::login_user());
    let mut args = args.into_iter();
    while let Some(flag) = args.next() {
        match (flag.to_str(), args.next()) {
            (Some("--data-dir"), Some(value)) => data = value.into(),
            (Some("--user"), Some(value)) => user = value.to_string_lossy().into_owned(),
            _ => {
                tracing::error!("wanted: [--data-dir DIRECTORY] [--user NAME]");
                return ExitCode::from(2);
            }
        }
    }
    match leave(&data, &user) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn leave(data: &Path, user: &str) -> Result<(), String> {
    let failed = |what: &str, path: &Path, error: io::Error| format!("cannot {what} {}: {error}", path.display());
    let agents = data.join("agents");
    remove(&agents).map_err(|e| failed("remove", &agents, e))?;
    crate::authorized::let_go(user).map_err(|e| format!("cannot let go of the keys of {user}: {e}"))?;
    // An agent that was just writing something down may have made its folder anew.
    for _ in 0..ROUNDS {
        end_agents(Path::new("/proc"));
        let etc = config::etc(data);
        crate::proxies::let_go(&etc).map_err(|e| failed("take the model's proxies out of", &etc, e))?;
        remove(data).map_err(|e| failed("remove", data, e))?;
        if !data.exists() {
            return Ok(());
        }
    }
    Err(format!("cannot remove {}: something is written there again and again", data.display()))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Asks first; whoever does not hear is killed.
fn end_agents(proc: &Path) {
    let agents = agents(proc);
    for signal in [Signal::TERM, Signal::KILL] {
        for pid in agents.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process(pid, signal);
        }
        let steps = GRACE.as_millis() / 10;
        for _ in 0..steps {
            if !agents.iter().any(|pid| is_agent(&proc.join(pid.to_string()))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Processes that are an agent: this program, in that mode.
fn agents(proc: &Path) -> Vec<i32> {
    let entries = std::fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| is_agent(&proc.join(pid.to_string()))).collect()
}

fn is_agent(process: &Path) -> bool {
    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().map(|word| PathBuf::from(String::from_utf8_lossy(word).into_owned()));
    let ours = program.as_deref().and_then(Path::file_name).is_some_and(|name| name == "grigri" || name == "jujud");
    ours && words.next() == Some(crate::AGENT_MODE.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_known_by_their_command_line() {
        let proc = tempfile::tempdir().expect("a folder");
        for (pid, line) in [
            ("17", "/var/lib/juju/tools/3.6.100/grigri\0machine-agent\0--config\0x"),
            ("18", "/var/lib/juju/tools/3.6.100/grigri\0ssh-server\0"),
            ("19", "vi\0machine-agent\0"),
            ("self", "grigri\0machine-agent\0"),
            ("20", ""),
        ] {
            std::fs::create_dir(proc.path().join(pid)).expect("made");
            std::fs::write(proc.path().join(pid).join("cmdline"), line).expect("written");
        }
        assert_eq!(agents(proc.path()), [17]);
    }

    #[test]
    fn a_machine_that_is_left_has_nothing_of_the_agents_and_is_left_twice_alike() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("juju");
        std::fs::create_dir_all(data.join("agents/machine-0")).expect("made");
        std::fs::write(data.join("agents/machine-0/agent.conf"), "{}").expect("written");
        std::fs::write(data.join("other"), "x").expect("written");
        for _ in 0..2 {
            leave(&data, "nobody-of-that-name").expect("left");
            assert!(!data.exists());
        }
    }
}
