//! The controller's certificate authority and the certificates it signs (`wire/protocol.md` 1.1).
//! The surprise: keys are ECDSA P-256 where the original has RSA. Every client takes them, and a handshake costs the
//! controller a twentieth, which is what lets thousands of agents come back at once.

use super::TlsError;
use super::identity::AgentIdentity;
use super::validity::Validity;
use base::Secret;
use base::chance::Chance;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};

/// A certificate with its key, both PEM. `chain_pem` ends with the CA's certificate: `juju login` looks for it there.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub chain_pem: String,
    pub key_pem: Secret,
}

/// The CA: certificate and key, PEM.
#[derive(Clone, Debug)]
pub struct Authority {
    pub cert_pem: String,
    key_pem: Secret,
    /// The same key signed by the CA before this one; empty when it is the first. Shown with every certificate, so that whoever knows only
    /// the older CA trusts what this one signs.
    cross_pem: String,
}

const ORGANIZATION: &str = "Juju";
const CA_DAYS: i64 = 3652;
/// The controller makes others in time.
const LEAF_DAYS: i64 = 365;

impl Authority {
    /// A new CA, named by `name`, valid for ten years. `now` in seconds since 1970.
    pub fn create(name: &str, now: i64, chance: &dyn Chance) -> Result<Authority, TlsError> {
        Authority::make(name, now, chance, None)
    }

    /// A new CA that comes after this one, which vouches for it.
    pub fn succeed(&self, name: &str, now: i64, chance: &dyn Chance) -> Result<Authority, TlsError> {
        Authority::make(name, now, chance, Some(self))
    }

    fn make(name: &str, now: i64, chance: &dyn Chance, before: Option<&Authority>) -> Result<Authority, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let mut params = params(name, now, CA_DAYS, chance);
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), chance.uuid().to_string());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        let cert = params.self_signed(&key).map_err(TlsError::Make)?;
        let cross_pem = match before {
            None => String::new(),
            Some(before) => {
                let ends = Validity::of_pem(&before.cert_pem)?.not_after;
                params.not_after = OffsetDateTime::from_unix_timestamp(ends).unwrap_or(params.not_after);
                params.serial_number = Some(serial(chance));
                params.use_authority_key_identifier_extension = true;
                params.signed_by(&key, &before.issuer()?).map_err(TlsError::Make)?.pem()
            }
        };
        Ok(Authority { cert_pem: cert.pem(), key_pem: Secret::new(key.serialize_pem()), cross_pem })
    }

    /// The CA as it was stored.
    pub fn from_pem(cert_pem: String, key_pem: Secret) -> Result<Authority, TlsError> {
        let authority = Authority { cert_pem, key_pem, cross_pem: String::new() };
        authority.issuer()?;
        Ok(authority)
    }

    /// With what the CA before this one signed.
    pub fn with_cross(self, cross_pem: String) -> Authority {
        Authority { cross_pem, ..self }
    }

    pub fn cross_pem(&self) -> &str {
        &self.cross_pem
    }

    /// To be stored where only the controller reads.
    pub fn key_pem(&self) -> &Secret {
        &self.key_pem
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, TlsError> {
        let key = KeyPair::from_pem(self.key_pem.reveal()).map_err(TlsError::Make)?;
        Issuer::from_ca_cert_pem(&self.cert_pem, key).map_err(TlsError::Make)
    }

    /// The server's certificate for the names that clients use whatever the address is.
    pub fn controller_leaf(&self, now: i64, chance: &dyn Chance) -> Result<Leaf, TlsError> {
        let names = ["localhost", "juju-apiserver", "juju-mongodb", "anything"];
        self.server_leaf("controller", names.map(str::to_owned).to_vec(), Vec::new(), now, chance)
    }

    /// The server's certificate for addresses; made anew when they change.
    pub fn address_leaf(
        &self,
        names: Vec<String>,
        addresses: Vec<IpAddr>,
        now: i64,
        chance: &dyn Chance,
    ) -> Result<Leaf, TlsError> {
        // The fixed names stand here too: a client that gives no server name may still check one of them.
        let mut all = vec!["juju-apiserver".to_owned(), "localhost".to_owned()];
        all.extend(names);
        self.server_leaf("controllerip", all, addresses, now, chance)
    }

    fn server_leaf(
        &self,
        group: &str,
        names: Vec<String>,
        addresses: Vec<IpAddr>,
        now: i64,
        chance: &dyn Chance,
    ) -> Result<Leaf, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let mut params = params(&format!("Juju server certificate - {group}"), now, LEAF_DAYS, chance);
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(name.try_into().map_err(TlsError::Make)?));
        }
        params.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let cert = params.signed_by(&key, &self.issuer()?).map_err(TlsError::Make)?;
        let chain_pem = format!("{}{}{}", cert.pem(), self.cross_pem, self.cert_pem);
        Ok(Leaf { chain_pem, key_pem: Secret::new(key.serialize_pem()) })
    }

    /// Signs an agent's request. Of the request only the public key counts: the name is what the controller says.
    /// Gives the certificate as PEM.
    pub fn sign_agent(
        &self,
        csr_pem: &str,
        identity: &AgentIdentity,
        now: i64,
        days: i64,
        chance: &dyn Chance,
    ) -> Result<String, TlsError> {
        let mut request = CertificateSigningRequestParams::from_pem(csr_pem)
            .map_err(|_| TlsError::Read("the certificate request"))?;
        let mut params = params(&identity.common_name(), now, days, chance);
        let uri = identity.uri().try_into().map_err(TlsError::Make)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.params = params;
        Ok(request.signed_by(&self.issuer()?).map_err(TlsError::Make)?.pem())
    }
}

/// Certificates are good from before they were made: machines whose clock is some hours behind (a hardware clock in local time, no time
/// server yet), and a controller whose own clock was ahead and was set right, must not be kept out.
const BACK_DATED: Duration = Duration::days(2);

fn serial(chance: &dyn Chance) -> SerialNumber {
    let mut serial = [0u8; 20];
    chance.fill(&mut serial);
    // A leading bit would make the number negative, a leading zero would be no number of that length.
    serial[0] = (serial[0] & 0x7f) | 0x40;
    SerialNumber::from_slice(&serial)
}

fn params(name: &str, now: i64, days: i64, chance: &dyn Chance) -> CertificateParams {
    let now = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial(chance));
    params.not_before = now - BACK_DATED;
    params.not_after = now + Duration::days(days);
    params.key_identifier_method = KeyIdMethod::Sha256;
    params
}
