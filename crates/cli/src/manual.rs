//! Hosts that are there already, reached by the user's own OpenSSH: as whom, and what they are. Machines are made of them (`add-machine`),
//! and controllers (`bootstrap manual/…`).
//!
//! It must not know what becomes of a host. The surprise: sshd and a POSIX shell must do.

pub(crate) mod controller;
pub(crate) mod detect;
pub(crate) mod login;
mod place;
mod session;

use crate::command::ssh::process::Said;
use base::shell;

pub(crate) use login::Login;

/// How a command on the host failed, in the original's words.
pub(crate) fn failed(said: &Said) -> String {
    match said.stderr.trim() {
        "" => format!("subprocess encountered error code {}", said.code),
        words => format!("subprocess encountered error code {} ({words})", said.code),
    }
}

/// The command that runs a script as root, with arguments, as whoever logs in; fails where that one may not. Whatever shell
/// the login has.
pub(crate) fn as_root(script: &str, args: &[&str]) -> String {
    let args: String = args.iter().map(|arg| format!(" {}", shell::word(arg))).collect();
    let words = format!("/bin/sh -c {} sh{args} \"${{SSH_CONNECTION-}}\"", shell::word(script));
    let either = format!("[ \"$(id -u)\" = 0 ] && exec {words}; exec sudo -n {words}");
    shell::script(&either)
}

#[cfg(test)]
mod tests {
    use super::as_root;
    use std::process::Command;

    #[test]
    fn the_script_gets_its_arguments_and_then_how_it_was_reached() {
        let line = as_root("printf '%s|' \"$@\"; id -u", &["it's", "b c"]);
        // Not everybody who runs tests is root, or may become it: this `id` says so all the same.
        let line = line.replace("eval ", "id() { echo 0; }; eval ");
        let run =
            Command::new("/bin/sh").arg("-c").arg(line).env("SSH_CONNECTION", "1 2 3 4").output().expect("a shell");
        assert!(String::from_utf8_lossy(&run.stdout).starts_with("it's|b c|1 2 3 4|"), "{run:?}");
    }
}
