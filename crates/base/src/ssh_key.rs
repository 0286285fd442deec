//! Public ssh keys as lines of an `authorized_keys` file, and the ids of people whose keys are published (`gh:bob`, `lp:bob`).
//! No options before a key: one that is not understood may be a restriction, so a line with any is no key here.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// More than the largest RSA key in use (16384 bits) and a long comment.
const LONGEST: usize = 8 << 10;
/// How the mark of a key begins that was imported; the id follows.
const IMPORTED: &str = "# ssh-import-id ";
const KINDS: [&str; 8] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// One line: kind, base64, perhaps a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey<'a> {
    /// Without blanks around it.
    pub line: &'a str,
    pub comment: Option<&'a str>,
    body: Vec<u8>,
}

impl<'a> PublicKey<'a> {
    /// None if the line is no key, or has control characters in it (a second line, above all).
    pub fn parse(line: &'a str) -> Option<PublicKey<'a>> {
        let line = line.trim();
        if line.len() > LONGEST || line.chars().any(|c| c.is_control() && c != '\t') {
            return None;
        }
        let (kind, rest) = line.split_once(char::is_whitespace)?;
        let rest = rest.trim_start();
        let (text, comment) = match rest.split_once(char::is_whitespace) {
            Some((text, comment)) => (text, Some(comment.trim()).filter(|comment| !comment.is_empty())),
            None => (rest, None),
        };
        let body = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
        let good = KINDS.contains(&kind) && parts(&body).is_some_and(|all| all.len() >= 2 && all[0] == kind.as_bytes());
        good.then_some(PublicKey { line, comment, body })
    }

    /// The key itself, by which keys are told apart: neither its kind's name nor its comment.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Whether both are the same key, whatever their comments.
    pub fn is_same(&self, other: &PublicKey<'_>) -> bool {
        self.body == other.body
    }

    /// `aa:bb:..`, MD5 of the key itself, as OpenSSH once showed it and Juju still does.
    pub fn md5(&self) -> String {
        let hex: Vec<String> = md5::compute(&self.body).0.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.join(":")
    }

    /// `SHA256:..`, as OpenSSH shows it.
    pub fn sha256(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.body)))
    }

    /// Whether `name` means this key: a fingerprint, the comment, the mark of an import at its end, or the key itself.
    pub fn is_named(&self, name: &str) -> bool {
        let name = name.trim();
        let marked = |comment: &str| name.starts_with(IMPORTED) && comment.ends_with(&format!(" {name}"));
        self.comment.is_some_and(|comment| comment == name || marked(comment))
            || self.md5() == name
            || self.sha256() == name
            || PublicKey::parse(name).is_some_and(|named| named.is_same(self))
    }
}

/// The strings that a key consists of (RFC 4253, 6.6), if nothing else is in it.
fn parts(mut body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut all = Vec::new();
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        all.push(part);
        body = rest;
    }
    Some(all)
}

/// Who publishes people's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Publisher {
    Github,
    Launchpad,
}

impl Publisher {
    pub const ALL: [Publisher; 2] = [Publisher::Github, Publisher::Launchpad];

    pub fn prefix(self) -> &'static str {
        match self {
            Publisher::Github => "gh",
            Publisher::Launchpad => "lp",
        }
    }
}

/// Whose keys: `gh:bob`, `lp:bob`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyId {
    pub publisher: Publisher,
    /// Letters, digits, `.`, `+`, `-`, `_`: nothing that means anything in an address.
    pub user: String,
}

