//! The machine's side: the agent that holds the controller's stream, the ssh server, the sftp server.
//! It must not know the controller's model or store: what it needs comes over the stream.
//! The surprise: each of the three is a process of its own, a mode of the one binary, so that none dies with another.

mod authorized;
pub mod config;
mod dial;
mod enrol;
mod facts;
pub mod identity;
pub mod leave;
mod logging;
pub mod machine;
mod proxies;
mod relay;
pub mod sftp;
pub mod ssh;
pub mod stream;
mod taken_in;
pub mod tasks;

use std::ffi::OsString;
use std::process::ExitCode;

use base::clock::{Clock, SystemClock};

pub use config::Config;

/// First words of the command line that choose a mode.
pub const AGENT_MODE: &str = "machine-agent";
pub const SSH_MODE: &str = "ssh-server";
pub const SFTP_MODE: &str = "sftp-server";
pub const LEAVE_MODE: &str = "machine-leave";
pub const TAKE_IN_MODE: &str = "host-take-in";
pub const HOST_LEAVE_MODE: &str = "host-leave";
pub const RELAY_MODE: &str = "socket-relay";

/// What this agent says it is.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the mode that `args` (without the program's name) begin with; none when they begin with none of ours.
pub fn run_mode(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let first = args.next()?;
    match first.to_str()? {
        AGENT_MODE => Some(machine::main(args)),
        SSH_MODE => Some(ssh::main(args)),
        SFTP_MODE => Some(sftp::main(args)),
        LEAVE_MODE => Some(leave::main(args)),
        TAKE_IN_MODE => Some(taken_in::take_in_main(args)),
        HOST_LEAVE_MODE => Some(taken_in::leave_main(args)),
        RELAY_MODE => Some(relay::main(args)),
        taken_in::KEEP_MODE => Some(taken_in::keep_main(args)),
        _ => None,
    }
}

/// The agent's command line on `machine`; `program` is where our binary is there.
pub fn agent_command(program: &str, machine: &str) -> Vec<String> {
    vec![program.to_owned(), AGENT_MODE.to_owned(), "--config".to_owned(), Config::path(machine).display().to_string()]
}

/// The ssh server's command line.
pub fn ssh_command(program: &str) -> Vec<String> {
    vec![program.to_owned(), SSH_MODE.to_owned()]
}

/// Arguments with which this program takes the agent and its files off a machine.
pub fn leave_args() -> Vec<String> {
    vec![LEAVE_MODE.to_owned()]
}

/// Arguments of the ssh server of a machine that has been left: it keeps nothing where the agent's files were, and lets in whom the accounts'
/// own files name.
pub fn heir_args() -> Vec<String> {
    [SSH_MODE, "--lock", "/run/grigri-ssh.lock", "--authorized-keys", "/dev/null"].map(str::to_owned).into()
}

/// Milliseconds since 1970.
fn now() -> u64 {
    u64::try_from(SystemClock.now().unix_nanos() / 1_000_000).unwrap_or(0)
}
