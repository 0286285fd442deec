//! `POST /grigri/enrol`: a new machine shows its token and gets its certificate.
//! It must not log the token. The surprise: nothing here is used up. The token binds to the first public key that it is shown with, and the
//! same key may ask as often as it likes, so a crash on either side strands nobody.

use base::{Kind, MachineId, ModelUuid, Refusal};
use model::change::enrolment;
use ring::digest::{SHA256, digest};
use rpc::tls::AgentIdentity;
use wire::agent::{EnrolRefusal, EnrolReply, EnrolRequest};

use super::Door;

/// No request is longer.
pub const MAX_BODY: usize = 32 << 10;

/// What to answer over HTTP.
pub struct Answer {
    pub status: u16,
    /// JSON.
    pub body: String,
}

impl Door {
    /// Answers a request's body.
    pub async fn enrol(&self, body: &[u8]) -> Answer {
        let (status, body) = match self.try_enrol(body).await {
            Ok(reply) => (200, serde_json::to_string(&reply)),
            Err((status, refusal)) => {
                tracing::info!(status, context = refusal.context(), "enrolment refused: {}", refusal.words());
                (status, serde_json::to_string(&EnrolRefusal { error: refusal.words().to_owned() }))
            }
        };
        match body {
            Ok(body) => Answer { status, body },
            Err(_) => Answer { status: 500, body: r#"{"error":"internal error"}"#.into() },
        }
    }

    async fn try_enrol(&self, body: &[u8]) -> Result<EnrolReply, (u16, Refusal)> {
        let bad = |words: &str| (400, Refusal::new(Kind::BadRequest, words));
        if body.len() > MAX_BODY {
            return Err(bad("request is too long"));
        }
        let request: EnrolRequest = serde_json::from_slice(body).map_err(|_| bad("request is not valid"))?;
        let model: ModelUuid = request.model_uuid.parse().map_err(|_| bad("model UUID is not valid"))?;
        let machine: MachineId = request.machine.parse().map_err(|_| bad("machine id is not valid"))?;
        let key = public_key_hash(&request.csr_pem).ok_or_else(|| bad("certificate request is not valid"))?;
        let token = hex(digest(&SHA256, request.token.as_bytes()).as_ref());
        let bound = self.state.change(|beliefs, given| enrolment::bind(beliefs, model, &machine, &token, &key, given));
        bound.await.map_err(|refusal| (status_of(refusal.kind()), refusal))?;
        // Bound first, then signed: a certificate that nobody remembers would be a hole.
        let who = AgentIdentity { model, machine };
        let certificate_pem = self.signer.sign(&request.csr_pem, &who).map_err(|refusal| (400, refusal))?;
        let read = self.state.read();
        let controller = read.controller().map_err(|refusal| (500, refusal))?;
        tracing::info!(%model, machine = %who.machine, version = request.agent_version, "agent enrolled");
        Ok(EnrolReply {
            certificate_pem,
            ca_cert_pem: self.signer.ca_cert_pem(),
            controller_uuid: controller.uuid.clone(),
            addresses: controller.endpoints.iter().map(|endpoint| endpoint.dial()).collect(),
        })
    }
}

fn status_of(kind: Kind) -> u16 {
    match kind {
        Kind::Unauthorized => 401,
        Kind::AlreadyExists => 409,
        Kind::NotFound | Kind::ModelNotFound => 403,
        Kind::BadRequest | Kind::NotValid => 400,
        _ => 503,
    }
}

impl Door {
    /// Whether a certificate's key is the one that the machine enrolled with (agents renew with the same key). A machine that enrolled anew
    /// makes its old certificates worthless. One that is not there any more is let in, to be told so.
    pub(super) fn is_of_enrolment(&self, who: &AgentIdentity, certificate: &[u8]) -> bool {
        use x509_parser::prelude::{FromDer, X509Certificate};
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
        self.is_bound(who, &hex(digest(&SHA256, certificate.public_key().raw).as_ref()))
    }

    /// Whether a request for a new certificate is of that key too.
    pub(super) fn may_renew(&self, who: &AgentIdentity, csr_pem: &str) -> bool {
        public_key_hash(csr_pem).is_some_and(|key| self.is_bound(who, &key))
    }

    fn is_bound(&self, who: &AgentIdentity, key: &str) -> bool {
        let read = self.state.read();
        let machine = read.models.get(&who.model).and_then(|within| within.machines.get(&who.machine));
        let enrolment = machine.and_then(|machine| machine.enrolment.as_ref());
        enrolment.is_none_or(|enrolment| enrolment.bound_key.as_deref() == Some(key))
    }
}

/// SHA-256 of the public key in a request, hex.
fn public_key_hash(csr_pem: &str) -> Option<String> {
    use x509_parser::prelude::{FromDer, X509CertificationRequest, parse_x509_pem};
    let (_, pem) = parse_x509_pem(csr_pem.as_bytes()).ok()?;
    let (_, request) = X509CertificationRequest::from_der(&pem.contents).ok()?;
    Some(hex(digest(&SHA256, request.certification_request_info.subject_pki.raw).as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
