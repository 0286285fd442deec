//! The text that `add-user` gives and `register` takes: who, where, and with which key (`wire/protocol.md` 6.8).
//!
//! It speaks to nobody. The surprise: zero bytes follow the structure, so that its base64 ends without `=`.

use base::Secret;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE as ENCODED;
use thiserror::Error;

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
/// A token is a line that people pass on.
const LONGEST: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Without `user-`.
    pub user: String,
    /// `host:port`.
    pub addresses: Vec<String>,
    /// The key that opens the exchange; 32 bytes, of servers that say none fewer.
    pub key: Vec<u8>,
    /// What the one who gave it calls the controller.
    pub controller: String,
    /// YAML; empty for controllers on machines.
    pub proxy: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadToken {
    /// In the words that users of the stock command know.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    #[error("it is cut off, or not a registration token at all")]
    Structure,
}

impl Registration {
    pub fn token(&self) -> Secret {
        let text = |all: &mut Vec<u8>, text: &str| put(all, kind(text), text.as_bytes());
        let (mut addresses, mut all) = (Vec::new(), Vec::new());
        self.addresses.iter().for_each(|address| text(&mut addresses, address));
        text(&mut all, &self.user);
        put(&mut all, SEQUENCE, &addresses);
        put(&mut all, OCTETS, &self.key);
        text(&mut all, &self.controller);
        text(&mut all, &self.proxy);
        let mut der = Vec::new();
        put(&mut der, SEQUENCE, &all);
        der.resize(der.len().next_multiple_of(3), 0);
        Secret::new(ENCODED.encode(der))
    }

    pub fn read(token: &str) -> Result<Registration, BadToken> {
        if token.len() > LONGEST {
            return Err(BadToken::Structure);
        }
        let der = ENCODED.decode(token).map_err(|_| BadToken::Base64(first_bad(token)))?;
        let mut rest = Reader(&der);
        let mut all = Reader(rest.take(&[SEQUENCE])?);
        let user = all.text()?;
        let mut list = Reader(all.take(&[SEQUENCE])?);
        let mut addresses = Vec::new();
        while !list.0.is_empty() {
            addresses.push(list.text()?);
        }
        let key = all.take(&[OCTETS])?.to_vec();
        Ok(Registration { user, addresses, key, controller: all.text()?, proxy: all.text()? })
    }
}

/// Where the text stops being base64: a character that is none, or the group that is not whole.
fn first_bad(token: &str) -> usize {
    let known = |byte: u8| URL_SAFE.as_str().as_bytes().contains(&byte) || byte == b'=';
    token.bytes().position(|byte| !known(byte)).unwrap_or(token.len() / 4 * 4)
}

/// As the stock command's encoder chooses.
fn kind(text: &str) -> u8 {
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    if text.bytes().all(printable) { PRINTABLE } else { UTF8 }
}

fn put(all: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    all.push(kind);
    match u8::try_from(bytes.len()) {
        Ok(short @ ..0x80) => all.push(short),
        _ => {
            let length = bytes.len().to_be_bytes();
            let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            all.push(0x80 | digits.len() as u8);
            all.extend(digits);
        }
    }
    all.extend_from_slice(bytes);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, kinds: &[u8]) -> Result<&'a [u8], BadToken> {
        let (kind, rest) = self.0.split_first().ok_or(BadToken::Structure)?;
        let (first, rest) = rest.split_first().ok_or(BadToken::Structure)?;
        if !kinds.contains(kind) {
            return Err(BadToken::Structure);
        }
        let (length, rest) = match first {
            short @ ..0x80 => (usize::from(*short), rest),
            long => {
                let digits = usize::from(long & 0x7f);
                let (digits, rest) =
                    rest.split_at_checked(digits).filter(|_| (1..=3).contains(&digits)).ok_or(BadToken::Structure)?;
                (digits.iter().fold(0, |all, digit| all << 8 | usize::from(*digit)), rest)
            }
        };
        let (taken, rest) = rest.split_at_checked(length).ok_or(BadToken::Structure)?;
        self.0 = rest;
        Ok(taken)
    }

    fn text(&mut self) -> Result<String, BadToken> {
        String::from_utf8(self.take(&[PRINTABLE, UTF8])?.to_vec()).map_err(|_| BadToken::Structure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bob() -> Registration {
        Registration {
            user: "bob".into(),
            addresses: vec!["127.0.0.1:17080".into()],
            key: (0..32).collect(),
            controller: "lab".into(),
            proxy: String::new(),
        }
    }

    /// Tokens that the stock command printed.
    #[test]
    fn tokens_are_the_stock_commands() {
        let token = "MEETA2JvYjAREw8xMjcuMC4wLjE6MTcwODAEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fEwNsYWITAAAA";
        let outside =
            "MEUMB2JvYkBleHQwERMPMTI3LjAuMC4xOjE3MDgwBCAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHxMDbGFiEwAA";
        let no_key = "MCETA2JvYjAREw8xMjcuMC4wLjE6MTcwODAEABMDbGFiEwAA";
        for (expected, token) in [
            (bob(), token),
            (Registration { user: "bob@ext".into(), ..bob() }, outside),
            (Registration { key: Vec::new(), ..bob() }, no_key),
        ] {
            assert_eq!(expected.token().reveal(), token);
            assert_eq!(Registration::read(token), Ok(expected));
        }
        let long = Registration { controller: "x".repeat(300), addresses: vec!["h:1".into(); 90], ..bob() };
        assert_eq!(Registration::read(long.token().reveal()), Ok(long));
    }

    #[test]
    fn what_is_no_token_is_told() {
        let token = bob().token();
        let token = token.reveal();
        assert_eq!(Registration::read("xxx"), Err(BadToken::Base64(0)));
        assert_eq!(Registration::read("ab?c"), Err(BadToken::Base64(2)));
        for bad in ["", "AAAA", "MIT_____", &token[..token.len() - 8], &"A".repeat(LONGEST + 1)] {
            assert_eq!(Registration::read(bad), Err(BadToken::Structure), "{bad}");
        }
    }
}
