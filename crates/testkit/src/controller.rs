//! A whole controller in this process: store in memory, fake cloud, all workers, the API port on loopback with real TLS; and an agent played
//! for each instance that the cloud starts.
//! It must not know any test. The surprise: it can be killed and started again on the same store, as often as a test likes; the agents, and the
//! cloud, do not notice more than they would of a real one.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::agents::{Authority as Signer, Door};
use api::{Limits, NoAdvice, Passwords, Server, ServerParts};
use base::chance::{Chance, SystemChance};
use base::clock::{Clock, SystemClock};
use base::{Hardware, MachineId, ModelUuid, OsBase};
use cloud::fake::{Event, Fake};
use cloud::{Content, File, InstanceId, Owner};
use model::change;
use model::record::address::{Address, Endpoint};
use model::{Beliefs, Read, State};
use rpc::tls::{Authority, LeafStore};
use store::Store;
use store::append::Append;
use store::memory::Memory;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use workers::identity::Root;
use workers::{Newcomer, Outfit, Outfitted, Parts};

use crate::agents::{Config, SimAgent};

/// The password of user `admin`.
pub const PASSWORD: &str = "secret";
/// How long a test waits for anything.
const LONG: Duration = Duration::from_secs(60);

/// The controller and its surroundings.
pub struct TestController {
    store: Arc<dyn Store>,
    append: Append,
    authority: Arc<Authority>,
    tls: Arc<rustls::ServerConfig>,
    pub address: SocketAddr,
    pub cloud: Fake,
    pub agents: Agents,
    running: Option<Running>,
}

/// What a kill takes away.
struct Running {
    state: State,
    door: Arc<Door>,
    workers: workers::Handle,
    server: api::Handle,
    port: JoinHandle<()>,
}

/// The agents of the instances in the cloud.
#[derive(Clone, Default)]
pub struct Agents(Arc<Mutex<Living>>);

type Living = HashMap<InstanceId, (SimAgent, JoinHandle<()>)>;

impl Agents {
    /// The agent of a machine.
    pub fn of(&self, model: ModelUuid, machine: &MachineId) -> Option<SimAgent> {
        let id = InstanceId(cloud::instance_name(&model.to_string(), machine.as_str()));
        self.lock().get(&id).map(|(agent, _)| agent.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Living> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: &Event) {
        match event {
            Event::Started(id, request) => {
                let Some(Content::Bytes(config)) = request.files.first().map(|file| &file.content) else { return };
                let Ok(config) = serde_json::from_slice::<Config>(config) else { return };
                let agent = SimAgent::new(config);
                let living = agent.clone();
                let life = tokio::spawn(async move {
                    living.live().await;
                });
                self.lock().insert(id.clone(), (agent, life));
            }
            Event::Stopped(id) => {
                if let Some((_, life)) = self.lock().remove(id) {
                    life.abort();
                }
            }
        }
    }
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
        Outfitted { files: vec![file], agent: Vec::new() }
    }
}

impl TestController {
    /// Bootstraps and starts one. Needs a tokio runtime.
    pub async fn start() -> TestController {
        let clock = SystemClock;
        let authority = Authority::create("test", clock.now().unix(), &SystemChance).expect("a CA");
        let named = authority.controller_leaf(clock.now().unix(), &SystemChance).expect("a certificate");
        let leaves = LeafStore::new(&named, &named).expect("usable certificates");
        let tls = rpc::tls::server_config(leaves, &authority.cert_pem).expect("a TLS configuration");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let state = State::open(store.clone(), Arc::new(clock), Arc::new(SystemChance)).await.expect("opens");
        let with = bootstrap(address, &authority.cert_pem);
        state.change(|beliefs, given| change::controller::bootstrap(beliefs, &with, given)).await.expect("bootstraps");
        let (cloud, agents) = (Fake::new(), Agents::default());
        let told = agents.clone();
        cloud.watch(move |event| told.hear(event));
        let mut controller = TestController {
            store,
            append: Append::memory().expect("opens"),
            authority: Arc::new(authority),
            tls,
            address,
            cloud,
            agents,
            running: None,
        };
        controller.run(listener).await;
        controller
    }

