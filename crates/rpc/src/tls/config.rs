//! TLS configurations of both ends. One crypto provider (ring), TLS 1.2 and 1.3, no HTTP/2.

use super::{Leaf, TlsError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fmt;
use std::sync::{Arc, RwLock};

/// The two certificates that the server shows, by what the client asked for; exchangeable while it runs.
pub struct LeafStore {
    leaves: RwLock<(Arc<CertifiedKey>, Arc<CertifiedKey>)>,
}

impl fmt::Debug for LeafStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeafStore")
    }
}

impl LeafStore {
    /// `named` for clients that give a server name, `address` for those that dial an address.
    pub fn new(named: &Leaf, address: &Leaf) -> Result<Arc<LeafStore>, TlsError> {
        let leaves = RwLock::new((certified(named)?, certified(address)?));
        Ok(Arc::new(LeafStore { leaves }))
    }

    /// Takes a new certificate for the controller's addresses into use; open connections keep the old one.
    pub fn replace_address_leaf(&self, address: &Leaf) -> Result<(), TlsError> {
        let fresh = certified(address)?;
        self.leaves.write().unwrap_or_else(|e| e.into_inner()).1 = fresh;
        Ok(())
    }
}

impl ResolvesServerCert for LeafStore {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let leaves = self.leaves.read().unwrap_or_else(|e| e.into_inner());
        Some(match hello.server_name() {
            Some(_) => leaves.0.clone(),
            None => leaves.1.clone(),
        })
    }
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certs {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        _ => Err(TlsError::Read("the certificate")),
    }
}

fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| TlsError::Read("the private key"))
}

fn certified(leaf: &Leaf) -> Result<Arc<CertifiedKey>, TlsError> {
    let key = rustls::crypto::ring::sign::any_supported_type(&private_key(leaf.key_pem.reveal())?)
        .map_err(TlsError::Setup)?;
    Ok(Arc::new(CertifiedKey::new(chain(&leaf.chain_pem)?, key)))
}

fn roots(ca_pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for cert in chain(ca_pem)? {
        roots.add(cert).map_err(TlsError::Setup)?;
    }
    Ok(roots)
}

/// The API port's configuration. A client certificate is optional; one that is shown must be of this CA.
pub fn server_config(leaves: Arc<LeafStore>, ca_pem: &str) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|_| TlsError::Read("the CA certificate"))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(leaves);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A client that trusts `ca_pem` alone, and shows `identity` (certificate chain and key, PEM) when there is one.
pub fn client_config(ca_pem: &str, identity: Option<&Leaf>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_root_certificates(roots(ca_pem)?);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(leaf) => builder
            .with_client_auth_cert(chain(&leaf.chain_pem)?, private_key(leaf.key_pem.reveal())?)
            .map_err(TlsError::Setup)?,
    };
    Ok(Arc::new(config))
}
