//! The machine agent: enrols once, then holds a connection to the controller for as long as the machine lives.
//! It must not know what is said on it (`stream`). The surprise: it never gives up; only a dead machine's agent ends by itself.

use base::chain;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rpc::tls::CaMark;
use rustls::ClientConfig;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use wire::agent::{EnrolRequest, MAX_MESSAGE, ProxySettings, SERVER_NAME, STREAM_PATH};

use crate::config::Config;
use crate::identity::{self, Identity};
use crate::stream::{self, End};
use crate::tasks::Tasks;

/// Between attempts: from this, doubling, with chance in it so that thousands of agents do not come at once.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// When the controller answers, and says no.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(10);
/// Between attempts to leave a host on which something resists.
const LEAVE_PAUSE: Duration = Duration::from_secs(30);
/// The whole of TLS and upgrade may take this long.
const UPGRADE: Duration = Duration::from_secs(15);

/// A controller that was silent for so long is not there any more: it pings every quarter of a minute.
const SILENCE: Duration = Duration::from_secs(40);

/// An agent that has taken itself off its host tries for so long to tell the controller.
const LAST_WORD: Duration = Duration::from_secs(60);

/// An agent that is told to end has this long to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// Everything that outlives a connection.
pub struct Machine {
    file: PathBuf,
    /// How long a connection's silence is borne.
    pub silence: Duration,
    /// True: the agent is to say that it stops, and end.
    pub leaving: watch::Sender<bool>,
    known: Mutex<Known>,
    /// Whether it has said that it runs.
    told: AtomicBool,
    pub tasks: Arc<Tasks>,
    /// Rings when a new certificate may be due.
    pub renewal: Notify,
    /// Since when nothing of the agent is on the host that was taken in.
    left: Mutex<Option<Instant>>,
}

struct Known {
    config: Config,
    identity: Identity,
    /// Made anew when certificate or CA change; kept otherwise, for its resumable TLS sessions.
    tls: Option<Arc<ClientConfig>>,
    /// Of the addresses, the one that answered last.
    good: usize,
}

/// Instead of `--config`: the process that started the agent keeps it, and takes it along when it ends.
pub(crate) const KEPT: &str = "--kept";

/// The configuration's file, with `--config` before it or without; returns when the machine is dead, or when nothing can be done.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    crate::logging::start();
    let args: Vec<OsString> = args.into_iter().collect();
    let file = match args.as_slice() {
        [flag, file] if flag == "--config" => PathBuf::from(file),
        [flag, file] if flag == KEPT => {
            crate::taken_in::end_with_keeper();
            PathBuf::from(file)
        }
        [file] => PathBuf::from(file),
        _ => {
            tracing::error!("wanted: --config FILE");
            return ExitCode::FAILURE;
        }
    };
    let ended = run(&file);
    match ended {
        Ok(Ended::LeftHost) => ExitCode::SUCCESS,
        // Without a configuration there is nothing to come back to: the machine is kept, and we have left it.
        _ if !file.exists() => ExitCode::from(crate::leave::LEFT),
        Ok(Ended::InOrder) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "agent stopped");
            ExitCode::FAILURE
        }
    }
}

fn run(file: &Path) -> Result<Ended, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let machine = Machine::open(file)?;
        let server = machine.config().ssh_server.then(|| tokio::spawn(crate::ssh::keep()));
        let mut terminate = signal(SignalKind::terminate()).map_err(|e| format!("cannot hear signals: {e}"))?;
        let mut life = std::pin::pin!(machine.live());
        tokio::select! {
            () = &mut life => tracing::info!("the machine is dead: its agent ends"),
            _ = terminate.recv() => {
                machine.leaving.send_replace(true);
                // Whether it could be said or not: whoever ends us does not wait for ever.
                let _ = tokio::time::timeout(FAREWELL, life).await;
                tracing::info!("agent was told to end");
            }
        }
        if let Some(server) = server {
            server.abort();
        }
        Ok(if machine.has_left() { Ended::LeftHost } else { Ended::InOrder })
    })
}

/// How an agent's life ends when it ends well.
enum Ended {
    InOrder,
    /// A host that was taken in: nothing of the agent is on it.
    LeftHost,
}

