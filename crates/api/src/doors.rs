//! What others hang on this port: the agents' two paths, a word of the clouds when machines are asked for, people's published
//! keys, and what makes hosts machines.
//! Nothing of them is known here. The surprise: who an agent is, its certificate has said before the door is opened.

mod seals;

pub use seals::{Attributes, Clear, Seals, opened, sealed};

use crate::agents::Door;
use base::ssh_key::KeyId;
use base::storage::Disk;
use base::{Constraints, MachineId, ModelUuid, OsBase, Refusal, SeenSubnet};
use cloud::{Cloud, Clouds, InstanceId, ModelRef};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use model::record::cloud::Cloud as CloudRecord;
use model::record::controller::Controller;
use rpc::tls::AgentIdentity;
use rpc::websocket::Socket;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// An agent's websocket.
pub type AgentSocket = Socket<TokioIo<Upgraded>>;

pub type Known = Box<dyn FnOnce() + Send>;

/// The agents' side of the controller (`wire::agent`).
pub trait AgentDoors: Send + Sync + 'static {
    /// A POST on the enrolment path. The body is bounded already, and JSON only if the agent behaves.
    fn enrol(&self, body: Vec<u8>, from: SocketAddr) -> Boxed<DoorReply>;

    /// An enrolled agent's stream; runs until it ends. `certificate`: the one it showed, DER. `known` is to be called when the agent is found
    /// to be who it says, and has one stream alone: until then its connection counts as a stranger's.
    fn stream(&self, who: AgentIdentity, certificate: Vec<u8>, socket: AgentSocket, known: Known) -> Boxed<()>;
}

#[derive(Debug, Clone)]
pub struct DoorReply {
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// No agents are served.
pub struct NoDoors;

impl AgentDoors for NoDoors {
    fn enrol(&self, _: Vec<u8>, _: SocketAddr) -> Boxed<DoorReply> {
        Box::pin(async { DoorReply { status: 404, body: r#"{"error":"agents are not served here"}"#.into() } })
    }

    fn stream(&self, _: AgentIdentity, _: Vec<u8>, _: AgentSocket, _: Known) -> Boxed<()> {
        Box::pin(async {})
    }
}

/// The controller's own door for its agents.
impl AgentDoors for Arc<Door> {
    fn enrol(&self, body: Vec<u8>, _: SocketAddr) -> Boxed<DoorReply> {
        let door = self.clone();
        Box::pin(async move {
            let answer = Door::enrol(&door, &body).await;
            DoorReply { status: answer.status, body: answer.body }
        })
    }

    fn stream(&self, who: AgentIdentity, certificate: Vec<u8>, socket: AgentSocket, known: Known) -> Boxed<()> {
        let door = self.clone();
        Box::pin(async move { Door::serve(&door, who, &certificate, socket, known).await })
    }
}

/// Where people's public ssh keys are published.
pub trait KeySource: Send + Sync + 'static {
    /// The lines published for a person, as they stand.
    fn lines(&self, id: &KeyId) -> Boxed<Result<Vec<String>, KeySourceError>>;
}

/// Why published keys could not be had, for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeySourceError(pub String);

/// Nobody is asked.
pub struct NoKeySource;

impl KeySource for NoKeySource {
    fn lines(&self, id: &KeyId) -> Boxed<Result<Vec<String>, KeySourceError>> {
        let why = KeySourceError(format!("this controller asks nobody for the ssh keys of {id}"));
        Box::pin(async { Err(why) })
    }
}

/// What makes hosts that are there already machines: their script, and the program that it fetches.
pub trait TakesIn: Send + Sync + 'static {
    /// What machines' agents are built for: `amd64`.
    fn arch(&self) -> &'static str;

    /// Of the token that the script of this machine holds.
    fn token_hash(&self, model: ModelUuid, machine: &MachineId) -> String;

    /// A script for a POSIX shell, with the machine's secrets in it.
    fn script(&self, controller: &Controller, model: ModelUuid, machine: &MachineId) -> Result<String, Refusal>;

    /// The agent's program, for whoever shows the ticket that is in the script.
    fn program(&self, model: ModelUuid, machine: &MachineId, ticket: &str) -> Option<PathBuf>;
}

/// No hosts are taken in.
pub struct NoHosts;

impl TakesIn for NoHosts {
    fn arch(&self) -> &'static str {
        "amd64"
    }

    fn token_hash(&self, _: ModelUuid, _: &MachineId) -> String {
        String::new()
    }

