//! Running the user's OpenSSH programs, with the streams of this command.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::io::Around;

fn command(around: &Around, program: &str, args: &[String]) -> Command {
    let var = |name: &str| around.env.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let path = var("PATH").unwrap_or("/usr/bin:/bin");
    let find = |name: &str| std::env::split_paths(path).map(|dir| dir.join(name)).find(|p| p.is_file());
    // A password from the environment is typed by sshpass, where that is installed.
    let mut command = match find("sshpass").filter(|_| var("SSHPASS").is_some()) {
        Some(pass) => {
            let mut command = Command::new(pass);
            command.arg("-e").arg(program);
            command
        }
        None => Command::new(find(program).unwrap_or_else(|| program.into())),
    };
    command.args(args).current_dir(&around.cwd).env_clear().envs(&around.env);
    command
}

fn missing(program: &str, error: &std::io::Error) -> Error {
    Error::failed(format!("cannot run {program}: {error}; install OpenSSH's client"))
}

/// Runs with the user's own streams; the exit code.
pub(super) async fn run(context: &mut Context, program: &str, args: &[String]) -> Result<i32> {
    let mut command = command(&context.io.around(), program, args);
    if context.io.inherits {
        let status = command.status().await.map_err(|e| missing(program, &e))?;
        return Ok(status.code().unwrap_or(255));
    }
    let output = command.stdin(Stdio::null()).output().await.map_err(|e| missing(program, &e))?;
    context.out_bytes(&output.stdout)?;
    context.note(String::from_utf8_lossy(&output.stderr));
    Ok(output.status.code().unwrap_or(255))
}

/// Runs and keeps what it writes: the exit code, and its errors' words. On a terminal its standard output is the user's: scp shows there how
/// far it is.
pub(super) async fn captured(context: &Context, program: &str, args: &[String]) -> Result<(i32, String)> {
    let mut command = command(&context.io.around(), program, args);
    command.stdin(if context.io.inherits { Stdio::inherit() } else { Stdio::null() });
    let shown = context.io.inherits && context.io.stdout_is_terminal;
    command.stdout(if shown { Stdio::inherit() } else { Stdio::piped() }).stderr(Stdio::piped());
    let child = command.spawn().map_err(|e| missing(program, &e))?;
    let output = child.wait_with_output().await.map_err(|e| missing(program, &e))?;
    Ok((output.status.code().unwrap_or(255), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// What a program is given on its standard input, one after the other.
#[derive(Default)]
pub(crate) struct Fed {
    pub text: String,
    pub file: Option<PathBuf>,
    /// What it writes to standard error goes to the user as it comes, and is not kept.
    pub shows_errors: bool,
}

/// Bytes of each output: hosts are not ours, and may write without end.
const KEPT: u64 = 1 << 20;

pub(crate) struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs with an input of ours and keeps what it writes. Ends with us.
pub(crate) async fn fed(around: &Around, program: &str, args: &[String], input: Fed) -> Result<Said> {
    let mut command = command(around, program, args);
    let passes = input.shows_errors && around.inherits;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command.stderr(if passes { Stdio::inherit() } else { Stdio::piped() });
    let mut child = command.spawn().map_err(|e| missing(program, &e))?;
    let stdin = child.stdin.take();
    let feed = async move {
        let Some(mut stdin) = stdin else { return };
        // One that ends before it has read all says why by its exit code.
        let _ = stdin.write_all(input.text.as_bytes()).await;
        if let Some(file) = input.file
            && let Ok(mut file) = tokio::fs::File::open(file).await
        {
            let _ = tokio::io::copy(&mut file, &mut stdin).await;
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ((), stdout, stderr) = tokio::join!(feed, first_of(stdout), first_of(stderr));
    let status = child.wait().await.map_err(|e| missing(program, &e))?;
    Ok(Said { code: status.code().unwrap_or(255), stdout, stderr })
}

/// What a program writes, as far as it is kept; the rest is read, so that it does not wait for us.
async fn first_of(output: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut output) = output else { return String::new() };
    let mut bytes = Vec::new();
    // What came before a failure counts.
    let _ = (&mut output).take(KEPT).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut output, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Starts a program that is talked to; what it writes to standard error is kept too. Ends with us.
pub(crate) fn talking(around: &Around, program: &str, args: &[String]) -> Result<Child> {
    let mut command = command(around, program, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().map_err(|e| missing(program, &e))
}

/// The host keys that answer at an address; empty when nothing does.
pub(super) async fn scan(context: &Context, address: &str, port: &str) -> Vec<String> {
    let args = ["-T", "10", "-p", port, address].map(str::to_owned);
    let mut command = command(&context.io.around(), "ssh-keyscan", &args);
    let Ok(output) = command.stdin(Stdio::null()).output().await else { return Vec::new() };
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter_map(|l| l.split_once(' ')).map(|(_, key)| key.to_owned()).collect()
}