    async fn run(&mut self, listener: TcpListener) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let state = State::open(self.store.clone(), clock.clone(), chance.clone()).await.expect("opens");
        let signer = Signer { authority: self.authority.clone(), clock, chance: chance.clone() };
        let door = Door::open(state.clone(), self.append.clone(), Arc::new(signer));
        let fake: Arc<dyn cloud::Cloud> = Arc::new(self.cloud.clone());
        let workers = workers::spawn(Parts {
            state: state.clone(),
            clouds: Arc::new(BTreeMap::from([("fake".to_owned(), fake)])),
            root: Root::new(self.authority.key_pem().reveal().as_bytes()),
            outfit: Arc::new(AgentFiles),
            kept: Arc::new(self.append.clone()),
        });
        let server = Server::new(ServerParts {
            state: state.clone(),
            append: self.append.clone(),
            tls: self.tls.clone(),
            passwords: Passwords::new(&*chance),
            doors: Arc::new(door.clone()),
            advice: Arc::new(NoAdvice),
            version: "3.6.100".into(),
            limits: Limits::default(),
        });
        let handle = server.handle();
        let port = tokio::spawn(async move { server.serve(listener).await });
        self.running = Some(Running { state, door, workers, server: handle, port });
    }

    /// Ends the controller without any ceremony.
    pub fn kill(&mut self) {
        if let Some(Running { door, workers, server, port, .. }) = self.running.take() {
            drop(workers);
            server.close();
            door.close();
            port.abort();
        }
    }

    /// Starts it again on the same store and port.
    pub async fn revive(&mut self) {
        let listener = async {
            loop {
                match TcpListener::bind(self.address).await {
                    Ok(listener) => return listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let listener = tokio::time::timeout(LONG, listener).await.expect("the port is free again");
        self.run(listener).await;
    }

    pub fn state(&self) -> &State {
        &self.running.as_ref().expect("a controller that runs").state
    }

    pub fn append(&self) -> &Append {
        &self.append
    }

    pub fn ca_cert(&self) -> &str {
        &self.authority.cert_pem
    }

    pub fn connected(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.door.connected())
    }

    /// Waits until the state is so.
    pub async fn until(&self, what: &str, is: impl Fn(&Beliefs) -> bool) -> Read {
        let mut changes = self.state().view().changes();
        let wait = async {
            loop {
                let state = changes.next().await.expect("the view goes on");
                if is(state.projection()) {
                    return Read::of(state);
                }
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
    }
}

impl Drop for TestController {
    fn drop(&mut self) {
        self.kill();
        for (_, (_, life)) in self.agents.lock().drain() {
            life.abort();
        }
    }
}

fn bootstrap(address: SocketAddr, ca_cert: &str) -> change::controller::Bootstrap {
    let cloud = model::record::cloud::Cloud {
        name: "fake".into(),
        kind: "fake".into(),
        auth_types: vec!["empty".into()],
        ..Default::default()
    };
    change::controller::Bootstrap {
        uuid: "c0c0c0c0-0000-4000-8000-00000000c0c0".into(),
        name: "test".into(),
        model_uuid: "a0a0a0a0-0000-4000-8000-00000000a0a0".parse().expect("valid"),
        cloud,
        region: String::new(),
        credential: None,
        ca_cert: ca_cert.to_owned(),
        endpoints: vec![Endpoint { address: Address::of(&address.ip().to_string()), port: address.port() }],
        config: BTreeMap::new(),
        model_config: BTreeMap::new(),
        version: "3.6.100".into(),
        user: "admin".into(),
        password_hash: Passwords::hash_now(PASSWORD, &SystemChance).expect("hashes"),
        keys: vec!["ssh-ed25519 AAAA client".into()],
        machine: change::controller::ControllerMachine {
            base: OsBase::parse("ubuntu@24.04").expect("valid"),
            instance_id: "localhost".into(),
            hostname: "localhost".into(),
            hardware: Hardware::default(),
        },
    }
}
