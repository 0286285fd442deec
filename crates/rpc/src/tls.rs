//! Certificates and TLS configurations: an own CA, pinned by everyone; nothing else is trusted on the network.

pub mod authority;
pub mod config;
pub mod identity;
pub mod shown;
pub mod unverified;
pub mod validity;

pub use authority::{Authority, Leaf};
pub use config::{ClientTrust, LeafStore, client_config, server_config, server_config_with};
pub use identity::{AgentIdentity, CaMark};
pub use shown::authority_of;
pub use unverified::unverified_config;
pub use validity::Validity;

/// What may go wrong with certificates and keys. `Display` leaves the cause to the source.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot make a certificate")]
    Make(#[source] rcgen::Error),
    #[error("cannot read {0}")]
    Read(&'static str),
    #[error("cannot set TLS up")]
    Setup(#[source] rustls::Error),
}
