//! A controller's parts put together as the product puts them together, over whatever store and cloud they are given.
//! It must not know who is served by it: a test in this process, or a simulator's process of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use api::agents::{Authority as Signer, Door, Pace};
use api::{Clear, Limits, NoAdvice, NoHosts, NoKeySource, Passwords, Server, ServerParts};
use base::chance::{Chance, SystemChance};
use base::clock::{Clock, SystemClock};
use base::{Hardware, OsBase};
use cloud::{Cloud, Clouds, Content, File, Owner};
use model::State;
use model::change;
use model::record::address::{Address, Endpoint};
use rpc::tls::{Authority, LeafStore};
use store::Store;
use store::append::Append;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use workers::disk::Space;
use workers::identity::Root;
use workers::{Newcomer, Outfit, Outfitted, Parts};

use crate::agents::Config;

/// The password of user `admin`.
pub const PASSWORD: &str = "secret";
/// The name and type of the only cloud.
pub const CLOUD: &str = "fake";
pub const CONTROLLER_UUID: &str = "c0c0c0c0-0000-4000-8000-00000000c0c0";
pub const CONTROLLER_MODEL_UUID: &str = "a0a0a0a0-0000-4000-8000-00000000a0a0";

/// What outlives a controller's process.
pub struct Surroundings {
    pub store: Arc<dyn Store>,
    pub append: Append,
    pub authority: Arc<Authority>,
    pub tls: Arc<rustls::ServerConfig>,
    pub cloud: Arc<dyn Cloud>,
    pub clock: Arc<dyn Clock>,
    pub pace: Pace,
}

/// What a kill takes away.
pub struct Running {
    pub state: State,
    pub door: Arc<Door>,
    workers: workers::Handle,
    server: api::Handle,
    port: JoinHandle<()>,
}

impl Running {
    /// Serves at once. Needs a tokio runtime.
    pub async fn start(with: &Surroundings, listener: TcpListener) -> Running {
        let clock = with.clock.clone();
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let state = State::open(with.store.clone(), clock.clone(), chance.clone()).await.expect("opens");
        let signer = Signer { authority: with.authority.clone(), clock, chance: chance.clone() };
        let door = Door::open_with(state.clone(), with.append.clone(), Arc::new(signer), with.pace);
        let workers = workers::spawn(Parts {
            state: state.clone(),
            clouds: Clouds::new([(CLOUD.to_owned(), with.cloud.clone())]),
            root: Root::new(with.authority.key_pem().reveal().as_bytes()),
            outfit: Arc::new(AgentFiles),
            kept: Arc::new(with.append.clone()),
            room: Arc::new(|| Ok(Space::of_bytes(1 << 40, 1 << 40))),
        });
        let server = Server::new(ServerParts {
            state: state.clone(),
            append: with.append.clone(),
            tls: with.tls.clone(),
            passwords: Passwords::new(&*chance),
            doors: Arc::new(door.clone()),
            advice: Arc::new(NoAdvice),
            seals: Arc::new(Clear),
            key_source: Arc::new(NoKeySource),
            takes_in: Arc::new(NoHosts),
            version: "3.6.100".into(),
            limits: Limits::default(),
        });
        let handle = server.handle();
        let port = tokio::spawn(async move { server.serve(listener).await });
        Running { state, door, workers, server: handle, port }
    }

    /// Ends without any ceremony.
    pub fn kill(self) {
        drop(self.workers);
        self.server.close();
        self.door.close();
        self.port.abort();
    }
}

/// A new CA, and what a server shows of it.
pub fn authority() -> (Authority, Arc<rustls::ServerConfig>) {
    let authority = Authority::create("test", SystemClock.now().unix(), &SystemChance).expect("a CA");
    let tls = tls(&authority);
    (authority, tls)
}

/// What a server of this CA shows.
pub fn tls(authority: &Authority) -> Arc<rustls::ServerConfig> {
    let named = authority.controller_leaf(SystemClock.now().unix(), &SystemChance).expect("a certificate");
    let leaves = LeafStore::new(&named, &named).expect("usable certificates");
    rpc::tls::server_config(leaves, &authority.cert_pem).expect("a TLS configuration")
}

/// Writes a controller's first records.
pub async fn bootstrap(store: Arc<dyn Store>, address: SocketAddr, ca_cert: &str) {
    let state = State::open(store, Arc::new(SystemClock), Arc::new(SystemChance)).await.expect("opens");
    let with = first_records(address, ca_cert);
    state.change(|beliefs, given| change::controller::bootstrap(beliefs, &with, given)).await.expect("bootstraps");
}

struct AgentFiles;

impl Outfit for AgentFiles {
    fn outfit(&self, newcomer: &Newcomer<'_>) -> Outfitted {
        let config = Config {
            addresses: newcomer.controller.endpoints.iter().map(|endpoint| endpoint.dial()).collect(),
            ca_cert: newcomer.controller.ca_cert.clone(),
            model: newcomer.model.to_string(),
            machine: newcomer.machine.to_string(),
            token: newcomer.token.clone(),
        };
        let content = Content::Bytes(serde_json::to_vec(&config).unwrap_or_default().into());
        let file = File { path: "/agent.json".into(), mode: 0o600, owner: Owner::Root, content };
        Outfitted { files: vec![file], ..Outfitted::default() }
    }
}

/// What the agent of a machine is started with, out of what the cloud was asked for.
pub fn agent_config(files: &[File]) -> Option<Config> {
    match &files.first()?.content {
        Content::Bytes(config) => serde_json::from_slice(config).ok(),
        Content::OnHost(_) => None,
    }
}

/// What a controller of tests begins with.
pub fn first_records(address: SocketAddr, ca_cert: &str) -> change::controller::Bootstrap {
    let cloud = model::record::cloud::Cloud {
        name: CLOUD.into(),
        kind: CLOUD.into(),
        auth_types: vec!["empty".into()],
        ..Default::default()
    };
    change::controller::Bootstrap {
        uuid: CONTROLLER_UUID.into(),
        name: "test".into(),
        model_uuid: CONTROLLER_MODEL_UUID.parse().expect("valid"),
        cloud,
        region: String::new(),
        credential: None,
        ca_cert: ca_cert.to_owned(),
        endpoints: vec![Endpoint { address: Address::of(&address.ip().to_string()), port: address.port() }],
        config: BTreeMap::new(),
        model_config: BTreeMap::new(),
        model_defaults: BTreeMap::new(),
        constraints: Default::default(),
        version: "3.6.100".into(),
        user: "admin".into(),
        password_hash: Passwords::hash_now(PASSWORD, &SystemChance).expect("hashes"),
        keys: vec!["ssh-ed25519 AAAA client".into()],
        machine: change::controller::ControllerMachine {
            constraints: Default::default(),
            base: OsBase::parse("ubuntu@24.04").expect("valid"),
            instance_id: "localhost".into(),
            hostname: "localhost".into(),
            hardware: Hardware::default(),
        },
    }
}