impl Machine {
    /// Needs a tokio runtime.
    pub fn open(file: &Path) -> Result<Self, String> {
        let config = Config::load(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        let directory = config.directory();
        let identity = Identity::load_or_make(directory.clone()).map_err(|e| chain(&e))?;
        let tasks = Tasks::open(directory.join("tasks"), &config, crate::now())
            .map_err(|e| format!("cannot open the tasks' journal: {e}"))?;
        let known = Mutex::new(Known { config, identity, tls: None, good: 0 });
        let (silence, leaving, told) = (SILENCE, watch::channel(false).0, AtomicBool::new(false));
        let (renewal, left) = (Notify::new(), Mutex::default());
        Ok(Self { file: file.to_owned(), silence, leaving, known, told, tasks, renewal, left })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn config(&self) -> Config {
        self.known().config.clone()
    }

    /// Connects again and again until the machine is dead.
    pub async fn live(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            // Nothing of the agent is there any more but this process, which only had a word to say.
            if self.left.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|left| left.elapsed() > LAST_WORD) {
                return;
            }
            let began = Instant::now();
            match self.connect().await {
                Ok(End::Dead | End::Left) => return,
                Ok(End::Unknown) => {
                    tracing::warn!(
                        "the controller does not know this machine, nor that it was removed: it stays as it is"
                    );
                    pause = REFUSED_PAUSE;
                }
                Ok(end) => {
                    // No more than this: thousands of agents that come back at once have better things to tell.
                    tracing::debug!(?end, "connection to the controller ended");
                    if began.elapsed() >= GOOD {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(Failure::Refused(_)) if self.has_left() => return,
                Err(Failure::Refused(why)) => {
                    tracing::warn!(why, "the controller refuses this machine");
                    pause = REFUSED_PAUSE;
                }
                Err(Failure::Unreachable(why)) => {
                    if pause >= LONGEST_PAUSE {
                        tracing::info!(why, "controller not reached");
                    } else {
                        tracing::debug!(why, "controller not reached");
                    }
                }
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self) -> Result<End, Failure> {
        if !self.known().identity.is_good(seconds()) {
            self.enrol().await?;
        }
        let (tls, addresses, good) = {
            let mut known = self.known();
            let Known { config, identity, tls, good } = &mut *known;
            let made = match tls {
                Some(tls) => Arc::clone(tls),
                None => {
                    Arc::clone(tls.insert(identity.tls(&config.ca_cert).map_err(|e| Failure::Unreachable(chain(&e)))?))
                }
            };
            (made, config.candidates(), *good)
        };
        let (stream, index) =
            crate::dial::dial(&addresses, good, &tls).await.map_err(|e| Failure::Unreachable(chain(&e)))?;
        let upgrade = rpc::websocket::connect(stream, SERVER_NAME, STREAM_PATH, &[], MAX_MESSAGE);
        let socket = match tokio::time::timeout(UPGRADE, upgrade).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(rpc::websocket::Error::Http(reply))) if reply.status().is_client_error() => {
                return Err(Failure::Refused(format!("status {}", reply.status())));
            }
            Ok(Err(error)) => return Err(Failure::Unreachable(error.to_string())),
            Err(_) => return Err(Failure::Unreachable("no answer to the upgrade".into())),
        };
        self.known().good = index;
        let address = &addresses[index];
        // Once is worth keeping; thousands that come back at once have better things to tell.
        match self.told.swap(true, Ordering::Relaxed) {
            false => tracing::info!(address, version = crate::VERSION, "agent runs, connected to the controller"),
            true => tracing::debug!(address, "connected to the controller"),
        }
        Ok(stream::serve(self, socket).await)
    }

    pub(crate) async fn enrol(&self) -> Result<(), Failure> {
        let (request, addresses, tls) = {
            let known = self.known();
            let request = EnrolRequest {
                model_uuid: known.config.model_uuid.clone(),
                machine: known.config.machine.clone(),
                token: known.config.token.reveal().to_owned(),
                csr_pem: known.identity.request().map_err(|e| Failure::Unreachable(chain(&e)))?,
                agent_version: crate::VERSION.to_owned(),
            };
            let tls =
                rpc::tls::client_config(&known.config.ca_cert, None).map_err(|e| Failure::Unreachable(chain(&e)))?;
            (request, known.config.candidates(), tls)
        };
        match crate::enrol::enrol(&addresses, &tls, &request).await {
            Ok(reply) => {
                let _ = self.keep_certificate(reply.certificate_pem, &reply.ca_cert_pem);
                if !reply.addresses.is_empty() {
                    self.keep_addresses(reply.addresses);
                }
                Ok(())
            }
            Err(crate::enrol::Error::Refused { status, words }) if (400..500).contains(&status) => {
                Err(Failure::Refused(words))
            }
            Err(error) => Err(Failure::Unreachable(chain(&error))),
        }
    }

    /// Whether the agent has taken itself off its host.
    pub fn has_left(&self) -> bool {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes the agent off a host that was taken in: nothing of it stays but this process. Tries until nothing resists; what does is
    /// `told`.
    pub async fn leave_host(&self, told: impl Fn(String)) {
        while !self.has_left() {
            let config = self.config();
            let done = tokio::task::spawn_blocking(move || crate::taken_in::leave(&config)).await;
            match done.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(()) => *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now()),
                Err(words) => {
                    tracing::error!("not all of the agent could be taken off the host: {words}");
                    told(words);
                    tokio::time::sleep(LEAVE_PAUSE).await;
                }
            }
        }
    }

    pub fn request(&self) -> Result<String, identity::Error> {
        self.known().identity.request()
    }

    /// Zero: a new certificate is due.
    pub fn renew_in(&self) -> Duration {
        let known = self.known();
        let newest = CaMark::of_ca(&known.config.ca_cert);
        if newest.is_some() && known.identity.issuer() != newest {
            return Duration::ZERO;
        }
        drop(known);
        Duration::from_secs(u64::try_from(self.known().identity.renew_in(seconds())).unwrap_or(0))
    }

    /// Keeps the CAs that count, PEM, the newest first. They come from a controller that one of the old ones vouched for.
    pub fn keep_ca(&self, ca_certs: &str) {
        let mut known = self.known();
        if known.config.ca_cert == ca_certs || rpc::tls::client_config(ca_certs, None).is_err() {
            return;
        }
        ca_certs.clone_into(&mut known.config.ca_cert);
        known.tls = None;
        self.save(&known.config);
        drop(known);
        self.renewal.notify_one();
    }

    /// Takes a certificate into use for the next connection. Says whether another CA signed it than the one before. CAs are kept first: a
    /// certificate of a CA is the controller's proof that its agent knows that CA.
    pub fn keep_certificate(&self, pem: String, ca_certs: &str) -> bool {
        self.keep_ca(ca_certs);
        let mut known = self.known();
        let before = known.identity.issuer();
        if let Err(error) = known.identity.keep(pem) {
            tracing::error!(error = chain(&error), "certificate not kept");
            return false;
        }
        known.tls = None;
        known.identity.issuer() != before
    }

    pub fn keep_addresses(&self, addresses: Vec<String>) {
        let mut known = self.known();
        if known.config.addresses != addresses {
            known.config.addresses = addresses;
            known.good = 0;
            self.save(&known.config);
        }
    }

    pub fn keep_keys(&self, keys: &[String]) {
        let Config { data_dir, login_user, taken_in, .. } = self.config();
        if let Err(error) = crate::authorized::keep(&data_dir, &login_user, keys, taken_in) {
            tracing::error!(%error, "authorised keys not kept");
        }
    }

    pub fn keep_proxies(&self, proxies: &ProxySettings) {
        self.tasks.surround(crate::proxies::environment(&proxies.all));
        if let Err(error) = crate::proxies::keep(&self.config().etc(), proxies) {
            tracing::error!(%error, "the model's proxies not kept");
        }
    }

    fn save(&self, config: &Config) {
        if let Err(error) = config.save(&self.file) {
            tracing::error!(%error, "what the controller said is not kept: it is forgotten with this process");
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It may go better next time.
    #[error("{0}")]
    Unreachable(String),
    /// Somebody answered, and meant it.
    #[error("{0}")]
    Refused(String),
}

fn seconds() -> i64 {
    i64::try_from(crate::now() / 1000).unwrap_or(i64::MAX)
}

/// Between half and one and a half of `pause`.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [128; 2];
    // Without chance every agent waits alike: bad for the controller, no reason to stop.
    let _ = getrandom::fill(&mut byte);
    pause / 2 + pause * u32::from(u16::from_ne_bytes(byte)) / 65_536
}
