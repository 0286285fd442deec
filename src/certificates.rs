//! The controller's certificates while it runs: renewed before they end, and signed by a new CA when its operator says so, without losing anybody.
//! It knows no agent: who has which certificate the agents' door knows. The surprise: the new CA is signed by the old one too, and that signature is
//! shown with every certificate, so whoever knows only the old CA is let in at every moment, agents that slept through it all as well.
//!
//! ```text
//!   one CA  ---(rotate)--->  new CA signs and serves; certificates of both count; agents are told both, and renew
//!      ^                                         |
//!      +-----------------(finish)----------------+     the old one's certificates count no more
//! ```

use crate::layout::Layout;
use api::agents::Signer;
use base::chance::Chance;
use base::clock::Clock;
use base::{Refusal, Secret};
use model::record::address::Address;
use rpc::tls::{AgentIdentity, Authority, CaMark, ClientTrust, Leaf, LeafStore, TlsError, Validity};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// How long an agent's certificate is good; agents renew theirs long before.
const AGENT_DAYS: i64 = 365;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read or write the controller's certificates")]
    Files(#[from] io::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("a rotation is under way")]
    UnderWay,
    #[error("no rotation is under way")]
    NoneUnderWay,
}

/// What is on disk once there was a rotation: one file, so that key and certificate change together. Before, `ca.crt` and `ca.key` are all.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kept {
    cert: String,
    key: Secret,
    /// The CA's key, signed by the one before.
    cross: String,
    /// The one before, while its certificates count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    old: Option<String>,
}

struct Now {
    authority: Authority,
    old: Option<String>,
    /// Of the certificates that are shown.
    leaf: Validity,
    hosts: Vec<Address>,
}

pub struct Certificates {
    layout: Layout,
    name: String,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    now: RwLock<Now>,
    /// One change at a time.
    turn: Mutex<()>,
    pub leaves: Arc<LeafStore>,
    pub trust: Arc<ClientTrust>,
}

impl Certificates {
    /// What is on disk, and certificates for these addresses of this host.
    pub fn open(
        layout: &Layout,
        name: &str,
        hosts: Vec<Address>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Certificates, Error> {
        let (authority, old) = read(layout)?;
        let (named, address) = leaves(&authority, &hosts, &*clock, &*chance)?;
        let leaf = Validity::of_pem(&named.chain_pem)?;
        Ok(Certificates {
            layout: layout.clone(),
            name: name.to_owned(),
            leaves: LeafStore::new(&named, &address)?,
            trust: ClientTrust::new(&bundle(&authority, old.as_deref()))?,
            now: RwLock::new(Now { authority, old, leaf, hosts }),
            turn: Mutex::default(),
            clock,
            chance,
        })
    }

    fn now(&self) -> std::sync::RwLockReadGuard<'_, Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// All CAs whose certificates count, the newest first, PEM.
    pub fn ca_certs(&self) -> String {
        let now = self.now();
        bundle(&now.authority, now.old.as_deref())
    }

    /// The newest CA, PEM.
    pub fn newest(&self) -> String {
        self.now().authority.cert_pem.clone()
    }

    pub fn is_rotating(&self) -> bool {
        self.now().old.is_some()
    }

    /// Certificates for other addresses.
    pub fn follow(&self, hosts: &[Address]) -> Result<(), Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.now.write().unwrap_or_else(PoisonError::into_inner).hosts = hosts.to_vec();
        self.renew()
    }

