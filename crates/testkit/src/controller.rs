//! A whole controller in this process: store in memory, fake cloud, all workers, the API port on loopback with real TLS; and an agent played
//! for each instance that the cloud starts.
//! It must not know any test. The surprise: it can be killed and started again on the same store, as often as a test likes; the agents, and the
//! cloud, do not notice more than they would of a real one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::agents::Pace;
use base::clock::{Clock, SystemClock};
use base::{MachineId, ModelUuid};
use cloud::InstanceId;
use cloud::fake::{Event, Fake};
use model::{Beliefs, Read, State};
use store::Store;
use store::append::Append;
use store::memory::Memory;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::agents::SimAgent;
use crate::assembly::{self, Running, Surroundings};
use crate::user::User;

pub use crate::assembly::PASSWORD;

/// How long a test waits for anything.
const LONG: Duration = Duration::from_secs(60);

/// The controller and its surroundings.
pub struct TestController {
    surroundings: Surroundings,
    pub address: SocketAddr,
    pub cloud: Fake,
    pub agents: Agents,
    running: Option<Running>,
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
                let Some(config) = assembly::agent_config(&request.files) else { return };
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

/// What may be other than usual.
pub struct With {
    pub store: Arc<dyn Store>,
    /// Where agents are told that the controller is, if that is not its own port.
    pub advertised: Option<SocketAddr>,
    pub clock: Arc<dyn Clock>,
    pub pace: Pace,
}

impl Default for With {
    fn default() -> With {
        With { store: Arc::new(Memory::new()), advertised: None, clock: Arc::new(SystemClock), pace: Pace::default() }
    }
}

impl TestController {
    /// Bootstraps and starts one. Needs a tokio runtime.
    pub async fn start() -> TestController {
        TestController::start_with(With::default()).await
    }

    pub async fn start_with(with: With) -> TestController {
        let (authority, tls) = assembly::authority();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let With { store, advertised, clock, pace } = with;
        assembly::bootstrap(store.clone(), advertised.unwrap_or(address), &authority.cert_pem).await;
        let (cloud, agents) = (Fake::new(), Agents::default());
        let told = agents.clone();
        cloud.watch(move |event| told.hear(event));
        let surroundings = Surroundings {
            store,
            append: Append::memory().expect("opens"),
            authority: Arc::new(authority),
            tls,
            cloud: Arc::new(cloud.clone()),
            clock,
            pace,
        };
        let running = Some(Running::start(&surroundings, listener).await);
        TestController { surroundings, address, cloud, agents, running }
    }

    /// Ends the controller without any ceremony.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
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
        self.running = Some(Running::start(&self.surroundings, listener).await);
    }

    pub fn state(&self) -> &State {
        &self.running.as_ref().expect("a controller that runs").state
    }

    /// Somebody who uses it, past its doors.
    pub fn user(&self) -> User {
        User::new(self.state().clone(), self.append().clone())
    }

    pub fn append(&self) -> &Append {
        &self.surroundings.append
    }

    pub fn ca_cert(&self) -> &str {
        &self.surroundings.authority.cert_pem
    }

    pub fn connected(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.door.connected())
    }

    /// Waits until the state is so.
    pub async fn until(&self, what: &str, is: impl Fn(&Beliefs) -> bool) -> Read {
        self.user().until(what, is).await
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
