//! One ssh server on a machine, whoever starts it: the agent, for machines whose init does not, or an init.
//! It must not know what the server serves. The surprise: the server that an agent started lives on when that agent dies, so the
//! next agent finds it by a lock, not among its children.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::time::Instant;

use super::Options;

pub const LOCK: &str = "/var/lib/juju/ssh/server.lock";

/// Between two looks whether there is a server.
const LOOK: Duration = Duration::from_secs(60);
/// A server that lived so long was well, and is started again at once.
const WELL: Duration = Duration::from_secs(10);

pub enum Turn {
    /// To be held as long as we serve.
    Ours(Option<File>),
    Another,
}

/// Waits until no other serves, or ends with that.
pub fn lock(options: &Options) -> Result<Turn, String> {
    let Some(path) = &options.lock else { return Ok(Turn::Ours(None)) };
    let failed = |e: io::Error| format!("cannot lock {}: {e}", path.display());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    if options.if_alone {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Turn::Another),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    } else {
        file.lock().map_err(failed)?;
    }
    Ok(Turn::Ours(Some(file)))
}

/// Sees to it, for ever, that there is a server. Aborting it leaves the server alone.
pub async fn keep() {
    loop {
        let began = Instant::now();
        match start().await {
            Ok(status) => tracing::debug!(%status, "ssh server ended"),
            Err(error) => tracing::warn!(%error, "ssh server not started"),
        }
        if began.elapsed() < WELL {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn start() -> io::Result<std::process::ExitStatus> {
    let mut command = tokio::process::Command::new("/proc/self/exe");
    command.args([crate::SSH_MODE, "--if-alone", "yes"]).stdin(Stdio::null());
    // Its own group: what ends the agent's group does not end it.
    command.process_group(0);
    command.spawn()?.wait().await
}
