//! A machine's agent, played: it enrols, holds the stream over real TLS, and runs commands that are a small language of its own. No machine
//! is needed, so thousands fit into a test.
//! It must not share code with the real agent, so that each checks the other's reading of `wire::agent`.
//! The surprise: like the real one it outlives its connections. What it ran is remembered until the controller says that it may be forgotten.
//!
//! | command | what it does |
//! |---|---|
//! | `echo TEXT` | writes TEXT and a newline, exit code 0 |
//! | `fail N` | writes `failed` on stderr, exit code N |
//! | `flood N` | writes N bytes |
//! | `hang` | runs until it is cancelled |

mod connect;
mod tasks;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::Secret;
use futures_util::{SinkExt, StreamExt};
use rpc::websocket::{Message, Socket};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use wire::agent::{AgentStatus, Document, Facts, FromAgent, Hello, Interface, Life, ToAgent};

pub use connect::{Refused, Way, enrol, identity, key_pair, request, stream};
use tasks::Tasks;

/// What an agent is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    pub addresses: Vec<String>,
    pub ca_cert: String,
    pub model: String,
    pub machine: String,
    pub token: Secret,
}

/// An agent. Cheap to clone; all clones are one agent.
#[derive(Clone)]
pub struct SimAgent(Arc<Shared>);

struct Shared {
    config: Config,
    key: String,
    kept: Mutex<Kept>,
}

/// What the real one has on its disk.
#[derive(Default)]
struct Kept {
    addresses: Vec<String>,
    /// With its certificate, once it has one.
    way: Option<Way>,
    document: Document,
    tasks: Tasks,
    /// Connections that got a document.
    connections: u32,
}

/// Why the agent ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told that its machine is dead.
    Dead,
    /// The controller does not know it.
    Refused(u16),
}

const PAUSE: Duration = Duration::from_millis(50);

impl SimAgent {
    pub fn new(config: Config) -> SimAgent {
        let kept = Kept { addresses: config.addresses.clone(), ..Kept::default() };
        SimAgent(Arc::new(Shared { config, key: key_pair(), kept: Mutex::new(kept) }))
    }

