//! Making a controller on this host, and taking it away: what `bootstrap` and `kill-controller` do beneath the command line.
//! It does not know how a controller works, only what it starts with. The surprise: whatever ends the work midway (an error, Ctrl-C) ends in
//! `Unfinished::drop`, which leaves the host as it was.

mod account;
mod by_cloud;
mod instance;
pub mod records;

pub use by_cloud::ByCloud;

use crate::daemon;
use crate::layout::Layout;
use crate::published::Addresses;
use crate::settings::{Cloud, Settings};
use crate::{accounts, addresses, elsewhere, world};
use base::Secret;
use base::chance::SystemChance;
use base::clock::{Clock, SystemClock};
use cli::bootstrap::{BootstrapError, BootstrapParams, BootstrapResult, Boxed, KillParams, Progress};
use client::{Connection, Credentials, LoginError, Place, Target};
use container::files::Lock;
use rpc::tls::Authority;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// The port of Juju's API.
const API_PORT: u16 = 17070;
/// How many ports after it are tried when it is taken and the user named none.
const PORT_TRIES: u16 = 100;
/// The API answers within a second; a host under load gets its time.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a controller that is asked to end has for it.
pub const GRACE: Duration = Duration::from_secs(10);

/// Makes controllers as processes of this host.
pub struct OnThisHost;

impl cli::Bootstrapper for OnThisHost {
    fn check<'b>(&'b self, params: &'b BootstrapParams) -> Boxed<'b, ()> {
        Box::pin(async move {
            let layout = Layout::new(&params.controller_uuid);
            match params.cloud_type.as_str() {
                world::CLOUD => world::preflight(&layout).await,
                _ => elsewhere::preflight(&layout),
            }
        })
    }

    fn bootstrap<'b>(&'b self, params: &'b BootstrapParams, progress: Progress<'b>) -> Boxed<'b, BootstrapResult> {
        Box::pin(bootstrap(params, progress))
    }

    fn kill<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, ()> {
        Box::pin(kill(params, progress))
    }

    fn is_down(&self, uuid: &str) -> bool {
        let layout = Layout::new(uuid);
        Settings::read(&layout).is_ok() && daemon::running(&layout).is_none()
    }

    fn start<'b>(&'b self, params: &'b KillParams, progress: Progress<'b>) -> Boxed<'b, bool> {
        Box::pin(start(params, progress))
    }
}

pub(crate) fn failed(message: impl Into<String>) -> BootstrapError {
    BootstrapError { message: message.into(), hints: Vec::new() }
}

fn doing(what: &'static str) -> impl Fn(io::Error) -> BootstrapError {
    move |source| failed(format!("cannot {what}: {source}"))
}

async fn bootstrap(params: &BootstrapParams, progress: Progress<'_>) -> Result<BootstrapResult, BootstrapError> {
    let layout = Layout::new(&params.controller_uuid);
    let unfinished = Unfinished((!params.keep_broken).then(|| layout.clone()));
    make_root(&layout.root)?;
    // One at a time on a host: two would choose the same port.
    let _turn = take_turn(&layout, progress).await?;
    let port = choose_port(params.config.get("api-port").map(String::as_str))?;
    if params.cloud_type == world::CLOUD {
        world::prepare_images(&layout, progress).await?;
    }

    progress("Making certificates and the database");
    make_directory(&layout.dir())?;
    let authority = make_authority(&layout, &params.controller_name)?;
    let settings = Settings {
        uuid: params.controller_uuid.clone(),
        name: params.controller_name.clone(),
        api_port: port,
        cloud: Cloud { name: params.cloud.clone(), kind: params.cloud_type.clone(), region: params.region.clone() },
        known_as: params.known_as.clone(),
        instance: params.instance.clone(),
        key_sources: Addresses::of_environment(),
    };
    settings.write(&layout).map_err(doing("write the controller's settings"))?;
    let hosts = addresses::all(&params.known_as);
    records::write(params, &layout, &authority, &hosts, port).await?;
    install_program(&layout).map_err(doing("copy the program"))?;

    progress("Starting the controller");
    let started = daemon::start(&layout, &params.controller_name).map_err(|source| BootstrapError {
        message: format!("cannot start the controller: {source}"),
        hints: last_words(&layout),
    })?;
    let endpoints: Vec<String> = hosts.iter().map(|host| endpoint(&host.value, port)).collect();
    wait_for_api(params, &layout, &authority, &endpoints, started).await?;
    unfinished.done();
    Ok(BootstrapResult {
        uuid: params.controller_uuid.clone(),
        controller_model_uuid: params.controller_model_uuid.clone(),
        ca_cert: authority.cert_pem.clone(),
        endpoints,
        cloud_type: params.cloud_type.clone(),
        region: params.region.clone(),
        agent_version: base::current_version().to_string(),
    })
}

