//! The agent's key and certificate.
//! It must not know how a certificate is got. The surprise: the key is on disk before anybody hears of it, so that an agent that
//! dies while it enrols is the same one afterwards.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base::Secret;
use rpc::tls::{CaMark, Leaf, TlsError};
use rustls::ClientConfig;

/// Files `agent.key` (0600) and `agent.crt` in the agent's directory.
#[derive(Debug)]
pub struct Identity {
    directory: PathBuf,
    key_pem: Secret,
    certificate: Option<Certificate>,
}

#[derive(Debug, Clone)]
struct Certificate {
    pem: String,
    not_before: i64,
    not_after: i64,
    issuer: Option<CaMark>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot keep the agent's key or certificate")]
    Files(#[source] io::Error),
    #[error("cannot make a key or a request with it")]
    Make(#[source] rcgen::Error),
    #[error("the certificate cannot be read")]
    Certificate,
}

impl Identity {
    /// What is in `directory`; a key is made when there is none.
    pub fn load_or_make(directory: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&directory).map_err(Error::Files)?;
        let file = directory.join("agent.key");
        let kept = match std::fs::read_to_string(&file) {
            Ok(pem) => rcgen::KeyPair::from_pem(&pem).ok().map(|_| pem),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::Files(error)),
        };
        let key_pem = match kept {
            Some(pem) => pem,
            None => {
                let pem = rcgen::KeyPair::generate().map_err(Error::Make)?.serialize_pem();
                host::files::write(&file, pem.as_bytes(), 0o600).map_err(Error::Files)?;
                pem
            }
        };
        let certificate = std::fs::read_to_string(directory.join("agent.crt")).ok().and_then(Certificate::read);
        Ok(Self { directory, key_pem: Secret::new(key_pem), certificate })
    }

    /// A request for a certificate of our key. The name in it is nothing: the controller knows whose key it is.
    pub fn request(&self) -> Result<String, Error> {
        let key = rcgen::KeyPair::from_pem(self.key_pem.reveal()).map_err(Error::Make)?;
        let request = rcgen::CertificateParams::default().serialize_request(&key).map_err(Error::Make)?;
        request.pem().map_err(Error::Make)
    }

    pub fn keep(&mut self, pem: String) -> Result<(), Error> {
        let certificate = Certificate::read(pem).ok_or(Error::Certificate)?;
        let file = self.directory.join("agent.crt");
        host::files::write(&file, certificate.pem.as_bytes(), 0o644).map_err(Error::Files)?;
        self.certificate = Some(certificate);
        Ok(())
    }

    /// There is a certificate, and at `now` (seconds since 1970) it counts.
    pub fn is_good(&self, now: i64) -> bool {
        self.certificate.as_ref().is_some_and(|c| now < c.not_after)
    }

    /// Who signed the certificate.
    pub fn issuer(&self) -> Option<CaMark> {
        self.certificate.as_ref().and_then(|c| c.issuer)
    }

    /// Seconds from `now` until a new certificate should be asked for: when two thirds of the old one's time are over.
    pub fn renew_in(&self, now: i64) -> i64 {
        self.certificate.as_ref().map_or(0, |c| (c.not_before + (c.not_after - c.not_before) / 3 * 2 - now).max(0))
    }

    /// How to connect: as ourselves when we have a certificate, else as nobody.
    pub fn tls(&self, ca_cert: &str) -> Result<Arc<ClientConfig>, TlsError> {
        let leaf = self.certificate.as_ref().map(|c| Leaf { chain_pem: c.pem.clone(), key_pem: self.key_pem.clone() });
        rpc::tls::client_config(ca_cert, leaf.as_ref())
    }
}

impl Certificate {
    fn read(pem: String) -> Option<Self> {
        let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
        let validity = parsed.parse_x509().ok()?.validity().clone();
        let issuer = CaMark::of_issuer(&parsed.contents);
        Some(Self {
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            issuer,
            pem,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_outlives_the_process_and_nobody_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let key = |i: &Identity| i.key_pem.reveal().to_owned();
        let first = Identity::load_or_make(dir.path().join("a")).expect("made");
        let again = Identity::load_or_make(dir.path().join("a")).expect("read");
        assert_eq!(key(&first), key(&again));
        assert_eq!(
            std::fs::metadata(dir.path().join("a/agent.key")).expect("there").permissions().mode() & 0o777,
            0o600
        );
        assert!(!again.is_good(0));
        let other = Identity::load_or_make(dir.path().join("b")).expect("made");
        assert_ne!(key(&first), key(&other));
        assert!(first.request().expect("made").starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    }
}
