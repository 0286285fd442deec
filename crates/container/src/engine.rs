//! The caller's side of the engine: machines by their directories, each start in a helper process of this same program.
//! It knows no cloud and no controller. The surprise: nothing here is remembered; what runs is asked of the kernel each time.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::helper::Running;
use crate::plan::{Dir, HELPER_WORD, Plan};
use crate::{cgroup, disks, files, init, network};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what}")]
    Io {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    /// The helper's own words.
    #[error("{0}")]
    Start(String),
    #[error("an earlier start of this machine does not end")]
    Busy,
    #[error(transparent)]
    Network(#[from] network::Error),
}

fn at(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { what, source }
}

/// The program whose first word may be [`HELPER_WORD`].
#[derive(Debug, Clone)]
pub struct Engine {
    program: PathBuf,
}

/// How long a helper of an earlier controller may take to end.
const PATIENCE: Duration = Duration::from_secs(15);

impl Engine {
    pub fn new(program: PathBuf) -> Self {
        Engine { program }
    }

    pub fn program(&self) -> &std::path::Path {
        &self.program
    }

    /// Starts the machine, unless it runs. Blocks for about ten milliseconds.
    pub fn start(&self, dir: &Dir, plan: &Plan) -> Result<Running, Error> {
        self.settle(dir)?;
        if let Some(running) = running(dir) {
            return Ok(running);
        }
        cgroup::end(plan.group(), PATIENCE).map_err(at("remove what an earlier start left"))?;
        if plan.group() != plan.cgroup {
            cgroup::bound(plan.group(), &plan.limits).map_err(at("bound the machine and those inside it"))?;
        }
        disks::make(dir, &plan.disks).map_err(at("make the machine's disks"))?;
        let bytes = serde_json::to_vec(plan).map_err(|error| at("write the machine's plan")(error.into()))?;
        files::replace(&dir.plan(), &bytes, 0o600).map_err(at("write the machine's plan"))?;
        let output = self.command().arg("start").arg(dir.path()).output().map_err(at("run the helper process"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let _ = self.kill(dir);
            return Err(Error::Start(match said.trim() {
                "" => format!("the helper process ended: {}", output.status),
                said => said.to_owned(),
            }));
        }
        running(dir).ok_or_else(|| {
            let console = fs::read_to_string(dir.console()).unwrap_or_default();
            let last = console.lines().last().unwrap_or_default().to_owned();
            Error::Start(format!("the machine's first process ended at once: {last}"))
        })
    }

    /// Stops the machine and removes all of it but its directory; it may not exist. `grace`: how long its processes have to end by themselves.
    pub fn stop(&self, dir: &Dir, grace: Duration) -> Result<(), Error> {
        if let Some(running) = running(dir).filter(|_| !grace.is_zero()) {
            init::ask_to_stop(running.pid);
            let begun = Instant::now();
            while running.alive() && begun.elapsed() < grace {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.settle(dir)?;
        self.kill(dir)
    }

    fn kill(&self, dir: &Dir) -> Result<(), Error> {
        let Some(plan) = plan(dir) else {
            return Ok(());
        };
        cgroup::end(plan.group(), PATIENCE).map_err(at("end the machine's processes"))?;
        disks::settle(dir, &plan.disks).map_err(at("wait for the machine's disks"))?;
        if let Some(place) = &plan.place {
            network::disconnect(place)?;
        }
        files::remove(&dir.running()).map_err(at("remove the machine's state"))?;
        files::remove_tree(&dir.state()).map_err(at("remove the machine's state"))
    }

    /// Waits until no helper works on the machine.
    fn settle(&self, dir: &Dir) -> Result<(), Error> {
        if !dir.path().exists() {
            return Ok(());
        }
        let begun = Instant::now();
        loop {
            if let Some(_free) = files::Busy::mark(&dir.busy()).map_err(at("look whether the machine is busy"))? {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::Busy);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs a command as root inside the machine and waits for it.
    pub fn exec(&self, dir: &Dir, command: &[&str]) -> Result<Output, Error> {
        self.command()
            .arg("exec")
            .arg(dir.path())
            .arg("--")
            .args(command)
            .output()
            .map_err(at("run the helper process"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(HELPER_WORD)
            // Nothing of the controller's environment reaches a machine, not even for the moment before it is one.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }
}

/// The machine's first process, if it is alive.
pub fn running(dir: &Dir) -> Option<Running> {
    let bytes = fs::read(dir.running()).ok()?;
    let running: Running = serde_json::from_slice(&bytes).ok()?;
    running.alive().then_some(running)
}

pub fn plan(dir: &Dir) -> Option<Plan> {
    serde_json::from_slice(&fs::read(dir.plan()).ok()?).ok()
}

/// What the machine's services printed: how it began, and the newest of the rest; 64 KiB at most.
pub fn console(dir: &Dir) -> io::Result<String> {
    const MOST: usize = 64 * 1024;
    match fs::read(dir.console()) {
        Ok(bytes) => {
            let newest = &bytes[bytes.len().saturating_sub(MOST)..];
            Ok(String::from_utf8_lossy(newest).into_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}
