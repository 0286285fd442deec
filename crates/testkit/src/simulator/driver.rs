//! Starts a simulator's two processes, carries the news from the one to the other, and kills the controller when told to.
//! It must not know what for.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use base::Secret;
use client::{Connection, Credentials, LoginError, Place, Target};

use super::Line;
use crate::assembly::PASSWORD;

/// How long a process may take to say what it has to say.
const LONG: Duration = Duration::from_secs(120);

/// A controller, and agents for its machines.
pub struct Simulator {
    program: PathBuf,
    folder: tempfile::TempDir,
    agents: Child,
    news: Sender<String>,
    controller: Controller,
}

struct Controller {
    child: Child,
    ask: ChildStdin,
    answers: Receiver<Line>,
    target: Target,
}

impl Simulator {
    /// `program` takes the words `controller FOLDER ADDRESS` and `agents`.
    pub fn start(program: &Path) -> io::Result<Simulator> {
        raise_file_limit();
        let folder = tempfile::Builder::new().prefix("grigri-simulator-").tempdir()?;
        let mut agents = Command::new(program).arg("agents").stdin(Stdio::piped()).spawn()?;
        let mut to_agents = agents.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (news, heard) = channel::<String>();
        std::thread::spawn(move || {
            for line in heard {
                if writeln!(to_agents, "{line}").is_err() {
                    return;
                }
            }
        });
        let controller = Controller::start(program, folder.path(), "127.0.0.1:0", news.clone())?;
        Ok(Simulator { program: program.to_owned(), folder, agents, news, controller })
    }

    pub fn target(&self) -> &Target {
        &self.controller.target
    }

    pub fn controller_pid(&self) -> u32 {
        self.controller.child.id()
    }

    pub fn agents_pid(&self) -> u32 {
        self.agents.id()
    }

    /// A session of the user `admin`.
    pub async fn connect(&self, place: Place) -> Result<Connection, LoginError> {
        let who = Credentials { user: "admin".into(), password: Secret::new(PASSWORD), ..Credentials::default() };
        Connection::open(self.target(), place, &who).await
    }

    /// How many agents hold their stream open.
    pub fn connected(&mut self) -> io::Result<usize> {
        writeln!(self.controller.ask, "connected")?;
        self.controller.answer(|line| match line {
            Line::Connected { count } => Some(count),
            _ => None,
        })
    }

    /// Ends the controller's process as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) -> io::Result<()> {
        self.controller.child.kill()?;
        self.controller.child.wait().map(drop)
    }

    /// Starts it again where it was; returns when it serves.
    pub fn revive(&mut self) -> io::Result<()> {
        let address = self.controller.target.addresses[0].clone();
        self.controller = Controller::start(&self.program, self.folder.path(), &address, self.news.clone())?;
        Ok(())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        for child in [&mut self.controller.child, &mut self.agents] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Controller {
    fn start(program: &Path, folder: &Path, address: &str, news: Sender<String>) -> io::Result<Controller> {
        let mut command = Command::new(program);
        command.arg("controller").arg(folder).arg(address).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(ask), Some(said)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (send, answers) = channel();
        std::thread::spawn(move || carry(said, &news, &send));
        let target = Target { addresses: Vec::new(), ca_pem: String::new() };
        let mut controller = Controller { child, ask, answers, target };
        controller.target = controller.answer(|line| match line {
            Line::Serving { address, ca_cert } => Some(Target { addresses: vec![address], ca_pem: ca_cert }),
            _ => None,
        })?;
        Ok(controller)
    }

    fn answer<T>(&self, fits: impl Fn(Line) -> Option<T>) -> io::Result<T> {
        loop {
            let line = self.answers.recv_timeout(LONG).map_err(|_| {
                io::Error::new(io::ErrorKind::TimedOut, "the simulator's controller ended or does not answer")
            })?;
            if let Some(answer) = fits(line) {
                return Ok(answer);
            }
        }
    }
}

/// News goes to the agents, answers to whoever asked.
fn carry(said: ChildStdout, news: &Sender<String>, answers: &Sender<Line>) {
    for text in BufReader::new(said).lines().map_while(Result::ok) {
        let sent = match serde_json::from_str(&text) {
            Ok(Line::Started { .. } | Line::Stopped { .. }) => news.send(text).is_ok(),
            Ok(line) => answers.send(line).is_ok(),
            Err(_) => true,
        };
        if !sent {
            return;
        }
    }
}

/// Ten thousand agents are as many sockets at either end.
pub(super) fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        complain("cannot raise the limit of open files: `ulimit -n` says how many agents there can be");
    }
}

pub(super) fn complain(words: &str) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}