/// Why a text is no id, in the words of the stock command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyIdError {
    #[error("{0:?} key ID not valid")]
    Invalid(String),
    #[error("prefix in Key ID {0:?} not supported, only lp: and gh: are allowed")]
    Prefix(String),
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<KeyId, KeyIdError> {
        let invalid = || KeyIdError::Invalid(text.to_owned());
        // `gh:` and one letter; the stock command counts before it looks.
        if text.len() < 4 {
            return Err(invalid());
        }
        let named = text.split_once(':').and_then(|(prefix, user)| {
            Publisher::ALL.into_iter().find(|publisher| publisher.prefix() == prefix).map(|publisher| (publisher, user))
        });
        let (publisher, user) = named.ok_or_else(|| KeyIdError::Prefix(text.to_owned()))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
        if user.len() > 100 || user.starts_with('.') || !user.chars().all(plain) {
            return Err(invalid());
        }
        Ok(KeyId { publisher, user: user.to_owned() })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.publisher.prefix(), self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXcPYjNSne8WLcXxgOVCnObMrHJExS0kQZws51BP/wr";

    #[test]
    fn a_line_is_a_key_or_it_is_not() {
        let body = KEY.split_once(' ').expect("two words").1;
        for (line, comment) in [
            (KEY.to_owned(), Some(None)),
            (format!("  {KEY} \t"), Some(None)),
            (format!("{KEY} me@home"), Some(Some("me@home"))),
            (format!("{KEY}  of: bob  and others "), Some(Some("of: bob  and others"))),
            (format!("{KEY}\tünï"), Some(Some("ünï"))),
            (format!("{KEY} a\n{KEY} b"), None),
            (format!("{KEY} a\u{0}"), None),
            (format!("{KEY} {}", "x".repeat(9000)), None),
            (format!("no-pty {KEY}"), None),
            (format!("command=\"x\" {KEY}"), None),
            (format!("ssh-rsa {body}"), None),
            (format!("ssh-ed25519-cert-v01@openssh.com {body}"), None),
            (format!("ssh-ed25519 {}", &body[..40]), None),
            (format!("ssh-ed25519 {body}!"), None),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5".into(), None),
            ("ssh-ed25519".into(), None),
            (String::new(), None),
            ("nonsense".into(), None),
        ] {
            assert_eq!(PublicKey::parse(&line).map(|key| key.comment), comment, "{line:?}");
        }
    }

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        // ssh-keygen -l -f key.pub; the same with -E md5
        let key = PublicKey::parse(KEY).expect("a key");
        assert_eq!(key.md5(), "10:8e:0f:72:ff:95:0e:70:4a:e7:be:2e:5a:16:a8:e2");
        assert_eq!(key.sha256(), "SHA256:GyxAECaiHAnY0IU2b5oWr01gAhaGXgPJi5vi+5rp7Bs");
        let commented = format!("{KEY} me@home");
        let key = PublicKey::parse(&commented).expect("a key");
        for name in [&key.md5(), &key.sha256(), "me@home", KEY, &format!("{KEY} other")] {
            assert!(key.is_named(name), "{name}");
        }
        let imported = format!("{KEY} me@home # ssh-import-id lp:me");
        let imported = PublicKey::parse(&imported).expect("a key");
        assert!(imported.is_named("# ssh-import-id lp:me") && !imported.is_named("# ssh-import-id lp:m"));
        assert!(!key.is_named("me") && !key.is_named("") && !key.is_named("ssh-ed25519"));
        assert!(!PublicKey::parse(KEY).expect("a key").is_named(""));
    }

    #[test]
    fn an_id_names_a_publisher_and_a_user() {
        for text in ["gh:bob", "lp:a", "lp:bob.b+c-d_e"] {
            assert_eq!(text.parse::<KeyId>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
        for (text, expected) in [
            ("a", r#""a" key ID not valid"#),
            ("gh:", r#""gh:" key ID not valid"#),
            ("other", r#"prefix in Key ID "other" not supported, only lp: and gh: are allowed"#),
            ("gl:bob", r#"prefix in Key ID "gl:bob" not supported, only lp: and gh: are allowed"#),
            ("GH:bob", r#"prefix in Key ID "GH:bob" not supported, only lp: and gh: are allowed"#),
            ("gh:../x", r#""gh:../x" key ID not valid"#),
            ("gh:a/b", r#""gh:a/b" key ID not valid"#),
            ("gh:a?b", r#""gh:a?b" key ID not valid"#),
            ("gh:a b", r#""gh:a b" key ID not valid"#),
        ] {
            assert_eq!(text.parse::<KeyId>().map_err(|error| error.to_string()), Err(expected.into()), "{text}");
        }
    }
}
