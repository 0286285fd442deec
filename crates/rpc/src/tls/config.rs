//! TLS configurations of both ends. One crypto provider (ring), TLS 1.2 and 1.3, no HTTP/2.

use super::{Leaf, TlsError};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
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

    /// Takes new certificates into use; open connections keep the old ones.
    pub fn replace(&self, named: &Leaf, address: &Leaf) -> Result<(), TlsError> {
        let fresh = (certified(named)?, certified(address)?);
        *self.leaves.write().unwrap_or_else(|e| e.into_inner()) = fresh;
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

/// The CAs whose certificates count when a client shows one; exchangeable while the server runs.
pub struct ClientTrust(RwLock<Arc<dyn ClientCertVerifier>>);

impl fmt::Debug for ClientTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTrust")
    }
}

impl ClientTrust {
    /// All CAs in a PEM text.
    pub fn new(ca_pem: &str) -> Result<Arc<ClientTrust>, TlsError> {
        Ok(Arc::new(ClientTrust(RwLock::new(verifier(ca_pem)?))))
    }

    /// From the next handshake on.
    pub fn replace(&self, ca_pem: &str) -> Result<(), TlsError> {
        let fresh = verifier(ca_pem)?;
        *self.0.write().unwrap_or_else(|e| e.into_inner()) = fresh;
        Ok(())
    }

    fn now(&self) -> Arc<dyn ClientCertVerifier> {
        self.0.read().unwrap_or_else(|e| e.into_inner()).clone()
    }
}

fn verifier(ca_pem: &str) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|_| TlsError::Read("the CA certificate"))
}

impl ClientCertVerifier for ClientTrust {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Hints are optional, and these would change while somebody reads them.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.now().verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.now().supported_verify_schemes()
    }
}

/// The API port's configuration. A client certificate is optional; one that is shown must be of this CA.
pub fn server_config(leaves: Arc<LeafStore>, ca_pem: &str) -> Result<Arc<ServerConfig>, TlsError> {
    server_config_with(leaves, ClientTrust::new(ca_pem)?)
}

/// The same where the CA may change.
pub fn server_config_with(leaves: Arc<LeafStore>, trust: Arc<ClientTrust>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_client_cert_verifier(trust)
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
