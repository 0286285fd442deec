//! The key that credentials' secret parts are sealed with, in a file beside the database: who has the one without the other has nothing.
//! It knows no credential. The surprise: a key that is missing or cannot be read stops nobody but those who want a credential opened; the
//! controller serves.

use crate::layout::Layout;
use api::{Seals, opened, sealed};
use base::chance::Chance;
use base::{Refusal, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use model::State;
use model::change::credential;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

const KEY_LEN: usize = 32;
/// What a sealed text begins with; behind it the key's mark, and nonce with sealed bytes in base64.
const FORM: &str = "v1";

/// ChaCha20-Poly1305, a random nonce for each seal, the credential's id as what is authenticated beside it.
pub struct Sealer {
    /// In words why there is none.
    key: Result<Key, String>,
    chance: Arc<dyn Chance>,
    file: String,
}

struct Key {
    key: LessSafeKey,
    /// Tells keys apart, and nothing of them.
    mark: String,
}

impl Key {
    fn of(bytes: &[u8]) -> Result<Key, String> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).map_err(|_| "it is no key".to_owned())?;
        let digest = digest(&SHA256, bytes);
        let mark = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Ok(Key { key: LessSafeKey::new(key), mark })
    }
}

impl Sealer {
    /// Reads the key's file; makes it when there is none.
    pub fn open(layout: &Layout, chance: Arc<dyn Chance>) -> Sealer {
        let file = layout.secrets_key();
        let key = match std::fs::read_to_string(&file) {
            Ok(text) => {
                STANDARD_NO_PAD.decode(text.trim()).map_err(|_| "it is no key".to_owned()).and_then(|b| Key::of(&b))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => make(&file, &*chance),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = &key {
            tracing::error!("credentials cannot be opened: {}: {why}", file.display());
        }
        Sealer { key, chance, file: file.display().to_string() }
    }

    fn key(&self) -> Result<&Key, Refusal> {
        let refused = |why: &String| Refusal::plain(format!("cannot use the key of credentials, {}: {why}", self.file));
        self.key.as_ref().map_err(refused)
    }
}

fn make(file: &Path, chance: &dyn Chance) -> Result<Key, String> {
    let mut bytes = [0u8; KEY_LEN];
    chance.fill(&mut bytes);
    let written = host::files::write(file, STANDARD_NO_PAD.encode(bytes).as_bytes(), 0o600);
    written.map_err(|error| format!("cannot be made: {error}"))?;
    Key::of(&bytes)
}

impl Seals for Sealer {
    fn seal(&self, id: &str, text: &Secret) -> Result<String, Refusal> {
        let key = self.key()?;
        let mut nonce = [0u8; NONCE_LEN];
        self.chance.fill(&mut nonce);
        let mut bytes = text.reveal().as_bytes().to_vec();
        key.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(id), &mut bytes)
            .map_err(|_| Refusal::internal("credential cannot be sealed", id))?;
        let whole = [nonce.as_slice(), &bytes].concat();
        Ok(format!("{FORM}.{}.{}", key.mark, STANDARD_NO_PAD.encode(whole)))
    }

    fn open(&self, id: &str, sealed: &str) -> Result<Secret, Refusal> {
        let key = self.key()?;
        let refused = |why: String| Refusal::plain(format!("cannot open credential {id:?}: {why}"));
        let broken = || refused("what is kept of it is broken; update the credential".into());
        let mut parts = sealed.splitn(3, '.');
        let (Some(FORM), Some(mark), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(broken());
        };
        if mark != key.mark {
            let file = &self.file;
            return Err(refused(format!(
                "it was sealed with another key than that in {file}; put that key back, or update the credential"
            )));
        }
        let mut bytes = STANDARD_NO_PAD.decode(text).map_err(|_| broken())?;
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let clear = key.key.open_in_place(nonce, Aad::from(id), rest).map_err(|_| broken())?;
        String::from_utf8(clear.to_vec()).map(Secret::new).map_err(|_| broken())
    }
}

/// Seals what an earlier release left in clear. What cannot be sealed now is read as it is, and tried again at the next start.
pub async fn seal_old(state: &State, seals: &dyn Seals) {
    let read = state.read();
    for (id, one) in read.credentials.iter().filter(|(_, one)| !one.attributes.is_empty()) {
        let done = match opened(seals, one).and_then(|clear| sealed(seals, &one.id(), &clear)) {
            Ok(text) => {
                let seal = |beliefs: &model::Beliefs, given: model::Given<'_>| {
                    credential::seal(beliefs, id, &text, one.revision, given)
                };
                state.change(seal).await
            }
            Err(refusal) => Err(refusal),
        };
        match done {
            Ok(()) => tracing::info!(credential = one.id(), "credential sealed"),
            Err(refusal) => tracing::warn!(credential = one.id(), "credential not sealed: {}", refusal.words()),
        }
    }
}

#[cfg(test)]
mod tests;