    fn script(&self, _: &Controller, _: ModelUuid, _: &MachineId) -> Result<String, Refusal> {
        Err(Refusal::new(base::Kind::NotSupported, "no hosts are taken in here"))
    }

    fn program(&self, _: ModelUuid, _: &MachineId, _: &str) -> Option<PathBuf> {
        None
    }
}

/// What a cloud says at once of what is asked for, before anything is recorded; and what its instances print. `cloud` is a model's account.
pub trait CloudAdvice: Send + Sync + 'static {
    /// What the cloud will not honour, in words; a refusal when it never can meet them.
    fn check(&self, cloud: &str, constraints: &Constraints) -> Result<Vec<String>, Refusal>;

    /// A refusal when no machine of the cloud can have these disks.
    fn check_disks(&self, cloud: &str, disks: &[Disk]) -> Result<(), Refusal>;

    /// A refusal when the cloud makes no machines: they are brought to it.
    fn check_makes_machines(&self, cloud: &str) -> Result<(), Refusal>;

    /// A refusal when machines of the cloud cannot have containers of this type inside.
    fn check_hosts(&self, _cloud: &str, _kind: &str) -> Result<(), Refusal> {
        Ok(())
    }

    /// A refusal when the cloud cannot follow a placement directive.
    fn check_placement(&self, cloud: &str, directive: &str) -> Result<(), Refusal>;

    /// The base of machines that ask for none, as the cloud has it.
    fn default_base(&self, cloud: &str) -> Option<OsBase>;

    /// The cloud's zones, by name.
    fn zones(&self, cloud: &str) -> Vec<String>;

    /// The subnets in which every machine of a model has an address.
    fn subnets(&self, cloud: &str, model: ModelRef) -> Boxed<Result<Vec<SeenSubnet>, Refusal>>;

    /// What an instance printed; `controller`: our uuid.
    fn console(&self, cloud: &str, controller: &str, instance: &str) -> Boxed<Result<String, Refusal>>;

    /// The clouds themselves.
    fn clouds(&self) -> Arc<Clouds> {
        Clouds::new([])
    }

    /// Whether the cloud itself lets one in with this; in words why not. `attributes`: opened.
    fn check_credential(&self, _: &CloudRecord, _auth_type: &str, _: &Attributes) -> Boxed<Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// How long a cloud may take to answer what somebody waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing is known of any cloud.
pub struct NoAdvice;

impl CloudAdvice for NoAdvice {
    fn check(&self, _: &str, _: &Constraints) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }

    fn check_disks(&self, _: &str, _: &[Disk]) -> Result<(), Refusal> {
        Ok(())
    }

    fn check_makes_machines(&self, _: &str) -> Result<(), Refusal> {
        Ok(())
    }

    fn check_placement(&self, _: &str, _: &str) -> Result<(), Refusal> {
        Ok(())
    }

    fn default_base(&self, _: &str) -> Option<OsBase> {
        None
    }

    fn zones(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn subnets(&self, _: &str, _: ModelRef) -> Boxed<Result<Vec<SeenSubnet>, Refusal>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn console(&self, cloud: &str, _: &str, _: &str) -> Boxed<Result<String, Refusal>> {
        let refusal =
            Refusal::new(base::Kind::NotSupported, format!("cloud {:?} shows no consoles", cloud::set::name_of(cloud)));
        Box::pin(async { Err(refusal) })
    }
}

/// Opens a cloud with a credential (its type, and attributes), without asking it anything; none: clouds of its type want no credential. Errors are
/// words.
pub type Opener = fn(&CloudRecord, &str, &Attributes) -> Result<Option<Arc<dyn Cloud>>, String>;

/// The clouds themselves, asked. Their bases are asked for once: that may take a while, and a request must not.
pub struct CloudsAsked {
    clouds: Arc<Clouds>,
    bases: RwLock<BTreeMap<String, OsBase>>,
    opener: Opener,
}

impl CloudsAsked {
    pub async fn learn(clouds: Arc<Clouds>, opener: Opener) -> CloudsAsked {
        let asked = CloudsAsked { clouds, bases: RwLock::default(), opener };
        for (key, cloud) in asked.clouds.all() {
            asked.learn_one(&key, &*cloud).await;
        }
        asked
    }