    /// New certificates when two thirds of the old ones' time are over. Says whether.
    pub fn renew_in_time(&self) -> Result<bool, Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = self.now().leaf.is_old(self.clock.now().unix());
        if is_old {
            self.renew()?;
        }
        Ok(is_old)
    }

    fn renew(&self) -> Result<(), Error> {
        let (named, address) = {
            let now = self.now();
            leaves(&now.authority, &now.hosts, &*self.clock, &*self.chance)?
        };
        self.leaves.replace(&named, &address)?;
        let leaf = Validity::of_pem(&named.chain_pem)?;
        self.now.write().unwrap_or_else(PoisonError::into_inner).leaf = leaf;
        Ok(())
    }

    /// A new CA signs from now on; certificates of the old one count until [`Certificates::finish`].
    pub fn rotate(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_rotating() {
            return Err(Error::UnderWay);
        }
        let unix = self.clock.now().unix();
        let old = self.now().authority.clone();
        let new = old.succeed(&format!("grigri-ca {}", self.name), unix, &*self.chance)?;
        self.take(new, Some(old.cert_pem))
    }

    /// Certificates of the old CA count no more.
    pub fn finish(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_rotating() {
            return Err(Error::NoneUnderWay);
        }
        let authority = self.now().authority.clone();
        self.take(authority, None)
    }

    /// On disk first: a controller that dies in between finds the new state or the old one, whole.
    fn take(&self, authority: Authority, old: Option<String>) -> Result<(), Error> {
        let kept = Kept {
            cert: authority.cert_pem.clone(),
            key: authority.key_pem().clone(),
            cross: authority.cross_pem().to_owned(),
            old: old.clone(),
        };
        let text = serde_json::to_vec(&kept).map_err(io::Error::other)?;
        host::files::write(&self.layout.authority(), &text, 0o600)?;
        let all = bundle(&authority, old.as_deref());
        // For people and for `doctor`; what counts is the file above.
        host::files::write(&self.layout.ca_cert(), all.as_bytes(), 0o644)?;
        self.trust.replace(&all)?;
        {
            let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
            (now.authority, now.old) = (authority, old);
        }
        self.renew()
    }
}

impl Signer for Certificates {
    fn sign(&self, csr_pem: &str, who: &AgentIdentity) -> Result<String, Refusal> {
        let authority = self.now().authority.clone();
        let signed = authority.sign_agent(csr_pem, who, self.clock.now().unix(), AGENT_DAYS, &*self.chance);
        signed.map_err(|error| Refusal::plain("certificate request is not valid").with_context(error))
    }

    fn ca_cert_pem(&self) -> String {
        self.ca_certs()
    }

    fn accepts(&self, ca: CaMark) -> bool {
        let now = self.now();
        [Some(now.authority.cert_pem.as_str()), now.old.as_deref()]
            .into_iter()
            .flatten()
            .any(|pem| CaMark::of_ca(pem) == Some(ca))
    }
}

fn bundle(authority: &Authority, old: Option<&str>) -> String {
    format!("{}{}", authority.cert_pem, old.unwrap_or_default())
}

fn read(layout: &Layout) -> Result<(Authority, Option<String>), Error> {
    match std::fs::read(layout.authority()) {
        Ok(bytes) => {
            let Kept { cert, key, cross, old } = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
            Ok((Authority::from_pem(cert, key)?.with_cross(cross), old))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (cert, key) = (std::fs::read_to_string(layout.ca_cert())?, std::fs::read_to_string(layout.ca_key())?);
            Ok((Authority::from_pem(cert, Secret::new(key))?, None))
        }
        Err(error) => Err(error.into()),
    }
}

/// For clients that give a name, and for those that dial an address.
fn leaves(
    authority: &Authority,
    hosts: &[Address],
    clock: &dyn Clock,
    chance: &dyn Chance,
) -> Result<(Leaf, Leaf), TlsError> {
    // Names by which others know it, as they are dialled.
    let known = hosts.iter().filter(|host| host.kind == "hostname").map(|host| host.value.clone());
    let mut ips: Vec<IpAddr> = hosts.iter().filter_map(|host| host.value.parse().ok()).collect();
    ips.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    let names = known.chain([host::facts::read().hostname]);
    let names = names.filter(|name| !name.is_empty() && name.is_ascii()).collect();
    let unix = clock.now().unix();
    Ok((authority.controller_leaf(unix, chance)?, authority.address_leaf(names, ips, unix, chance)?))
}

#[cfg(test)]
mod tests;
