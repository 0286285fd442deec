//! Version numbers as Juju writes them: `3.6.28`, `3.6.28.1`, `3.6-rc1.2` (`wire/protocol.md` 5.3).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// This release. Its first two numbers name the Juju API spoken.
pub fn current_version() -> Version {
    env!("CARGO_PKG_VERSION").parse().unwrap_or(Version { major: 3, minor: 6, tag: String::new(), patch: 0, build: 0 })
}

/// A parsed version; a version without tag is newer than any tagged one of the same major and minor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    /// `rc`, `beta` ...; empty for a release.
    pub tag: String,
    pub patch: u32,
    pub build: u32,
}

/// Text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid version {0:?}")]
pub struct VersionError(pub String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Version, VersionError> {
        parse(text).ok_or_else(|| VersionError(text.to_owned()))
    }
}

fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse(text: &str) -> Option<Version> {
    let (major, rest) = text.split_once('.')?;
    let major = number(major)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let minor = number(&rest[..digits])?;
    let (tag, tail) = match rest[digits..].strip_prefix('-') {
        Some(tagged) => {
            let end = tagged.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(tagged.len());
            if end == 0 {
                return None;
            }
            (&tagged[..end], &tagged[end..])
        }
        None => ("", rest[digits..].strip_prefix('.')?),
    };
    let (patch, build) = match tail.split_once('.') {
        Some((patch, build)) => (number(patch)?, number(build)?),
        None => (number(tail)?, 0),
    };
    Some(Version { major, minor, tag: tag.to_owned(), patch, build })
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tag.is_empty() {
            true => write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?,
            false => write!(f, "{}.{}-{}{}", self.major, self.minor, self.tag, self.patch)?,
        }
        match self.build {
            0 => Ok(()),
            build => write!(f, ".{build}"),
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let tags = match (self.tag.is_empty(), other.tag.is_empty()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => self.tag.cmp(&other.tag),
        };
        (self.major, self.minor)
            .cmp(&(other.major, other.minor))
            .then(tags)
            .then((self.patch, self.build).cmp(&(other.patch, other.build)))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Version, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse_print_and_order() {
        let ordered = ["2.9.49", "3.6-beta2", "3.6-rc1", "3.6-rc1.2", "3.6.0", "3.6.28", "3.6.28.1", "4.0.15"];
        let parsed: Vec<Version> = ordered.iter().map(|t| t.parse().expect("valid")).collect();
        assert!(parsed.is_sorted());
        assert_eq!(parsed.iter().map(Version::to_string).collect::<Vec<_>>(), ordered);
        for bad in ["", "3", "3.6", "3.6.", "3.6-1", "3.6-rc", "3.6.1.2.3", "v3.6.1", "3.6.1-x"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
