//! The machine's side: the agent that holds the controller's stream, the ssh server, the sftp server.
//! It must not know the controller's model or store: what it needs comes over the stream.
//! The surprise: each of the three is a process of its own, a mode of the one binary, so that none dies with another.

mod keepalive;
mod logging;
pub mod sftp;
pub mod ssh;

use std::ffi::OsString;
use std::process::ExitCode;

/// First words of the command line that choose a mode.
pub const SSH_MODE: &str = "ssh-server";
pub const SFTP_MODE: &str = "sftp-server";

/// Runs the mode that `args` (without the program's name) begin with; none when they begin with none of ours.
pub fn run_mode(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let first = args.next()?;
    match first.to_str()? {
        SSH_MODE => Some(ssh::main(args)),
        SFTP_MODE => Some(sftp::main(args)),
        _ => None,
    }
}
