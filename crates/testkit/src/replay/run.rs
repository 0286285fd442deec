//! Running one case: a folder of its own, the store, stand-ins for ssh and friends, the binary, a deadline.
//!
//! The surprise: the command line goes through a shell, recordings hold quotes, `;` and `$JUJU_DATA`.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::{Recording, server, store};

/// Longer than any case takes whose waits are scaled down; a hang is a failure.
const DEADLINE: Duration = Duration::from_secs(30);
/// What remains of a wait of ten minutes fits the deadline.
const WAIT_SCALE: &str = "0.002";

/// What the command did.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// `None` when the deadline came first.
    pub exit: Option<i32>,
    pub written: Vec<(String, Vec<u8>)>,
    pub ssh: Vec<u8>,
    pub findings: Vec<String>,
    /// Texts of this run and what the recordings have for them.
    pub masks: Vec<(String, &'static str)>,
}

/// Cases that want a certain port are played one after the other.
static AT_WRITTEN_PORT: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The port that a case has where none can be put in its place: in a registration token, or in a macaroon.
fn written_port(recording: &Recording) -> Option<u16> {
    let of = |prefix: &str| recording.group.ends_with("/users") && recording.case.starts_with(prefix);
    match () {
        () if of("register-") || of("login-") => Some(17090),
        () if of("user-add") || of("user-cpw") => Some(17080),
        () => None,
    }
}

pub(super) async fn case(recording: &Recording, binary: &Path, identity: &server::Identity) -> io::Result<Seen> {
    let folder = tempfile::Builder::new().prefix("replay-").tempdir()?;
    let (home, data, bin) = (folder.path().join("home"), folder.path().join("data"), folder.path().join("bin"));
    for dir in [&home, &data, &bin] {
        std::fs::create_dir(dir)?;
    }
    let name = recording.store.as_deref().unwrap_or_default();
    let written = written_port(recording);
    let _alone = match written {
        Some(_) => Some(AT_WRITTEN_PORT.lock().await),
        None => None,
    };
    let server = match name.contains("refused") {
        true => None,
        false => Some(server::Server::start(recording, identity, written.unwrap_or(0)).await?),
    };
    let port = server.as_ref().map(|s| s.port);
    match (&recording.store, port) {
        (None, Some(port)) => store::make_up(recording, &data, port, &identity.ca_pem)?,
        _ => store::lay_out(&recording.release, name, &data, port, &identity.ca_pem)?,
    }
    std::os::unix::fs::symlink(binary.canonicalize()?, bin.join("juju"))?;
    let ssh_log = folder.path().join("ssh.log");
    stand_ins(&bin)?;
    for (name, content) in &recording.files {
        let path = if name == "PATH" { bin.join("juju-hello") } else { home.join(name) };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)?;
        if name == "PATH" {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
    }
    let is_interrupted = !recording.interrupts.is_empty();
    // A shell that stays would die of the signal itself.
    let line = if is_interrupted { format!("exec {}", recording.line) } else { recording.line.clone() };
    let mut command = tokio::process::Command::new("/bin/sh");
    command
        .args(["-c", &line])
        .current_dir(&home)
        .env_clear()
        .env("HOME", &home)
        .env("JUJU_DATA", &data)
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .envs([("TZ", "UTC"), ("LANG", "C.UTF-8"), ("TERM", "dumb")])
        // Where the user interrupts a wait, its length is what matters.
        .env("GRIGRI_WAIT_SCALE", if is_interrupted { "1" } else { WAIT_SCALE })
        .env("GRIGRI_CLIENT_VERSION", "3.6.28")
        .env("STAND_IN_LOG", &ssh_log)
        .env("STAND_IN_APART", if recording.ssh.is_some() { "1" } else { "" })
        .envs(recording.env.iter().map(|(k, v)| (k.as_str(), v.as_str())))
        .stdin(if recording.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    if let (Some(text), Some(mut stdin)) = (&recording.stdin, child.stdin.take()) {
        // The command may end without reading it all.
        let _ = stdin.write_all(text).await;
    }
    let group = child.id();
    let presses = recording.interrupts.clone();
    let pressing = group.map(|group| {
        tokio::spawn(async move {
            for after in presses {
                tokio::time::sleep(Duration::from_secs_f64(after)).await;
                signal(group, "-INT");
            }
        })
    });
    let mut seen = Seen::default();
    match tokio::time::timeout(DEADLINE, child.wait_with_output()).await {
        Ok(output) => {
            let output = output?;
            seen.exit = output.status.code();
            (seen.stdout, seen.stderr) = (output.stdout, output.stderr);
        }
        Err(_) => {
            if let Some(group) = group {
                // The shell's children would outlive it; the group is ours alone.
                signal(group, "-KILL");
            }
        }
    }
    if let Some(pressing) = pressing {
        pressing.abort();
    }
    for (name, _) in &recording.written {
        if let Ok(content) = std::fs::read(home.join(name)) {
            seen.written.push((name.clone(), content));
        }
    }
    seen.ssh = std::fs::read(ssh_log).unwrap_or_default();
    if let Some(server) = server {
        seen.findings = server.findings();
        let recorded = match name {
            _ if written.is_some() => "",
            "" => ":17070",
            lab if lab.starts_with("lab") => ":17099",
            _ => ":17270",
        };
        if !recorded.is_empty() {
            seen.masks.push((format!(":{}", server.port), recorded));
        }
        server.stop();
    }
    let text = |path: PathBuf| path.display().to_string();
    seen.masks.push((text(binary.canonicalize()?), "PATH"));
    seen.masks.push((text(bin.join("juju")), "PATH"));
    seen.masks.push((text(data), "$JUJU_DATA"));
    seen.masks.push((text(home), "$HOME"));
    Ok(seen)
}

/// Tells a whole process group; one that has ended already needs no word.
fn signal(group: u32, name: &str) {
    let _ = std::process::Command::new("kill").args([name, "--", &format!("-{group}")]).status();
}

/// Programs that tell how they were called, as they stood in for the real ones when the recordings were made.
fn stand_ins(bin: &Path) -> io::Result<()> {
    for program in ["ssh", "scp"] {
        let path = bin.join(program);
        std::fs::write(&path, include_str!("stand_in.sh"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
