//! The controller's process: opens what is on disk, puts the parts together, serves until it is told to end or its controller is destroyed.
//! It decides nothing itself. The surprise: the pid file is written last of all that may fail, by a process that holds the directory's lock.
//!
//! ```text
//! directory lock -> database -> view -> certificates -> doors, clouds, workers -> port -> pid file
//!                                                                                  |
//!        TERM, INT: port closed, agents sent away, workers ended, exit 0 <---------+
//!        controller destroyed: the same, then its directory removed, exit 0
//! ```

use crate::bootstrap::records;
use crate::certificates::Certificates;
use crate::control;
use crate::daemon;
use crate::layout::Layout;
use crate::log::file::LogFile;
use crate::measured::{Commits, Measured};
use crate::metrics;
use crate::operated::Operated;
use crate::outfit;
use crate::seals::{self, Sealer};
use crate::settings::Settings;
use crate::takes_in;
use crate::world::{self, World};
use crate::{accounts, addresses, bootstrap};
use api::agents::{Door, Pace};
use api::{CloudsAsked, Limits, Passwords, Server, ServerParts};
use base::chance::{Chance, SystemChance};
use base::clock::{Clock, SystemClock};
use model::State;
use model::change::controller::{set_ca_cert, set_endpoints};
use model::record::address::{Address, Endpoint};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::append::Append;
use store::sqlite::{Options, Sqlite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use workers::disk::Space;
use workers::identity::Root;

/// Runs the controller named by the first argument.
pub fn main(args: &[String]) -> ExitCode {
    host::memory::frugal();
    host::detach();
    let Some(uuid) = args.first() else {
        crate::log::start(None);
        tracing::error!("no controller was named");
        return ExitCode::from(2);
    };
    let layout = Layout::new(uuid);
    let log = crate::log::start(Some(&layout.log()));
    raise_file_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread().thread_name("controller").enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(&layout, log));
    runtime.shutdown_timeout(Duration::from_secs(5));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// How much room there is where the controller keeps its data, without what is reserved for root: others are short of room before it is.
fn room_of(layout: &Layout) -> impl Fn() -> std::io::Result<Space> + use<> {
    let directory = layout.dir();
    move || {
        let host::health::Space { free, total, files_free, files_total } =
            host::health::space(&directory).map_err(std::io::Error::other)?;
        Ok(Space { free, total, files_free, files_total })
    }
}

/// Ten thousand agents are as many sockets.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
}

type Failure = Box<dyn std::error::Error>;

fn failure(what: &str, error: &dyn std::error::Error) -> Failure {
    format!("cannot {what}: {}", base::chain(error)).into()
}

