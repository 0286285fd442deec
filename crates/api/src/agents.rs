//! The agents' door: where machines enrol, and the one stream that each holds from then on (`wire::agent` has the messages).
//! It serves no facade and no user; who an agent is, its client certificate says. What agents say becomes changes of the model; what the
//! model says of their machines becomes documents.
//! The surprise: an agent that waits costs a socket and a few hundred bytes. One follower reads every change of the state for all of them
//! and rings only those whom it concerns (`router`).

mod allowance;
mod bounds;
mod document;
mod enrol;
mod intake;
mod router;
mod stream;

use std::sync::Arc;

use base::Refusal;
use model::State;
use rpc::tls::{AgentIdentity, CaMark};
use store::append::Append;
use tokio::task::JoinHandle;

use allowance::Allowances;
pub use enrol::Answer;
use router::Router;
pub use stream::Pace;

/// Signs certificates for agents.
pub trait Signer: Send + Sync {
    /// A certificate (PEM) for the public key of a request (PKCS#10, PEM); of the request nothing else counts.
    fn sign(&self, csr_pem: &str, who: &AgentIdentity) -> Result<String, Refusal>;

    /// All CAs that count, PEM, the newest first.
    fn ca_cert_pem(&self) -> String;

    /// Whether certificates of this CA count still.
    fn accepts(&self, _: CaMark) -> bool {
        true
    }
}

/// The door. One for each controller process; shared by all its connections.
pub struct Door {
    state: State,
    append: Append,
    signer: Arc<dyn Signer>,
    router: Router,
    allowances: Allowances,
    pace: Pace,
    follower: JoinHandle<()>,
}

impl Door {
    pub fn open(state: State, append: Append, signer: Arc<dyn Signer>) -> Arc<Door> {
        Door::open_with(state, append, signer, Pace::default())
    }

    pub fn open_with(state: State, append: Append, signer: Arc<dyn Signer>, pace: Pace) -> Arc<Door> {
        let router = Router::new(&state);
        let follower = tokio::spawn(router::follow(router.clone(), state.clone()));
        Arc::new(Door { state, append, signer, router, allowances: Allowances::default(), pace, follower })
    }

    /// How many agents are connected.
    pub fn connected(&self) -> usize {
        self.router.len()
    }

    /// Whether an agent that is connected has a certificate of this CA; nothing when it is not connected.
    pub fn is_of(&self, who: &AgentIdentity, ca: CaMark) -> Option<bool> {
        self.router.is_of(who, ca)
    }

    /// Ends the streams of agents whose certificate is of another CA.
    pub fn close_others(&self, ca: CaMark) {
        self.router.close_others(ca);
    }

    /// Ends all streams, so that the agents look for the controller that comes next. New ones are still served.
    pub fn close(&self) {
        self.router.close_all();
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// The controller's own CA signs.
pub struct Authority {
    pub authority: Arc<rpc::tls::Authority>,
    pub clock: Arc<dyn base::clock::Clock>,
    pub chance: Arc<dyn base::chance::Chance>,
}

/// How long an agent's certificate is good; agents renew theirs long before.
const CERTIFICATE_DAYS: i64 = 365;

impl Signer for Authority {
    fn sign(&self, csr_pem: &str, who: &AgentIdentity) -> Result<String, Refusal> {
        let signed = self.authority.sign_agent(csr_pem, who, self.clock.now().unix(), CERTIFICATE_DAYS, &*self.chance);
        signed.map_err(|error| Refusal::plain("certificate request is not valid").with_context(error))
    }

    fn ca_cert_pem(&self) -> String {
        self.authority.cert_pem.clone()
    }
}
