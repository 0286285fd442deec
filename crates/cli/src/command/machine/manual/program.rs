//! Running the controller's script on the host as root, and bringing it the agent's program.
//! The surprise: script and program travel in one stream, so that one connection is all that can break, no secret is among the arguments
//! of a process, and the folder on the host goes whatever happens.

use std::path::PathBuf;

use serde_json::Value;

use super::Config;
use crate::command::ssh::process;
use crate::error::{Error, Result};
use crate::manual::detect::Found;
use crate::manual::{Login, as_root, failed};
use base::shell;

/// What the host is told.
pub(super) struct Told<'a> {
    pub script: &'a str,
    /// Lines for the login user's `authorized_keys`.
    pub keys: &'a str,
    pub program: Option<PathBuf>,
}

/// Reads the script's length, the script, the program; runs the one with the other. A script that came in part is not run.
const LOADER: &str = r#"umask 077
d=$(mktemp -d /var/lib/grigri.XXXXXX) || exit 1
trap 'rm -rf "$d"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
IFS= read -r n || exit 1
dd bs=1 count="$n" of="$d/script" 2>/dev/null
[ "$(wc -c <"$d/script")" -eq "$n" ] || exit 1
cat >"$d/program"
GRIGRI_PROGRAM=$d/program /bin/sh "$d/script" </dev/null
exit"#;

/// This program, when it is what the controller would send: of its version, for the host's architecture. Else the host fetches it.
pub(super) fn to_bring(config: &Config, found: &Found) -> Option<PathBuf> {
    let wanted = config.get("agent-version").and_then(|v| match &v.value {
        Value::String(version) => Some(version.as_str()),
        _ => None,
    });
    let ours =
        wanted == Some(base::current_version().to_string().as_str()) && found.arch == crate::context::architecture();
    ours.then(|| std::env::current_exe().ok()).flatten()
}

pub(super) async fn run(login: &Login, told: &Told<'_>) -> Result<()> {
    let keys = told.keys.trim();
    let script = match keys.is_empty() {
        true => told.script.to_owned(),
        false => format!("export GRIGRI_AUTHORIZED_KEYS={}\n{}", shell::word(keys), told.script),
    };
    let fed =
        process::Fed { text: format!("{}\n{script}", script.len()), file: told.program.clone(), shows_errors: true };
    let said = login.run(&as_root(LOADER, &[]), fed).await?;
    match said.code {
        0 => Ok(()),
        _ => Err(Error::failed(failed(&said))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// Feeds the loader in a folder of its own; its output, how it ended, what is left.
    fn load(input: &str) -> (String, Option<i32>, usize) {
        let folder = tempfile::tempdir().expect("a directory");
        let loader = LOADER.replace("/var/lib/", &format!("{}/", folder.path().display()));
        let mut shell = Command::new("/bin/sh");
        let mut child =
            shell.args(["-c", &loader]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("read");
        let said = child.wait_with_output().expect("ended");
        let left = std::fs::read_dir(folder.path()).expect("there").count();
        (String::from_utf8_lossy(&said.stdout).into_owned(), said.status.code(), left)
    }

    #[test]
    fn the_script_runs_beside_the_program_and_the_folder_goes() {
        let script = "cat \"$GRIGRI_PROGRAM\"\necho \"over $(cat)\"\nexit 3\n";
        let (said, code, left) = load(&format!("{}\n{script}the program\n", script.len()));
        assert_eq!((said.as_str(), code, left), ("the program\nover \n", Some(3), 0));
    }

    #[test]
    fn half_a_script_is_not_run() {
        let (said, code, left) = load("100\necho begun\n");
        assert_eq!((said.as_str(), code, left), ("", Some(1), 0));
    }
}
