//! Operating system bases: `ubuntu@22.04`, `debian@12`, with a channel risk (`wire/protocol.md` 5.4).

use serde::{Deserialize, Serialize};
use std::fmt;

/// An operating system and its release channel. `channel` always carries a risk: `22.04/stable`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OsBase {
    pub name: String,
    pub channel: String,
}

/// Text that names no base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OsBaseError {
    #[error("expected base string to contain os and channel separated by '@'")]
    NoChannel,
    #[error("channel is malformed and has too many components {0:?}")]
    TooManyParts(String),
    #[error("risk in channel {0:?} not valid")]
    Risk(String),
    #[error("channel {0:?} not valid")]
    Channel(String),
    #[error("os {0:?} not valid")]
    Name(String),
}

impl OsBase {
    /// Checks and completes a channel: `22.04` becomes `22.04/stable`.
    pub fn new(name: &str, channel: &str) -> Result<OsBase, OsBaseError> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            return Err(OsBaseError::Name(name.to_owned()));
        }
        let (track, risk) = match channel.split_once('/') {
            Some((_, rest)) if rest.contains('/') => return Err(OsBaseError::TooManyParts(channel.to_owned())),
            Some((track, risk)) => (track, risk),
            None => (channel, "stable"),
        };
        if !["stable", "candidate", "beta", "edge"].contains(&risk) {
            return Err(OsBaseError::Risk(channel.to_owned()));
        }
        if track.is_empty() {
            return Err(OsBaseError::NoChannel);
        }
        if track.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(OsBaseError::Channel(channel.to_owned()));
        }
        Ok(OsBase { name: name.to_owned(), channel: format!("{track}/{risk}") })
    }

    /// Reads `os@channel`.
    pub fn parse(text: &str) -> Result<OsBase, OsBaseError> {
        let (name, channel) = text.split_once('@').ok_or(OsBaseError::NoChannel)?;
        OsBase::new(name, channel)
    }

    /// The channel's first part: `22.04`.
    pub fn track(&self) -> &str {
        self.channel.split('/').next().unwrap_or_default()
    }

    /// The channel as shown: without `/stable`.
    pub fn shown_channel(&self) -> &str {
        self.channel.strip_suffix("/stable").unwrap_or(&self.channel)
    }
}

impl fmt::Display for OsBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.shown_channel())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases() {
        let base = OsBase::parse("ubuntu@22.04").expect("valid");
        assert_eq!((base.channel.as_str(), base.to_string().as_str()), ("22.04/stable", "ubuntu@22.04"));
        assert_eq!(OsBase::parse("ubuntu@24.04/edge").expect("valid").to_string(), "ubuntu@24.04/edge");
        for bad in [
            "ubuntu",
            "ubuntu@",
            "@22.04",
            "ubuntu@22.04/x",
            "ubuntu@a/stable/b",
            "u b@1",
            "ubuntu@a b",
            "ubuntu@\u{1b}[m",
        ] {
            assert!(OsBase::parse(bad).is_err(), "{bad}");
        }
    }
}