async fn run(layout: &Layout, log: Option<LogFile>) -> Result<(), Failure> {
    if let Some(log) = log {
        tokio::spawn(reopen_on_hangup(log));
    }
    let settings = Settings::read(layout).map_err(|e| failure("read the controller's settings", &e))?;
    let directory = records::directory(layout).await.map_err(|e| failure("open the data directory", &e))?;
    let directory = Arc::new(directory);
    let sqlite = Sqlite::open(directory.clone(), Options::default()).map_err(|e| failure("open the database", &e))?;
    let append = Append::open(directory).map_err(|e| failure("open logs and outputs", &e))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let (store, commits) = Measured::over(Arc::new(sqlite));
    let state =
        State::open(store, clock.clone(), chance.clone()).await.map_err(|e| failure("read the database", &e))?;

    let own_model = state.read().controller().map(|controller| controller.model_uuid);
    crate::log::keep_in(append.logs(), own_model.map_err(|refusal| refusal.words().to_owned())?);

    let hosts = addresses::all(&settings.known_as);
    let certificates = Certificates::open(layout, &settings.name, hosts, clock.clone(), chance.clone());
    let certificates = Arc::new(certificates.map_err(|e| failure("use the controller's certificates", &e))?);
    let tls = rpc::tls::server_config_with(certificates.leaves.clone(), certificates.trust.clone())
        .map_err(|e| failure("set TLS up", &e))?;

    // Machines' first secrets are derived from it, also after a change of CA.
    let root = std::fs::read(layout.ca_key()).map_err(|e| failure("read the controller's key", &e))?;
    let root = Root::new(&root);
    let listeners = listen(settings.api_port)?;
    let World { clouds, inner_addresses } = world::open(layout, &settings);
    // What a crash in the middle of a change of CA may have left undone.
    let certs = certificates.ca_certs();
    let told = state.change(|beliefs, given| set_ca_cert(beliefs, &certs, given)).await;
    told.map_err(|refusal| refusal.words().to_owned())?;
    let door = Door::open_with(state.clone(), append.clone(), certificates.clone(), agents_pace());
    let workers = workers::spawn(workers::Parts {
        state: state.clone(),
        clouds: clouds.clone(),
        root: root.clone(),
        outfit: Arc::new(outfit::Agents { inner_addresses, program: layout.program() }),
        kept: Arc::new(append.clone()),
        room: Arc::new(room_of(layout)),
    });
    let advice = Arc::new(CloudsAsked::learn(clouds.clone(), accounts::open).await);
    let seals = Arc::new(Sealer::open(layout, chance.clone()));
    seals::seal_old(&state, &*seals).await;
    tokio::spawn(accounts::follow(state.clone(), clouds, advice.clone(), seals.clone()));
    let server = Server::new(ServerParts {
        state: state.clone(),
        append,
        tls,
        passwords: Passwords::new(&*chance),
        doors: Arc::new(door.clone()),
        advice: advice.clone(),
        seals,
        key_source: Arc::new(settings.key_sources.clone()),
        takes_in: Arc::new(takes_in::Hosts::new(root, layout.program())),
        version: base::current_version().to_string(),
        limits: Limits::default(),
    });
    measure(server.metrics(), commits, workers.reporter(), door.clone());
    server.metrics().add(metrics::disk(layout.dir()));
    let server = Arc::new(server);
    let handle = server.handle();
    for listener in listeners {
        let server = server.clone();
        tokio::spawn(async move { server.serve(listener).await });
    }
    tokio::spawn(follow_addresses(state.clone(), certificates.clone(), settings.clone()));
    tokio::spawn(renew(certificates.clone()));
    let operated = Operated { state: state.clone(), certificates, door: door.clone() };
    control::serve(layout, Arc::new(operated)).map_err(|e| failure("open the control socket", &e))?;
    daemon::is_up(layout).map_err(|e| failure("write the pid file", &e))?;
    daemon::ready();
    tracing::info!(name = settings.name, port = settings.api_port, "controller serves");

    let destroyed = tokio::select! {
        () = workers.destroyed() => true,
        signal = ended_by_signal() => {
            tracing::info!(signal, "controller ends");
            false
        }
    };
    if destroyed {
        tracing::info!("controller was destroyed, cleaning up");
        // Whoever waits for the end hears of it before the port closes.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    handle.close();
    door.close();
    workers.shutdown().await;
    if destroyed {
        world::remove(layout).await.map_err(|e| failure("clean the host", &e))?;
        daemon::forget(layout);
        bootstrap::remove_directory(layout).map_err(|e| failure("remove the data directory", &e))?;
        leave_instance(&settings.instance);
    } else {
        let _ = std::fs::remove_file(layout.pid());
    }
    Ok(())
}

/// Ends the instance that was made for the controller, which the cloud then removes. Nothing else goes down: the data may have been brought to
/// another host since.
fn leave_instance(instance: &str) {
    if instance.is_empty() || host::facts::read().hostname != instance {
        return;
    }
    if let Err(error) = rustix::system::reboot(rustix::system::RebootCommand::PowerOff) {
        tracing::error!("cannot end instance {instance}: {error}");
    }
}

/// What `/metrics` shows beside the server's own figures.
fn measure(
    metrics: &api::Metrics,
    commits: Arc<Commits>,
    reports: impl Fn() -> Vec<workers::Report> + Send + Sync + 'static,
    door: Arc<Door>,
) {
    metrics.add(move |page| commits.write(page));
    metrics.add(move |page| metrics::agents(page, &door));
    metrics.add(move |page| metrics::workers(page, &reports()));
    metrics.add(metrics::build);
    metrics.add(metrics::process);
}

/// `GRIGRI_AGENT_SILENCE`: seconds after which an agent that was not heard of is taken for gone, for those who test just that.
fn agents_pace() -> Pace {
    let seconds = std::env::var("GRIGRI_AGENT_SILENCE").ok().and_then(|text| text.parse::<u64>().ok());
    seconds.filter(|n| *n > 0).map_or_else(Pace::default, |n| Pace::of_silence(Duration::from_secs(n)))
}

/// IPv4 must do; a host without IPv6 is served without.
fn listen(port: u16) -> Result<Vec<TcpListener>, Failure> {
    let open = |address: SocketAddr| {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => {
                let socket = TcpSocket::new_v6()?;
                rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
                socket
            }
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(4096)
    };
    let four = open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    let mut listeners = vec![four.map_err(|e| failure(&format!("listen on port {port}"), &e))?];
    match open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        Ok(listener) => listeners.push(listener),
        Err(error) => tracing::info!("not serving on IPv6: {error}"),
    }
    Ok(listeners)
}

/// The controller's own certificates, in time.
async fn renew(certificates: Arc<Certificates>) {
    let mut hours = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hours.tick().await;
        match certificates.renew_in_time() {
            Ok(true) => tracing::info!("the controller's certificates are renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!("{}", failure("renew the controller's certificates", &error)),
        }
    }
}

/// Tells clients and agents where the controller is, whenever the host's addresses change.
async fn follow_addresses(state: State, certificates: Arc<Certificates>, settings: Settings) {
    let mut watch = match host::interfaces::Watch::new() {
        Ok(watch) => watch,
        Err(error) => {
            tracing::warn!("changes of this host's addresses will not be noticed: {error}");
            return;
        }
    };
    let mut known: Vec<Address> = Vec::new();
    loop {
        let hosts = addresses::all(&settings.known_as);
        if hosts != known {
            let endpoint = |address: &Address| Endpoint { address: address.clone(), port: settings.api_port };
            let endpoints: Vec<Endpoint> = hosts.iter().map(endpoint).collect();
            let set = state.change(|beliefs, given| set_endpoints(beliefs, &endpoints, given)).await;
            let replaced = certificates.follow(&hosts).map_err(|e| failure("use a certificate", &e));
            match (set, replaced) {
                (Ok(()), Ok(())) => known = hosts,
                (Err(refusal), _) => tracing::warn!("cannot note this host's addresses: {}", refusal.words()),
                (_, Err(error)) => tracing::warn!("{error}"),
            }
        }
        if let Err(error) = watch.changed().await {
            tracing::warn!("changes of this host's addresses are noticed no more: {error}");
            return;
        }
        // A change of address is several events; the machines' own links make more.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A log rotator has moved the file away and says so.
async fn reopen_on_hangup(log: LogFile) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        match log.reopen() {
            Ok(()) => tracing::info!("log opened anew"),
            Err(error) => tracing::error!("cannot open the log anew: {error}"),
        }
    }
}

async fn ended_by_signal() -> &'static str {
    let (term, int) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut term), Ok(mut int)) = (term, int) else { return std::future::pending().await };
    tokio::select! {
        _ = term.recv() => "TERM",
        _ = int.recv() => "INT",
    }
}
