//! A controller in this thread: state in memory, the API served over pipes, the agents' door. Made anew after some cases, as what inputs
//! add to it would grow.
//! The surprise: what is slow to make (keys, a hashed password) is made once for all rigs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use api::agents::{Authority as Signer, Door};
use api::{Clear, Limits, NoAdvice, NoHosts, NoKeySource, Passwords, Server, ServerParts};
use base::chance::SystemChance;
use base::clock::{Clock, SystemClock};
use base::{MachineId, ModelUuid, OsBase};
use model::change::controller::Bootstrap;
use model::change::{self, machine::AddMachine};
use model::{Read, State};
use rpc::tls::{AgentIdentity, Authority, LeafStore};
use store::append::Append;
use store::memory::Memory;
use tokio::io::DuplexStream;
use tokio::runtime::Runtime;

struct Slow {
    authority: Arc<Authority>,
    tls: Arc<rustls::ServerConfig>,
    passwords: Passwords,
    bootstrap: Bootstrap,
}

static SLOW: LazyLock<Slow> = LazyLock::new(|| {
    let now = SystemClock.now().unix();
    let authority = Authority::create("fuzz", now, &SystemChance).expect("a CA");
    let named = authority.controller_leaf(now, &SystemChance).expect("a certificate");
    let leaves = LeafStore::new(&named, &named).expect("usable certificates");
    let tls = rpc::tls::server_config(leaves, &authority.cert_pem).expect("a TLS configuration");
    let bootstrap = testkit::assembly::first_records(HERE, &authority.cert_pem);
    Slow { authority: Arc::new(authority), tls, passwords: Passwords::new(&SystemChance), bootstrap }
});

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 17070);
/// Each connection comes from an address of its own: what one does badly is not held against the next.
static CALLERS: AtomicU32 = AtomicU32::new(0x0a00_0000);
/// The token of machine 1.
pub const TOKEN: &str = "q7-of-machine-1";

pub struct Rig {
    pub runtime: Runtime,
    pub state: State,
    pub server: Server,
    pub door: Arc<Door>,
}

impl Rig {
    pub fn new() -> Rig {
        let slow = &*SLOW;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (state, server, door) = runtime.block_on(async {
            let store = Arc::new(Memory::new());
            let state = State::open(store, Arc::new(SystemClock), Arc::new(SystemChance)).await.expect("opens");
            state
                .change(|beliefs, given| change::controller::bootstrap(beliefs, &slow.bootstrap, given))
                .await
                .expect("bootstraps");
            let append = Append::memory().expect("opens");
            let (clock, chance) = (Arc::new(SystemClock), Arc::new(SystemChance));
            let door = Door::open(
                state.clone(),
                append.clone(),
                Arc::new(Signer { authority: slow.authority.clone(), clock, chance }),
            );
            let base = OsBase::parse("ubuntu@24.04").expect("valid");
            let two = [AddMachine::default(), AddMachine::default()];
            state
                .change(|beliefs, given| change::machine::add(beliefs, model(), &two, &base, given))
                .await
                .expect("machines");
            let server = Server::new(ServerParts {
                state: state.clone(),
                append,
                tls: slow.tls.clone(),
                passwords: slow.passwords.clone(),
                doors: Arc::new(door.clone()),
                advice: Arc::new(NoAdvice),
                seals: Arc::new(Clear),
                key_source: Arc::new(NoKeySource),
                takes_in: Arc::new(NoHosts),
                version: "3.6.100".into(),
                limits: Limits::default(),
            });
            (state, server, door)
        });
        Rig { runtime, state, server, door }
    }

    /// What is believed of a machine, and when it was written: its record, its instance, its agent.
    pub fn of_machine(&self, id: u64) -> String {
        let read: Read = self.state.read();
        let within = read.models.get(&model()).expect("the model");
        let tasks: Vec<_> = within.tasks.values().filter(|task| task.machine == MachineId::top(id)).collect();
        format!("{:?} {tasks:?}", within.machines.get(&MachineId::top(id)))
    }

    /// A connection to the API.
    pub fn dial(&self) -> (DuplexStream, tokio::task::JoinHandle<()>) {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let from = Ipv4Addr::from(CALLERS.fetch_add(1, Ordering::Relaxed));
        let served = self.runtime.spawn(self.server.converse(theirs, (from, 40_000).into(), None));
        (ours, served)
    }
}

pub fn model() -> ModelUuid {
    SLOW.bootstrap.model_uuid
}

pub fn agent_of(machine: u64) -> AgentIdentity {
    AgentIdentity { model: model(), machine: MachineId::top(machine) }
}

pub fn authority() -> &'static Authority {
    &SLOW.authority
}