    /// Lives: enrols, connects, and connects again, until there is nothing to live for.
    pub async fn live(&self) -> Ended {
        loop {
            match self.connect().await {
                Ok(true) => return Ended::Dead,
                Ok(false) | Err(Refused::Unreachable(_)) => tokio::time::sleep(PAUSE).await,
                Err(Refused::Answered(status, _)) if status < 500 => return Ended::Refused(status),
                Err(Refused::Answered(..)) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// What the controller told it last, part upon part.
    pub fn document(&self) -> Document {
        self.kept().document.clone()
    }

    pub fn connections(&self) -> u32 {
        self.kept().connections
    }

    /// How often each command was begun, by task.
    pub fn begun(&self) -> Vec<(String, u32)> {
        self.kept().tasks.begun()
    }

    /// As if its process was killed while commands ran: their end is not known.
    pub fn crash(&self) {
        self.kept().tasks.interrupt();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection. True: the machine is dead.
    async fn connect(&self) -> Result<bool, Refused> {
        let way = self.kept().way.clone();
        let way = match way {
            Some(way) => way,
            None => self.enrol().await?,
        };
        let socket = connect::stream(&way).await?;
        Ok(self.converse(socket).await)
    }

    /// Gets a certificate, and a way that shows it.
    async fn enrol(&self) -> Result<Way, Refused> {
        let config = &self.0.config;
        let from = source(config);
        let addresses = self.kept().addresses.clone();
        let nobody = Way { from, ..Way::new(&addresses, &config.ca_cert, None)? };
        let reply = enrol(&nobody, &request(config, &self.0.key)).await?;
        self.take_certificate(&reply.certificate_pem)
    }

    fn take_certificate(&self, pem: &str) -> Result<Way, Refused> {
        let config = &self.0.config;
        let mut kept = self.kept();
        let way = Way {
            from: source(config),
            ..Way::new(&kept.addresses, &config.ca_cert, Some(&identity(pem, &self.0.key)))?
        };
        kept.way = Some(way.clone());
        Ok(way)
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(&self, mut socket: Socket<S>) -> bool {
        for message in self.greeting() {
            if send(&mut socket, &message).await.is_none() {
                return false;
            }
        }
        loop {
            let Some(Ok(message)) = socket.next().await else { return false };
            let Message::Text(text) = message else { continue };
            let Ok(message) = serde_json::from_str(&text) else { return false };
            match self.hear(message) {
                None => return true,
                Some(answers) => {
                    for answer in answers {
                        if send(&mut socket, &answer).await.is_none() {
                            return false;
                        }
                    }
                }
            }
        }
    }

    fn greeting(&self) -> Vec<FromAgent> {
        let Config { machine, model, .. } = &self.0.config;
        let kept = self.kept();
        let (running, finished) = kept.tasks.summary();
        let mut greeting = vec![
            FromAgent::Hello(Hello {
                machine: machine.clone(),
                model_uuid: model.clone(),
                agent_version: "3.6.100".into(),
                boot_id: "boot".into(),
                running,
                finished,
            }),
            FromAgent::Facts(Box::new(facts(machine))),
            FromAgent::Status { status: AgentStatus::Started, message: String::new() },
        ];
        greeting.extend(kept.tasks.say_again());
        greeting
    }

    /// The answers to a message; `None` when there is nothing to live for any more.
    fn hear(&self, message: ToAgent) -> Option<Vec<FromAgent>> {
        let mut kept = self.kept();
        match message {
            ToAgent::Document(part) => {
                if part.life == Some(Life::Dead) {
                    kept.document.life = part.life;
                    return None;
                }
                kept.connections += u32::from(part.full);
                if let Some(addresses) = &part.addresses {
                    kept.addresses.clone_from(addresses);
                    if let Some(way) = &mut kept.way {
                        way.addresses.clone_from(addresses);
                    }
                }
                let orders = part.tasks.clone().unwrap_or_default();
                take(&mut kept.document, part);
                Some(orders.into_iter().flat_map(|order| kept.tasks.order(order)).collect())
            }
            ToAgent::CancelTask { id } => Some(kept.tasks.cancel(&id)),
            ToAgent::TaskAck { id } => {
                kept.tasks.acknowledge(&id);
                Some(Vec::new())
            }
            ToAgent::Ping { n } => Some(vec![FromAgent::Pong { n }]),
            ToAgent::Certificate { certificate_pem, .. } => {
                drop(kept);
                // One that cannot be used changes nothing.
                let _ = self.take_certificate(&certificate_pem);
                Some(Vec::new())
            }
            ToAgent::Unknown => Some(Vec::new()),
        }
    }
}

/// Puts a part of a document over what was known.
fn take(known: &mut Document, part: Document) {
    if part.full {
        *known = part;
        return;
    }
    known.revision = part.revision;
    known.desired_version = part.desired_version.or(known.desired_version.take());
    known.authorized_keys = part.authorized_keys.or(known.authorized_keys.take());
    known.proxies = part.proxies.or(known.proxies.take());
    known.logging = part.logging.or(known.logging.take());
    known.addresses = part.addresses.or(known.addresses.take());
    known.life = part.life.or(known.life.take());
    known.tasks = part.tasks.or(known.tasks.take());
}

/// Where an agent of a controller on this host comes from: one of many addresses of its own, as machines have them, and each
/// with ports enough.
fn source(config: &Config) -> Ipv4Addr {
    let is_here = config.addresses.iter().all(|address| address.starts_with("127."));
    let number: u32 = config.machine.split('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    if !is_here {
        return Ipv4Addr::UNSPECIFIED;
    }
    let [_, _, high, low] = (number / 200 * 256 + number % 200 + 1).to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

fn facts(machine: &str) -> Facts {
    Facts {
        hostname: format!("sim-{}", machine.replace('/', "-")),
        arch: "amd64".into(),
        cores: 1,
        mem: 512,
        root_disk: 4096,
        base: "ubuntu@24.04".into(),
        boot_id: "boot".into(),
        interfaces: vec![Interface {
            name: "eth0".into(),
            index: 2,
            up: true,
            addresses: vec!["10.9.0.1/16".into()],
            ..Interface::default()
        }],
        ssh_host_keys: Vec::new(),
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>, message: &FromAgent) -> Option<()> {
    let text = serde_json::to_string(message).ok()?;
    socket.send(Message::text(text)).await.ok()
}
