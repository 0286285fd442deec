//! One task from its turn to its end.
//! It must not know who ordered it. The surprise: the command is a script in a file, as Juju has it, so that its length has no
//! limit and other users' `ps` does not show it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host::Account;
use host::exec::{self, Command, Ended, Exit, Stop};
use tokio::sync::watch;
use wire::agent::{Outcome, Stream, TaskOrder};

use super::{Asked, Tasks, output_file};
use crate::now;

pub(super) async fn run(tasks: Arc<Tasks>, number: u64, order: TaskOrder, mut asked: watch::Receiver<Asked>) {
    let lock = tasks.lock_for(&order);
    let turn = async {
        let held = match lock {
            Some(lock) => Some(lock.lock_owned().await),
            None => None,
        };
        let slot = Arc::clone(&tasks.slots).acquire_owned().await;
        (held, slot)
    };
    let _turn = tokio::select! {
        biased;
        word = told(&mut asked) => {
            if word == Asked::Cancel {
                tasks.end(number, Outcome::Cancelled, now());
            }
            return;
        }
        turn = turn => turn,
    };
    if order.timeout < 0 {
        return tasks.end(number, Outcome::TimedOut, now());
    }
    match tasks.begin(number, now()) {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            return tasks.end(
                number,
                Outcome::Failed { message: format!("cannot note the task's start: {error}") },
                now(),
            );
        }
    }
    let outcome = match execute(&tasks, number, &order, &mut asked).await {
        Ok(ended) => outcome(ended),
        Err(message) => Outcome::Failed { message },
    };
    tasks.end(number, outcome, now());
}

/// Ready when something was asked.
async fn told(asked: &mut watch::Receiver<Asked>) -> Asked {
    match asked.wait_for(|word| *word != Asked::Nothing).await {
        Ok(word) => *word,
        // Forgotten with all that was known of it.
        Err(_) => Asked::Forget,
    }
}

fn outcome(ended: Ended) -> Outcome {
    match (ended.stopped, ended.exit) {
        (Some(Stop::Cancelled), _) => Outcome::Cancelled,
        (Some(Stop::TimedOut), _) => Outcome::TimedOut,
        (None, Exit::Code(code)) => Outcome::Exited { code },
        (None, Exit::Signal(signal)) => Outcome::Signalled { signal },
    }
}

async fn execute(
    tasks: &Tasks,
    number: u64,
    order: &TaskOrder,
    asked: &mut watch::Receiver<Asked>,
) -> Result<Ended, String> {
    let account = account(order.run_as.as_deref(), &tasks.user)?;
    let script = Script::write(&tasks.scripts, &order.id, &order.command, &account)
        .map_err(|e| format!("cannot write the command's script: {e}"))?;
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let mut command = Command::login(shell, account).arg(script.file());
    for (key, value) in tasks.surroundings().iter().chain(&order.env) {
        if !key.is_empty() && !key.contains(['=', '\0']) && !value.contains('\0') {
            command = command.env(key, value);
        }
    }
    let timeout = u64::try_from(order.timeout).ok().filter(|n| *n > 0).map(Duration::from_nanos);
    let cancel = async {
        while told(asked).await != Asked::Cancel {
            std::future::pending::<()>().await;
        }
    };
    let mut files = [None, None];
    let started = |pid| tasks.runs_as(number, pid);
    let output = |stream: exec::Stream, data: &[u8]| {
        let stream = match stream {
            exec::Stream::Stdout => Stream::Stdout,
            exec::Stream::Stderr => Stream::Stderr,
        };
        let kept = tasks.room(number, stream, data.len());
        if kept == 0 {
            return;
        }
        let file = &mut files[super::place(stream)];
        match append(file, &output_file(&tasks.directory, &order.id, stream), &data[..kept]) {
            Ok(()) => tasks.grew(number, stream, kept),
            Err(error) => {
                tracing::warn!(%error, task = order.id, "output cannot be kept: the rest of it is dropped");
                let whole = tasks.lost(number, stream, kept);
                // A part of it may have been written: whoever counts by the file would take it for whole.
                if let Some(file) = file {
                    let _ = file.set_len(whole);
                }
            }
        }
    };
    exec::run(command, timeout, cancel, started, output).await.map_err(|e| format!("cannot start {shell}: {e}"))
}

fn append(file: &mut Option<File>, path: &Path, data: &[u8]) -> io::Result<()> {
    let file = match file {
        Some(file) => file,
        None => file.insert(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?),
    };
    file.write_all(data)
}

fn account(wanted: Option<&str>, usual: &str) -> Result<Account, String> {
    let found = match wanted {
        Some(name) => Account::find(name),
        None => Account::find(usual).or_else(|_| Account::find("root")),
    };
    found.map_err(|e| e.to_string())
}

/// A directory with the script in it, gone when this is dropped.
struct Script(PathBuf);

impl Script {
    fn write(parent: &Path, id: &str, text: &str, account: &Account) -> io::Result<Self> {
        // Passing through is all that others may do here.
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(parent)?;
        let safe: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        let script = Self(parent.join(format!("{safe}-{}", std::process::id())));
        let _ = std::fs::remove_dir_all(&script.0);
        std::fs::DirBuilder::new().mode(0o700).create(&script.0)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(script.file())?;
        file.write_all(text.as_bytes())?;
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(script.file(), Some(account.uid), Some(account.gid))?;
            std::os::unix::fs::chown(&script.0, Some(account.uid), Some(account.gid))?;
        }
        Ok(script)
    }

    fn file(&self) -> PathBuf {
        self.0.join("script.sh")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
