//! Floors and peers, measured in the same run on the same machines: bare containers, and the tools that people would use otherwise.
//! It knows nothing of controllers. The surprise: peers are fetched like what tests need; one
//! that cannot be had is a row that says why, never a missing one.

use std::ops::RangeTo;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::{Done, Error};
use crate::{fetch, run, tree};

/// Two at a time, as many as there are cores: namespaces and an overlay over `/usr`, made by util-linux, and one program run in each.
pub fn bare_containers(count: usize) -> Result<Duration, Error> {
    let folder = tempfile::tempdir().map_err(|e| Error::failed(format!("cannot make a folder: {e}")))?;
    let script = "mount -t overlay overlay -o lowerdir=/usr,upperdir=$1/up,workdir=$1/work $1/root && exec /bin/true";
    let begun = Instant::now();
    let mut left: Vec<usize> = (0..count).collect();
    while !left.is_empty() {
        let some: Vec<usize> = left.split_off(left.len().saturating_sub(2));
        let mut running = Vec::new();
        for number in some {
            let own = folder.path().join(number.to_string());
            for part in ["up", "work", "root"] {
                std::fs::create_dir_all(own.join(part))
                    .map_err(|e| Error::failed(format!("cannot make a folder: {e}")))?;
            }
            let mut command = Command::new("unshare");
            command.args([
                "--mount",
                "--pid",
                "--net",
                "--uts",
                "--ipc",
                "--fork",
                "--mount-proc",
                "sh",
                "-c",
                script,
                "sh",
            ]);
            command.arg(&own).stdin(Stdio::null()).stdout(Stdio::null());
            running.push(command.spawn().map_err(|e| Error::failed(format!("cannot start unshare: {e}")))?);
        }
        for mut child in running {
            let status = child.wait().map_err(|e| Error::failed(format!("cannot wait for unshare: {e}")))?;
            if !status.success() {
                return Err(Error::failed(format!("unshare: {status}")));
            }
        }
    }
    Ok(begun.elapsed())
}

/// As many hard links as all images have files; the copy is beside them, since links do not cross file systems.
pub fn links(images: &Path) -> Result<Duration, Error> {
    let beside = tempfile::Builder::new().prefix(".bench-").tempdir_in(images.parent().unwrap_or(images));
    let copy = beside.map_err(|e| Error::failed(format!("cannot make a folder beside {}: {e}", images.display())))?;
    let begun = Instant::now();
    run::read_command(Command::new("cp").arg("-al").arg(images).arg(copy.path()).stdin(Stdio::null()))?;
    Ok(begun.elapsed())
}

/// What reaches the machines by ssh: as `ubuntu`, with the client's key.
pub struct Reach<'r> {
    pub addresses: Vec<String>,
    pub key: PathBuf,
    pub folder: &'r Path,
}

const OPTIONS: [&str; 3] = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];

impl Reach<'_> {
    /// Some of the machines.
    pub fn over(&self, some: RangeTo<usize>) -> Reach<'_> {
        let addresses = self.addresses.get(some).unwrap_or(&self.addresses).to_vec();
        Reach { addresses, key: self.key.clone(), folder: self.folder }
    }

    /// OpenSSH to the first.
    pub fn ssh(&self, commands: &str) -> Command {
        let mut command = Command::new("ssh");
        command.arg("-i").arg(&self.key).args(OPTIONS.map(|option| format!("-o{option}")));
        command.arg(format!("ubuntu@{}", self.addresses.first().map_or("", String::as_str))).arg(commands);
        command.env("HOME", self.folder).stdin(Stdio::null());
        command
    }

    /// `parallel-ssh`, all machines at once.
    pub fn pssh(&self) -> Done {
        let hosts = self.folder.join("hosts");
        let listed = self.addresses.iter().map(|address| format!("{address}\n")).collect::<String>();
        std::fs::write(&hosts, listed).map_err(|e| Error::failed(format!("cannot write {}: {e}", hosts.display())))?;
        let mut command = Command::new("parallel-ssh");
        command.arg("-h").arg(&hosts).args(["-l", "ubuntu", "-i", "-p", &self.addresses.len().to_string()]);
        for option in OPTIONS {
            command.args(["-O", option]);
        }
        command.arg("-O").arg(format!("IdentityFile={}", self.key.display())).arg("true");
        self.run(command)
    }

    /// `ansible`, all machines at once, with the module that asks least of them.
    pub fn ansible(&self, program: &Path) -> Done {
        let options = OPTIONS.map(|option| format!("-o {option}")).join(" ");
        let mut command = Command::new(program);
        command.args([
            "all",
            "-i",
            &format!("{},", self.addresses.join(",")),
            "-u",
            "ubuntu",
            "-m",
            "raw",
            "-a",
            "true",
        ]);
        // Joined, since a value that begins with a dash would be taken for an option.
        command.args(["-f", &self.addresses.len().to_string(), &format!("--ssh-common-args={options}")]);
        command.arg("--private-key").arg(&self.key);
        self.run(command)
    }

    fn run(&self, mut command: Command) -> Done {
        command.env("HOME", self.folder).env("ANSIBLE_LOCALHOST_WARNING", "false").stdin(Stdio::null());
        run::read_command(&mut command).map(drop)
    }
}

/// Ansible's program, from an environment of its own.
pub fn ansible() -> Result<PathBuf, Error> {
    let wanted = tree::root().join("xtask/src/bench/ansible.txt");
    fetch::python("ansible", &wanted).map(|folder| folder.join("bin/ansible")).map_err(Error::Failed)
}
