//! This program on a host that somebody reached by ssh, or in an instance of a cloud: what it was asked it reads, one line of JSON, and what it does it tells, line by line.
//! It does not know how it came here. The surprise: an input that ends too early is an order too, to take back what was made.

use crate::bootstrap::{OnThisHost, failed};
use crate::layout::Layout;
use crate::operator;
use cli::Bootstrapper;
use cli::bootstrap::{Asked, BootstrapError, BootstrapParams, KEEP, KillParams, Told};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long whoever asked may take to reach the controller and say that it is to stay.
const PATIENCE: Duration = Duration::from_secs(300);
/// MiB: room for the program and for the database to begin with.
const ROOM: u64 = 256;

/// Answers one request.
pub fn main() -> ExitCode {
    host::detach();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&Told::Failed(failed(format!("cannot start: {error}"))));
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(answer());
    // The input may still be waited for.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&Told::Failed(error));
            ExitCode::FAILURE
        }
    }
}

fn tell(told: &Told) {
    let Ok(line) = serde_json::to_string(told) else { return };
    // Whoever is gone hears nothing; that his side of the input has ended too is what counts.
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Lines of the standard input, until it ends.
type Input = UnboundedReceiver<String>;

fn read_input() -> Input {
    let (sender, input) = unbounded_channel();
    let read = move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    };
    // Without it there is no input, which is what its end means too.
    let _ = std::thread::Builder::new().name("input".into()).spawn(read);
    input
}

async fn answer() -> Result<(), BootstrapError> {
    let mut input = read_input();
    tell(&Told::Ready);
    let line = input.recv().await.ok_or_else(|| failed("nothing was asked"))?;
    let asked =
        serde_json::from_str(&line).map_err(|_| failed("this program does not understand what it was asked"))?;
    let say = |step: &str| tell(&Told::Step(step.to_owned()));
    match asked {
        Asked::Make(params) => make(*params, &mut input).await,
        Asked::Start(params) => {
            let started = OnThisHost.start(&params, &say).await?;
            tell(&Told::Started(started));
            Ok(())
        }
        Asked::Remove(params) => {
            OnThisHost.kill(&params, &say).await?;
            tell(&Told::Gone);
            Ok(())
        }
    }
}

async fn make(mut params: BootstrapParams, input: &mut Input) -> Result<(), BootstrapError> {
    // `client port server port`, as sshd sets it.
    let reached = std::env::var("SSH_CONNECTION").unwrap_or_default();
    params.known_as.extend(reached.split(' ').nth(2).map(str::to_owned));
    OnThisHost.check(&params).await?;
    let say = |step: &str| tell(&Told::Step(step.to_owned()));
    let made = {
        let mut work = OnThisHost.bootstrap(&params, &say);
        tokio::select! {
            biased;
            made = &mut work => made?,
            _ = input.recv() => return Err(failed("whoever asked is gone")),
        }
    };
    tell(&Told::Made(Box::new(made)));
    let word = tokio::time::timeout(PATIENCE, input.recv()).await;
    if matches!(&word, Ok(Some(word)) if word == KEEP) {
        tell(&Told::Kept);
        return Ok(());
    }
    if !params.keep_broken {
        let gone = KillParams {
            controller_name: params.controller_name.clone(),
            uuid: params.controller_uuid.clone(),
            cloud_type: params.cloud_type.clone(),
            account: None,
        };
        OnThisHost.kill(&gone, &|_| {}).await?;
    }
    Err(failed("whoever asked is gone"))
}

/// Whether a controller can be made here; the rest was looked at from afar.
pub fn preflight(layout: &Layout) -> Result<(), BootstrapError> {
    if !rustix::process::geteuid().is_root() {
        return Err(failed("root is needed to make a controller on this host"));
    }
    let there = operator::locals()?;
    if let Some(one) = there.first() {
        return Err(failed(format!("machine is already provisioned: it has controller {:?} ({})", one.name, one.uuid)));
    }
    let space = host::health::space(&layout.root).map_err(|error| failed(error.to_string()))?;
    match space.free >> 20 < ROOM {
        true => Err(failed(format!("less than {ROOM} MiB is free in {}", layout.root.display()))),
        false => Ok(()),
    }
}
