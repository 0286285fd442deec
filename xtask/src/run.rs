//! Starting other programs: shown, read or streamed. A program that is missing is an error that names it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{Done, Error};

/// The cargo that runs us, so that one toolchain builds everything.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(crate::tree::root()).stdin(Stdio::null());
    for name in inner_variables() {
        command.env_remove(name);
    }
    command
}

/// What cargo told *us* about our own package would make a nested cargo rebuild what depends on it.
fn inner_variables() -> impl Iterator<Item = String> {
    std::env::vars_os().filter_map(|(name, _)| {
        let name = name.into_string().ok()?;
        (name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_BIN_"))
            .then_some(name)
    })
}

/// Runs to the end with our stdout and stderr; anything but exit 0 is an error.
pub fn show(command: &mut Command) -> Done {
    let line = words(command);
    let status = command.status().map_err(|e| Error::failed(format!("cannot start {line}: {e}")))?;
    if status.success() { Ok(()) } else { Err(Error::failed(format!("{line}: {status}"))) }
}

/// Runs to the end and gives stdout; anything but exit 0 is an error that quotes stderr.
pub fn read<S: AsRef<OsStr>>(program: &str, args: &[S], folder: &Path) -> Result<String, Error> {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null());
    read_command(&mut command)
}

pub fn read_command(command: &mut Command) -> Result<String, Error> {
    let line = words(command);
    let output = command.output().map_err(|e| Error::failed(format!("cannot start {line}: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::failed(format!("{line}: {}: {}", output.status, said.trim_end())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as one would type it, program name without its folder.
pub fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut line = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

/// Where PATH has a program, if anywhere.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether we are root, asked of the kernel.
pub fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("Uid:"))?;
            line.split_whitespace().nth(2).map(|uid| uid == "0")
        })
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_an_error_that_quotes_it() {
        let result = read("sh", &["-c", "echo broken >&2; exit 3"], Path::new("/"));
        let Err(Error::Failed(text)) = result else { panic!("exit 3 passed for success") };
        assert!(text.contains("broken") && text.contains('3'), "{text}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let Err(Error::Failed(text)) = read::<&str>("no-such-program-here", &[], Path::new("/")) else { panic!() };
        assert!(text.contains("no-such-program-here"), "{text}");
        assert!(which("no-such-program-here").is_none());
        assert!(which("sh").is_some());
    }
}
