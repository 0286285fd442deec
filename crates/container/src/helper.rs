//! The helper process: it makes one machine, or runs one command in one, and ends.
//! It is a process of its own with one thread, since libcontainer forks. The surprise: the machine's root is mounted in a mount namespace that only
//! the helper and then the machine have, so the host never sees these mounts, and there are none to clean up.

use base::chain;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use rustix::process::{Resource, Rlimit};
use serde::{Deserialize, Serialize};

use crate::plan::{Dir, Plan};
use crate::{cgroup, files, life, network, privileges, root, spec};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{what}: {source}")]
    Io { what: &'static str, source: io::Error },
    #[error("another start of this machine is under way")]
    Busy,
    #[error("make the container: {0}")]
    Container(String),
    #[error("{0}")]
    Network(String),
    #[error("unknown word {0:?}")]
    Usage(String),
    #[error(transparent)]
    Root(#[from] root::Error),
    #[error(transparent)]
    Privileges(#[from] privileges::Error),
}

fn at(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { what, source }
}

/// A machine that runs: its first process as the host sees it. The process's start and the host's boot tell it from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub pid: i32,
    pub begun: u64,
    pub boot: String,
    /// Whether the machine has user ids of its own.
    pub own_ids: bool,
}

impl Running {
    fn of(pid: i32, own_ids: bool) -> io::Result<Running> {
        Ok(Running { pid, begun: begun(pid).ok_or(io::ErrorKind::NotFound)?, boot: boot()?, own_ids })
    }

    pub fn alive(&self) -> bool {
        begun(self.pid) == Some(self.begun) && boot().is_ok_and(|boot| boot == self.boot)
    }
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// When a process began, in ticks since boot; `None` when there is none, or only its remains.
fn begun(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, brackets too.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    if matches!(fields.first(), Some(&"Z" | &"X")) {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// Errors go to standard output as one line; what the caller reads it for is the answer.
pub fn helper_main(args: &[String]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["start", dir] => start(&Dir(dir.into())).map(|()| 0),
        ["exec", dir, "--", command @ ..] => exec(&Dir(dir.into()), command),
        _ => Err(Error::Usage(args.join(" "))),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(125)
        }
    }
}

fn start(dir: &Dir) -> Result<(), Error> {
    // Ctrl-C at the terminal of whoever started us is not meant for machines.
    let _ = rustix::process::setsid();
    let plan = fs::read(dir.plan()).map_err(at("read the machine's plan"))?;
    let plan: Plan = serde_json::from_slice(&plan).map_err(|error| at("read the machine's plan")(error.into()))?;
    // First, since what is open already might have these numbers.
    let handed = life::hand_over(dir, &plan).map_err(at("share the life of its host"))?;
    let _busy = files::Busy::mark(&dir.busy()).map_err(at("mark the machine as busy"))?.ok_or(Error::Busy)?;
    files::remove_tree(&dir.state()).map_err(at("remove an earlier state"))?;
    raise_limits();
    cgroup::join_uncontrolled(&plan.cgroup).map_err(at("join the machine's control group"))?;

    let root = root::mount(dir, &plan)?;
    let description = spec::oci(&plan, dir, &root.path, root.ids);
    let bytes = serde_json::to_vec(&description).map_err(|error| at("describe the container")(error.into()))?;
    files::replace(&dir.bundle().join("config.json"), &bytes, 0o600).map_err(at("describe the container"))?;

    // The machine's init reads how it began.
    let mut open = fs::OpenOptions::new();
    open.read(true).append(true).create(true);
    let console = || open.open(dir.console()).map_err(at("open the console"));
    let null = fs::File::open("/dev/null").map_err(at("open /dev/null"))?;
    let mut container = ContainerBuilder::new(plan.id.clone(), SyscallType::default())
        .with_root_path(dir.state())
        .map_err(failed)?
        .with_stdin(null)
        .with_stdout(console()?)
        .with_stderr(console()?)
        .with_preserved_fds(handed)
        .as_init(dir.bundle())
        .with_systemd(false)
        .with_detach(true)
        .build()
        .map_err(failed)?;
    let pid = container.pid().ok_or_else(|| Error::Container("it has no process".to_owned()))?.as_raw();
    if let Some(place) = &plan.place {
        network::connect(place, pid.unsigned_abs()).map_err(|error| Error::Network(chain(&error)))?;
    }
    container.start().map_err(failed)?;
    let running = Running::of(pid, root.ids.is_some()).map_err(at("look at the machine's first process"))?;
    let bytes = serde_json::to_vec(&running).map_err(|error| at("note the machine's process")(error.into()))?;
    files::replace(&dir.running(), &bytes, 0o600).map_err(at("note the machine's process"))
}

fn failed(error: libcontainer::error::LibcontainerError) -> Error {
    Error::Container(chain(&error))
}

/// Machines get what this host can give: a process in a user namespace cannot raise its own limits.
fn raise_limits() {
    let most =
        fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1 << 20);
    for hard in [most, 1 << 20, 1 << 16] {
        let wanted = Rlimit { current: Some(1024), maximum: Some(hard) };
        if rustix::process::setrlimit(Resource::Nofile, wanted).is_ok() {
            return;
        }
    }
}

/// Runs a command as root inside, confined as every process there, with our own input and output; answers its exit code.
fn exec(dir: &Dir, command: &[&str]) -> Result<u8, Error> {
    use rustix::thread::ThreadNameSpaceType as Kind;
    let running = fs::read(dir.running()).map_err(at("look for the machine"))?;
    let running: Running =
        serde_json::from_slice(&running).map_err(|error| at("look for the machine")(error.into()))?;
    let plan = fs::read(dir.plan()).map_err(at("read the machine's plan"))?;
    let plan: Plan = serde_json::from_slice(&plan).map_err(|error| at("read the machine's plan")(error.into()))?;
    let (program, args) = command.split_first().ok_or_else(|| Error::Usage("no command".into()))?;
    let pid = rustix::process::Pid::from_raw(running.pid)
        .filter(|_| running.alive())
        .ok_or_else(|| at("look for the machine")(io::ErrorKind::NotFound.into()))?;
    let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
        .map_err(|errno| at("look for the machine")(errno.into()))?;
    cgroup::join(&plan.cgroup).map_err(at("join the machine's control group"))?;
    let mut kinds = Kind::MOUNT
        | Kind::CONTROL_GROUP
        | Kind::HOST_NAME_AND_NIS_DOMAIN_NAME
        | Kind::INTER_PROCESS_COMMUNICATION
        | Kind::PROCESS_ID
        | Kind::NETWORK;
    if running.own_ids {
        kinds |= Kind::USER;
    }
    rustix::thread::move_into_thread_name_spaces(std::os::fd::AsFd::as_fd(&pidfd), kinds)
        .map_err(|errno| at("enter the machine")(errno.into()))?;
    for set in [
        rustix::thread::set_thread_groups(&[]),
        rustix::thread::set_thread_gid(rustix::process::Gid::ROOT),
        rustix::thread::set_thread_uid(rustix::process::Uid::ROOT),
    ] {
        set.map_err(|errno| at("become root in the machine")(errno.into()))?;
    }
    privileges::confine()?;
    let status = Command::new(program)
        .args(args)
        .env_clear()
        .env("PATH", spec::PATH)
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8")
        .current_dir(Path::new("/"))
        .status()
        .map_err(at("run the command"))?;
    let signalled = 128 + status.signal().unwrap_or(0);
    Ok(status.code().unwrap_or(signalled) as u8)
}
