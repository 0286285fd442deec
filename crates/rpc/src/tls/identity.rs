//! Whom an agent's certificate names: one machine of one model, as a URI among its alternative names.

use base::{MachineId, ModelUuid};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A machine's agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentIdentity {
    pub model: ModelUuid,
    pub machine: MachineId,
}

const PREFIX: &str = "grigri:model/";

impl AgentIdentity {
    /// `grigri:model/UUID/machine/0/lxd/1`
    pub fn uri(&self) -> String {
        format!("{PREFIX}{}/machine/{}", self.model, self.machine)
    }

    /// The certificate's subject.
    pub fn common_name(&self) -> String {
        format!("machine-{}", self.machine.dashed())
    }

    fn from_uri(uri: &str) -> Option<AgentIdentity> {
        let (model, machine) = uri.strip_prefix(PREFIX)?.split_once("/machine/")?;
        Some(AgentIdentity { model: model.parse().ok()?, machine: machine.parse().ok()? })
    }

    /// Reads the identity of a certificate that TLS has verified already.
    pub fn from_certificate(der: &CertificateDer<'_>) -> Option<AgentIdentity> {
        let (_, cert) = X509Certificate::from_der(der).ok()?;
        cert.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => names.general_names.iter().find_map(|name| match name {
                GeneralName::URI(uri) => AgentIdentity::from_uri(uri),
                _ => None,
            }),
            _ => None,
        })
    }
}

/// Which CA: of its name, which no two CAs share. Small, since each agent's connection has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CaMark(u64);

impl CaMark {
    fn of(name: &[u8]) -> CaMark {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        CaMark(hasher.finish())
    }

    /// Whose certificate this is; it says so itself, so only of one that TLS has verified.
    pub fn of_issuer(der: &[u8]) -> Option<CaMark> {
        let (_, cert) = X509Certificate::from_der(der).ok()?;
        Some(CaMark::of(cert.issuer().as_raw()))
    }

    /// The first CA in a PEM text.
    pub fn of_ca(pem: &str) -> Option<CaMark> {
        use rustls::pki_types::pem::PemObject;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (_, cert) = X509Certificate::from_der(&der).ok()?;
        Some(CaMark::of(cert.subject().as_raw()))
    }
}
