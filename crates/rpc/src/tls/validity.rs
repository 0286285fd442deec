//! How long a certificate is good, of one on disk and of one that a server shows.

use super::TlsError;
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub not_before: i64,
    pub not_after: i64,
}

impl Validity {
    /// Of the first certificate in a PEM text.
    pub fn of_pem(pem: &str) -> Result<Validity, TlsError> {
        use rustls::pki_types::pem::PemObject;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| TlsError::Read("the certificate"))?;
        Validity::of_der(&der)
    }

    pub fn of_der(der: &[u8]) -> Result<Validity, TlsError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| TlsError::Read("the certificate"))?;
        let validity = certificate.validity();
        Ok(Validity { not_before: validity.not_before.timestamp(), not_after: validity.not_after.timestamp() })
    }

    /// Two thirds of its time are over: whoever holds it should ask for another.
    pub fn is_old(&self, now: i64) -> bool {
        now >= self.not_before + (self.not_after - self.not_before) / 3 * 2
    }
}

/// Why a server showed nothing that is trusted.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("no TLS within {0:?}")]
    Late(Duration),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The certificate that a server shows to those who trust `ca_pem` alone.
pub async fn shown(address: SocketAddr, ca_pem: &str, patience: Duration) -> Result<Validity, ShowError> {
    let config = super::client_config(ca_pem, None)?;
    // One of the names that every controller's certificate has.
    let name = ServerName::try_from("juju-apiserver").map_err(|_| TlsError::Read("the server's name"))?;
    let connect = async {
        let stream = tokio::net::TcpStream::connect(address).await?;
        tokio_rustls::TlsConnector::from(config).connect(name, stream).await
    };
    let tls = tokio::time::timeout(patience, connect).await.map_err(|_| ShowError::Late(patience))?;
    let tls = tls.map_err(ShowError::Connect)?;
    let chain = tls.get_ref().1.peer_certificates().unwrap_or_default();
    let first = chain.first().ok_or(TlsError::Read("the server's certificate"))?;
    Ok(Validity::of_der(first)?)
}

#[cfg(test)]
mod tests {
    use super::super::Authority;
    use super::*;
    use base::chance::SystemChance;

    #[test]
    fn a_certificate_is_old_when_two_thirds_of_its_time_are_over() {
        let ca = Authority::create("test", 1_000_000, &SystemChance).expect("made");
        let validity = Validity::of_pem(&ca.cert_pem).expect("read");
        assert!(validity.not_before < 1_000_000, "{validity:?}");
        assert_eq!(validity.not_after, 1_000_000 + 3652 * 86_400);
        let third = (validity.not_after - validity.not_before) / 3;
        assert!(!validity.is_old(validity.not_before + 2 * third - 1));
        assert!(validity.is_old(validity.not_before + 2 * third));
        assert!(Validity::of_pem("nothing").is_err());
    }
}