/// Waits until no other bootstrap is under way on this host; the turn ends when the file is dropped.
async fn take_turn(layout: &Layout, progress: Progress<'_>) -> Result<Lock, BootstrapError> {
    let mut told = false;
    loop {
        if let Some(turn) = Lock::try_take(&layout.turn()).map_err(doing("lock bootstraps"))? {
            return Ok(turn);
        }
        if !told {
            progress("Waiting for another bootstrap on this host");
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub fn endpoint(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// A controller that is being made. Dropped before `done`, it is taken away again.
struct Unfinished(Option<Layout>);

impl Unfinished {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(layout) = self.0.take() else { return };
        // What cannot be removed here is named by the error that brought us here, or is nothing.
        let _ = daemon::stop(&layout, GRACE);
        world::remove_blocking(&layout);
        let _ = remove_directory(&layout);
    }
}

fn choose_port(wanted: Option<&str>) -> Result<u16, BootstrapError> {
    let free = |port: u16| TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], port)));
    if let Some(text) = wanted {
        let port: u16 = text
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| failed(format!("api-port {text:?} is no port")))?;
        return match free(port) {
            Ok(_) => Ok(port),
            Err(source) => Err(BootstrapError {
                message: format!("cannot listen on port {port}: {source}"),
                hints: vec!["Choose another one with --config api-port=PORT.".into()],
            }),
        };
    }
    let found = (API_PORT..API_PORT + PORT_TRIES).find(|port| free(*port).is_ok());
    found.ok_or_else(|| BootstrapError {
        message: format!("no free port from {API_PORT} to {}", API_PORT + PORT_TRIES - 1),
        hints: vec!["Choose one with --config api-port=PORT.".into()],
    })
}

/// Machines' own users have to pass through it to their disks: open to all, while what is in it is not.
fn make_root(path: &Path) -> Result<(), BootstrapError> {
    let made = std::fs::create_dir_all(path)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)));
    made.map_err(|source| failed(format!("cannot make {}: {source}", path.display())))
}

fn make_directory(path: &Path) -> Result<(), BootstrapError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| failed(format!("cannot make {}: {source}", path.display())))
}

fn make_authority(layout: &Layout, name: &str) -> Result<Authority, BootstrapError> {
    let authority = Authority::create(&format!("grigri-ca {name}"), SystemClock.now().unix(), &SystemChance)
        .map_err(|error| failed(format!("cannot make certificates: {error}")))?;
    host::files::write(&layout.ca_cert(), authority.cert_pem.as_bytes(), 0o644)
        .and_then(|()| host::files::write(&layout.ca_key(), authority.key_pem().reveal().as_bytes(), 0o600))
        .map_err(doing("write the controller's certificates"))?;
    Ok(authority)
}

fn install_program(layout: &Layout) -> io::Result<()> {
    let staged = layout.dir().join("grigri.new");
    std::fs::copy("/proc/self/exe", &staged)?;
    std::fs::set_permissions(&staged, std::fs::Permissions::from_mode(0o755))?;
    std::fs::rename(staged, layout.program())
}

