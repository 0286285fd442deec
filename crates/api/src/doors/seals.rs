//! What closes and opens the secret parts of credentials, so that the store never has them in clear.
//! It knows no cipher. The surprise: a seal belongs to the credential's id, so that one moved to another record does not open.

use base::{Refusal, Secret};
use model::record::credential::Credential;
use std::collections::BTreeMap;

/// A credential's attributes in clear.
pub type Attributes = BTreeMap<String, Secret>;

pub trait Seals: Send + Sync + 'static {
    /// `id`: `<cloud>/<owner>/<name>`.
    fn seal(&self, id: &str, text: &Secret) -> Result<String, Refusal>;

    /// Refused in plain words when the key is gone, or is another than the one that sealed it.
    fn open(&self, id: &str, sealed: &str) -> Result<Secret, Refusal>;
}

/// The sealed attributes of a credential; of none, nothing.
pub fn sealed(seals: &dyn Seals, id: &str, attributes: &Attributes) -> Result<String, Refusal> {
    if attributes.is_empty() {
        return Ok(String::new());
    }
    let text =
        serde_json::to_string(attributes).map_err(|cause| Refusal::internal("credential cannot be kept", cause))?;
    seals.seal(id, &Secret::new(text))
}

/// The attributes of a credential, be they sealed or of a release that did not seal.
pub fn opened(seals: &dyn Seals, credential: &Credential) -> Result<Attributes, Refusal> {
    if credential.sealed.is_empty() {
        return Ok(credential.attributes.clone());
    }
    let text = seals.open(&credential.id(), &credential.sealed)?;
    // The cause would quote what it could not read.
    serde_json::from_str(text.reveal()).map_err(|_| Refusal::internal("credential cannot be read", credential.id()))
}

/// Seals nothing: for controllers whose store is a test's memory.
pub struct Clear;

impl Seals for Clear {
    fn seal(&self, id: &str, text: &Secret) -> Result<String, Refusal> {
        Ok(format!("{id} {}", text.reveal()))
    }

    fn open(&self, id: &str, sealed: &str) -> Result<Secret, Refusal> {
        let text = sealed.strip_prefix(id).and_then(|rest| rest.strip_prefix(' '));
        text.map(Secret::new).ok_or_else(|| Refusal::plain(format!("cannot open credential {id:?}")))
    }
}
