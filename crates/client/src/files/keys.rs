//! The client's ssh keys, `ssh/juju_id_rsa` and its public half (wire/protocol.md 6.7).
//!
//! The surprise: RSA of 2048 bits, where the original takes 4096 and seconds; every client accepts it. The private
//! half is PKCS#1 in PEM, because the stock command and libjuju read no other form.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, RsaPrivateKey, RsaPublicKey};

use super::{Error, disk};

const BITS: usize = 2048;
const COMMENT: &str = "juju-client-key";

/// A pair on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    pub private: PathBuf,
    /// The line for `authorized_keys`.
    pub public: String,
}

/// Every pair of the folder, sorted by name; one is made when there is none.
pub fn ensure(dir: &Path) -> Result<Vec<KeyPair>, Error> {
    let pairs = load(dir)?;
    if !pairs.is_empty() {
        return Ok(pairs);
    }
    let path = dir.join("juju_id_rsa");
    let public_path = dir.join("juju_id_rsa.pub");
    let (private, public) = generate().map_err(|e| Error::Write(path.clone(), e))?;
    // The private half first: a pair is only taken for one when both are there.
    disk::replace(&path, private.as_bytes()).map_err(|e| Error::Write(path.clone(), e))?;
    disk::replace(&public_path, format!("{public}\n").as_bytes()).map_err(|e| Error::Write(public_path, e))?;
    Ok(vec![KeyPair { private: path, public }])
}

/// The pairs that are there.
pub fn load(dir: &Path) -> Result<Vec<KeyPair>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::Read(dir.to_owned(), e)),
    };
    let mut pairs = Vec::new();
    for entry in entries.flatten() {
        let public_path = entry.path();
        if public_path.extension().is_none_or(|e| e != "pub") {
            continue;
        }
        let private = public_path.with_extension("");
        if let (true, Ok(line)) = (private.is_file(), fs::read_to_string(&public_path)) {
            pairs.push(KeyPair { private, public: line.trim().to_owned() });
        }
    }
    pairs.sort_by(|a, b| a.private.cmp(&b.private));
    Ok(pairs)
}

/// What `authorized-keys` of a new model holds: the client's own keys, then the user's usual ones.
pub fn authorized(dir: &Path, home: &Path) -> Result<String, Error> {
    let mut lines: Vec<String> = ensure(dir)?.into_iter().map(|pair| pair.public).collect();
    for name in ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub", "identity.pub"] {
        if let Ok(text) = fs::read_to_string(home.join(".ssh").join(name)) {
            lines.extend(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
        }
    }
    Ok(lines.join("\n") + "\n")
}

fn generate() -> io::Result<(String, String)> {
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let key = RsaPrivateKey::new(&mut random, BITS).map_err(io::Error::other)?;
    let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(io::Error::other)?;
    Ok((pem.to_string(), public_line(&key.to_public_key())))
}

/// `ssh-rsa AAAA… comment` (RFC 4253, 6.6).
fn public_line(key: &RsaPublicKey) -> String {
    let mut blob = Vec::new();
    put(&mut blob, b"ssh-rsa");
    put(&mut blob, &positive(key.e()));
    put(&mut blob, &positive(key.n()));
    format!("ssh-rsa {} {COMMENT}", STANDARD.encode(blob))
}

fn put(blob: &mut Vec<u8>, part: &[u8]) {
    blob.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    blob.extend_from_slice(part);
}

/// Big-endian without leading zeros, but one where the number would look negative.
fn positive(number: &BoxedUint) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let digits: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
    if digits.first().is_some_and(|b| b & 0x80 != 0) {
        let mut padded = vec![0];
        padded.extend(digits);
        return padded;
    }
    digits
}