async fn wait_for_api(
    params: &BootstrapParams,
    layout: &Layout,
    authority: &Authority,
    endpoints: &[String],
    mut started: daemon::Started,
) -> Result<(), BootstrapError> {
    let target = Target { addresses: endpoints.to_vec(), ca_pem: authority.cert_pem.clone() };
    let who = Credentials {
        user: records::ADMIN.into(),
        password: Secret::new(params.admin_password.reveal()),
        ..Credentials::default()
    };
    let patience = params.patience.map_or(PATIENCE, Duration::from_secs);
    let begun = Instant::now();
    loop {
        let tried = Connection::open(&target, Place::Controller, &who).await;
        let error = match tried {
            Ok(_) => return Ok(()),
            Err(LoginError::Refused(error)) => {
                return Err(failed(format!("the new controller refused its admin: {error}")));
            }
            Err(error) => error,
        };
        if started.has_died(layout) || begun.elapsed() > patience {
            let message = format!("the controller did not come up: {error}");
            return Err(BootstrapError { message, hints: last_words(layout) });
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn start(params: &KillParams, progress: Progress<'_>) -> Result<bool, BootstrapError> {
    let layout = Layout::new(&params.uuid);
    let settings = Settings::read(&layout).map_err(|error| BootstrapError {
        message: format!("controller {:?} cannot be started from here: {error}", params.controller_name),
        hints: vec!["It is started on its own host, by root.".into()],
    })?;
    if serves(&layout, settings.api_port).await {
        return Ok(false);
    }
    progress("Starting the controller");
    let mut started = daemon::start(&layout, &settings.name).map_err(doing("start the controller"))?;
    let begun = Instant::now();
    while daemon::running(&layout).is_none() {
        if started.has_died(&layout) || begun.elapsed() > PATIENCE {
            return Err(BootstrapError {
                message: "the controller did not come up".into(),
                hints: last_words(&layout),
            });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(true)
}

/// Whether it runs, and will go on: one that was just killed may still be seen for a moment, and takes no connections any more.
async fn serves(layout: &Layout, port: u16) -> bool {
    let begun = Instant::now();
    while daemon::running(layout).is_some() {
        let answers = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        tokio::time::sleep(Duration::from_millis(20)).await;
        if (answers || begun.elapsed() > GRACE) && daemon::running(layout).is_some() {
            return true;
        }
    }
    false
}

/// The end of the controller's log.
fn last_words(layout: &Layout) -> Vec<String> {
    let log = std::fs::read_to_string(layout.log()).unwrap_or_default();
    let last: Vec<&str> = log.lines().rev().take(5).collect();
    last.into_iter().rev().map(str::to_owned).collect()
}

async fn kill(params: &KillParams, progress: Progress<'_>) -> Result<(), BootstrapError> {
    let layout = Layout::new(&params.uuid);
    progress("Ending the controller's process");
    daemon::stop(&layout, GRACE).map_err(doing("end the controller"))?;
    progress("Removing its machines in other clouds");
    accounts::remove_all(&layout).await?;
    progress("Removing its machines and networks");
    world::remove(&layout).await?;
    remove_directory(&layout).map_err(doing("remove the controller's directory"))
}

/// Removes all that the controller has on disk, and the directories above it that nobody uses any more.
pub fn remove_directory(layout: &Layout) -> io::Result<()> {
    match std::fs::remove_dir_all(layout.dir()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    remove_unused(layout);
    Ok(())
}

/// Removes the directories of this host that nobody uses any more. A bootstrap under way is about to use them: it leaves them, or removes
/// them itself.
pub fn remove_unused(layout: &Layout) {
    let Some(_turn) = turn_of_removal(layout) else { return };
    // Each fails while another controller or an added base is there, as it should.
    let _ = std::fs::remove_dir(layout.root.join("controllers"));
    let _ = std::fs::remove_dir(world::data(layout));
    let _ = std::fs::remove_file(layout.turn());
    let _ = std::fs::remove_dir(&layout.root);
}

/// Another removal has it for the blink of an eye, a bootstrap for longer.
fn turn_of_removal(layout: &Layout) -> Option<Lock> {
    for _ in 0..20 {
        match Lock::try_take(&layout.turn()) {
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            taken => return taken.ok().flatten(),
        }
    }
    None
}