    /// Asks a cloud that is new, or has changed.
    pub async fn learn_one(&self, key: &str, cloud: &dyn Cloud) {
        match cloud.bases().await {
            Ok(all) => {
                let first = all.first().and_then(|base| OsBase::parse(base).ok());
                let mut bases = self.bases.write().unwrap_or_else(PoisonError::into_inner);
                bases.extend(first.map(|base| (key.to_owned(), base)));
            }
            Err(error) => {
                tracing::warn!(cloud = key, error = &error as &dyn std::error::Error, "cloud does not say its bases")
            }
        }
    }

    fn known(&self, cloud: &str) -> Result<Arc<dyn Cloud>, Refusal> {
        let unknown = || format!("cloud {:?} is not known to this controller", cloud::set::name_of(cloud));
        self.clouds.get(cloud).ok_or_else(|| Refusal::plain(unknown()))
    }
}

/// What a cloud answers in time; else why not, in words.
pub async fn in_time<T>(answer: cloud::Answer<'_, T>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer from the cloud in {PATIENCE:?}")),
    }
}

impl CloudAdvice for CloudsAsked {
    fn clouds(&self) -> Arc<Clouds> {
        self.clouds.clone()
    }

    fn check(&self, cloud: &str, constraints: &Constraints) -> Result<Vec<String>, Refusal> {
        let Some(cloud) = self.clouds.get(cloud) else { return Ok(Vec::new()) };
        let checked = cloud.check_constraints(constraints).and_then(|names| {
            cloud::first_zone(constraints, &cloud.zones())?;
            Ok(names)
        });
        match checked {
            Ok(names) if names.is_empty() => Ok(Vec::new()),
            Ok(names) => Ok(vec![format!("unsupported constraints: {}", names.join(","))]),
            Err(unmet) => Err(Refusal::plain(unmet.to_string())),
        }
    }

    fn check_disks(&self, cloud: &str, disks: &[Disk]) -> Result<(), Refusal> {
        let Some(known) = self.clouds.get(cloud) else { return Ok(()) };
        known.check_disks(disks).map_err(|unmet| Refusal::plain(unmet.to_string()))
    }

    fn check_makes_machines(&self, cloud: &str) -> Result<(), Refusal> {
        let Some(cloud) = self.clouds.get(cloud) else { return Ok(()) };
        cloud.check_makes_machines().map_err(|instead| Refusal::plain(instead.to_string()))
    }

    fn check_hosts(&self, cloud: &str, kind: &str) -> Result<(), Refusal> {
        let Some(cloud) = self.clouds.get(cloud) else { return Ok(()) };
        cloud.check_hosts(kind).map_err(|why| Refusal::plain(why.to_string()))
    }

    fn check_placement(&self, cloud: &str, directive: &str) -> Result<(), Refusal> {
        let Some(cloud) = self.clouds.get(cloud) else { return Ok(()) };
        cloud.check_placement(directive).map_err(|unmet| Refusal::plain(unmet.to_string()))
    }

    fn default_base(&self, cloud: &str) -> Option<OsBase> {
        let key = self.clouds.key(cloud)?;
        self.bases.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn zones(&self, cloud: &str) -> Vec<String> {
        self.clouds.get(cloud).map(|cloud| cloud.zones()).unwrap_or_default()
    }

    fn subnets(&self, cloud: &str, model: ModelRef) -> Boxed<Result<Vec<SeenSubnet>, Refusal>> {
        let (known, name) = (self.known(cloud), cloud.to_owned());
        Box::pin(async move {
            let shown = in_time(known?.subnets(&model)).await;
            shown.map_err(|words| Refusal::plain(format!("cannot ask cloud {name:?} for its subnets: {words}")))
        })
    }

    fn console(&self, cloud: &str, controller: &str, instance: &str) -> Boxed<Result<String, Refusal>> {
        let known = self.known(cloud);
        let (controller, instance) = (controller.to_owned(), InstanceId(instance.to_owned()));
        Box::pin(async move {
            let console = in_time(known?.console_log(&controller, &instance)).await;
            console.map_err(|words| Refusal::plain(format!("cannot read the console of instance {instance}: {words}")))
        })
    }

    fn check_credential(&self, cloud: &CloudRecord, auth_type: &str, with: &Attributes) -> Boxed<Result<(), String>> {
        let opened = (self.opener)(cloud, auth_type, with);
        Box::pin(async move {
            let Some(cloud) = opened? else { return Ok(()) };
            // No controller has this name: what matters is whether the cloud answers.
            in_time(cloud.instances("")).await.map(drop)
        })
    }
}
