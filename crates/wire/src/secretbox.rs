//! NaCl's `crypto_secretbox`: XSalsa20 and Poly1305, as registration and macaroons have it (`wire/protocol.md` 3.7, 6.8).
//!
//! The ciphers are a library's; what stands here is how they are put together. The surprise: the first block of the key stream is the
//! authenticator's key, and no text is ever under it.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};

pub const KEY: usize = 32;
pub const NONCE: usize = 24;
const TAG: usize = 16;
/// Bytes of the key stream that are the authenticator's.
const HEAD: usize = 32;

/// The box of `text`: 16 bytes longer. A key may see a nonce once.
pub fn seal(key: &[u8; KEY], nonce: &[u8; NONCE], text: &[u8]) -> Vec<u8> {
    let mut stream = vec![0u8; HEAD + text.len()];
    stream[HEAD..].copy_from_slice(text);
    XSalsa20::new(key.into(), nonce.into()).apply_keystream(&mut stream);
    let (head, sealed) = stream.split_at(HEAD);
    let mut out = tag(head, sealed).to_vec();
    out.extend_from_slice(sealed);
    out
}

/// The text of a box; nothing when it is another key's, or not as it was made.
pub fn open(key: &[u8; KEY], nonce: &[u8; NONCE], boxed: &[u8]) -> Option<Vec<u8>> {
    let (given, sealed) = boxed.split_at_checked(TAG)?;
    let mut stream = vec![0u8; HEAD + sealed.len()];
    stream[HEAD..].copy_from_slice(sealed);
    XSalsa20::new(key.into(), nonce.into()).apply_keystream(&mut stream);
    let (head, text) = stream.split_at(HEAD);
    same(&tag(head, sealed), given).then(|| text.to_vec())
}

/// Compares bytes of one length, and takes no less time when they differ early.
pub(crate) fn same(ours: &[u8], theirs: &[u8]) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).fold(0, |all, (ours, theirs)| all | (ours ^ theirs)) == 0
}

fn tag(head: &[u8], sealed: &[u8]) -> [u8; TAG] {
    let mut key = [0u8; HEAD];
    key.copy_from_slice(head);
    Poly1305::new(&key.into()).compute_unpadded(sealed).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// What the stock command sent with a token whose key is 0, 1, 2 ... 31.
    #[test]
    fn a_box_of_the_stock_command_opens() {
        let key: [u8; KEY] = std::array::from_fn(|at| at as u8);
        let read = |text: &str| STANDARD.decode(text).expect("base64");
        let nonce: [u8; NONCE] = read("vu6Frd/VRxjvWS7GkuOyiF9Mb2zV4ccF").try_into().expect("24 bytes");
        let boxed = read("Df4G+Abav0tkK4dYlHvAID0hSk+yS3cyeYas2h7/DvnL");
        assert_eq!(open(&key, &nonce, &boxed).as_deref(), Some(&br#"{"password":"pw"}"#[..]));
        assert_eq!(seal(&key, &nonce, br#"{"password":"pw"}"#), boxed);
        for at in 0..boxed.len() {
            let mut torn = boxed.clone();
            torn[at] ^= 1;
            assert_eq!(open(&key, &nonce, &torn), None, "byte {at}");
        }
        assert_eq!(open(&key, &nonce, &boxed[..15]), None);
        assert_eq!(open(&[7; KEY], &nonce, &boxed), None);
    }
}
