//! What a new machine is given to prove itself with: its enrolment token, and its ssh host keys.
//! It must not store anything. The surprise: both are derived, by HMAC from one secret of the controller and the machine's name. So a start
//! that is asked again after a crash gives the same instance the same secrets, and no record holds any of them.

use std::sync::Arc;

use base::{MachineId, ModelUuid, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};

/// The secret that machines' first secrets are derived from.
#[derive(Clone)]
pub struct Root(hmac::Key);

impl Root {
    /// From at least 32 unpredictable bytes that outlive restarts (the CA's private key will do).
    pub fn new(secret: &[u8]) -> Root {
        Root(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    fn derive(&self, what: &str, model: ModelUuid, machine: &MachineId) -> [u8; 32] {
        let tag = hmac::sign(&self.0, format!("grigri {what} {model} {machine}").as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(tag.as_ref());
        out
    }

    /// A machine's enrolment token.
    pub fn token(&self, model: ModelUuid, machine: &MachineId) -> Secret {
        Secret::new(hex(&self.derive("enrolment token", model, machine)))
    }

    /// What a host that is to be this machine fetches the agent's program with.
    pub fn ticket(&self, model: ModelUuid, machine: &MachineId) -> String {
        hex(&self.derive("program ticket", model, machine))
    }

    /// A machine's ssh host keys; of one kind, which every ssh of the last ten years speaks.
    pub fn host_keys(&self, model: ModelUuid, machine: &MachineId) -> Vec<cloud::HostKey> {
        let seed = self.derive("ssh host key ed25519", model, machine);
        ed25519(&seed, &cloud::instance_name(&model.to_string(), machine.as_str())).into_iter().collect()
    }
}

/// SHA-256 of a token, hex: what the enrolment record holds.
pub fn token_hash(token: &Secret) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, token.reveal().as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An Ed25519 key pair in OpenSSH's forms (openssh/PROTOCOL.key): `None` never happens for 32 bytes.
fn ed25519(seed: &[u8; 32], comment: &str) -> Option<cloud::HostKey> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    let public = pair.public_key().as_ref();
    let blob = [string(b"ssh-ed25519"), string(public)].concat();
    // The two check numbers must be equal, no more; they are taken from the public key so that the file is always the same.
    let check = &public[..4];
    let mut private = [
        check,
        check,
        &string(b"ssh-ed25519"),
        &string(public),
        &string(&[seed.as_slice(), public].concat()),
        &string(comment.as_bytes()),
    ]
    .concat();
    let missing = (8 - private.len() % 8) % 8;
    private.extend((1..=missing).filter_map(|n| u8::try_from(n).ok()));
    let whole = [
        b"openssh-key-v1\0".as_slice(),
        &string(b"none"),
        &string(b"none"),
        &string(b""),
        &1u32.to_be_bytes(),
        &string(&blob),
        &string(&private),
    ]
    .concat();
    Some(cloud::HostKey {
        kind: "ed25519".into(),
        public: format!("ssh-ed25519 {} {comment}", STANDARD.encode(blob)),
        private: Arc::from(pem(&whole)),
    })
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), bytes].concat()
}

fn pem(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(70).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> (ModelUuid, MachineId) {
        ("6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse().expect("valid"), MachineId::top(0))
    }

    #[test]
    fn secrets_are_the_same_again_and_different_for_each() {
        let (model, id) = machine();
        let (a, b) = (Root::new(&[7; 32]), Root::new(&[8; 32]));
        assert_eq!(a.token(model, &id), a.token(model, &id));
        assert_ne!(a.token(model, &id), b.token(model, &id));
        assert_ne!(a.token(model, &id), a.token(model, &MachineId::top(1)));
        assert_ne!(a.host_keys(model, &id)[0].public, a.host_keys(model, &MachineId::top(1))[0].public);
        assert_eq!(token_hash(&a.token(model, &id)).len(), 64);
    }

    #[test]
    fn host_keys_are_what_openssh_reads() {
        let (model, id) = machine();
        let key = &Root::new(&[7; 32]).host_keys(model, &id)[0];
        // The public half alone is checked here; `ssh-keygen -y` checks the private one where there is one.
        assert!(key.public.starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"), "{}", key.public);
        assert!(key.public.ends_with(" juju-2f9c11-0"));
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        std::fs::write(&path, key.private.as_bytes()).expect("written");
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("mode");
        let Ok(said) = std::process::Command::new("ssh-keygen").arg("-yf").arg(&path).output() else { return };
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), key.public);
    }
}
