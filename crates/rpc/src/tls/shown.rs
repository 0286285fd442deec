//! The authority that a server shows of itself: a controller sends its CA's certificate after its own (`wire/protocol.md` 1.1).
//! Nothing here vouches for it. The surprise: whoever takes it up must ask somebody, by its fingerprint.

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The first certificate of a chain that is an authority's, as DER; none when there is none.
pub fn authority_of(chain: &[CertificateDer<'_>]) -> Option<Vec<u8>> {
    let is_authority = |der: &&CertificateDer<'_>| X509Certificate::from_der(der).is_ok_and(|(_, cert)| cert.is_ca());
    chain.iter().find(is_authority).map(|der| der.to_vec())
}
