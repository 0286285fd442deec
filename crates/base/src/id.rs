//! Ids of things: machines (`0`, `0/lxd/1`), models (UUID), tasks and operations (decimal).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A text that is no id of the kind wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}")]
pub struct IdError {
    pub kind: &'static str,
    pub text: String,
}

/// `N` or `N/<type>/N...`: a machine, or a container on a machine. Ordered as people count: 2 before 10.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MachineId(String);

impl MachineId {
    /// The top-level machine numbered `n`.
    pub fn top(n: u64) -> MachineId {
        MachineId(n.to_string())
    }

    /// The container numbered `n` of type `kind` on this machine.
    pub fn container(&self, kind: &str, n: u64) -> MachineId {
        MachineId(format!("{}/{kind}/{n}", self.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The machine that this container is on.
    pub fn parent(&self) -> Option<MachineId> {
        let (rest, _) = self.0.rsplit_once('/')?;
        let (parent, _) = rest.rsplit_once('/')?;
        Some(MachineId(parent.to_owned()))
    }

    /// `lxd` and the like; `None` for a top-level machine.
    pub fn container_type(&self) -> Option<&str> {
        let (rest, _) = self.0.rsplit_once('/')?;
        rest.rsplit_once('/').map(|(_, kind)| kind)
    }

    /// With `-` for `/`, as in tags and host names.
    pub fn dashed(&self) -> String {
        self.0.replace('/', "-")
    }

    fn parts(&self) -> impl Iterator<Item = (u64, &str)> {
        self.0.split('/').map(|p| (p.parse().unwrap_or(u64::MAX), p))
    }
}

fn is_number(text: &str) -> bool {
    text == "0"
        || (text.len() <= 18 && !text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
}

impl FromStr for MachineId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<MachineId, IdError> {
        let parts: Vec<&str> = text.split('/').collect();
        let good = parts.len() % 2 == 1
            && parts.iter().enumerate().all(|(i, part)| match i % 2 {
                0 => is_number(part),
                _ => !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()),
            });
        match good {
            true => Ok(MachineId(text.to_owned())),
            false => Err(IdError { kind: "machine id", text: text.to_owned() }),
        }
    }
}

impl Ord for MachineId {
    fn cmp(&self, other: &MachineId) -> std::cmp::Ordering {
        self.parts().cmp(other.parts())
    }
}

impl PartialOrd for MachineId {
    fn partial_cmp(&self, other: &MachineId) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A model's UUID; prints lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelUuid(pub Uuid);

impl ModelUuid {
    /// The last six hexadecimal digits, which name instances.
    pub fn short(&self) -> String {
        let text = self.to_string();
        text[text.len() - 6..].to_owned()
    }
}

impl FromStr for ModelUuid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<ModelUuid, IdError> {
        let bad = || IdError { kind: "model UUID", text: text.to_owned() };
        // Uuid reads braces, URNs and undashed forms too; Juju's paths and tags know only the dashed one.
        if text.len() != 36 || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(bad());
        }
        Uuid::try_parse(text).map(ModelUuid).map_err(|_| bad())
    }
}

/// A task's number: unique in its model, shared with operations' numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// An operation's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u64);

macro_rules! number_id {
    ($type:ident, $kind:literal) => {
        impl FromStr for $type {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$type, IdError> {
                match is_number(text).then(|| text.parse()) {
                    Some(Ok(n)) => Ok($type(n)),
                    _ => Err(IdError { kind: $kind, text: text.to_owned() }),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number_id!(TaskId, "task id");
number_id!(OperationId, "operation id");

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ModelUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl fmt::Debug for ModelUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! text_serde {
    ($($type:ident),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

text_serde!(MachineId, ModelUuid, TaskId, OperationId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_ids() {
        for good in ["0", "10", "0/lxd/1", "0/lxd/1/kvm/22"] {
            assert_eq!(good.parse::<MachineId>().map(|m| m.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "01", "-1", "0/", "0/lxd", "0/LXD/1", "0/lxd/01", "a", "0//1", "99999999999999999999"] {
            assert!(bad.parse::<MachineId>().is_err(), "{bad}");
        }
        let id: MachineId = "0/lxd/1".parse().expect("valid");
        assert_eq!(id.parent(), Some(MachineId::top(0)));
        assert_eq!(id.container_type(), Some("lxd"));
        assert_eq!(id.dashed(), "0-lxd-1");
        let mut ids: Vec<MachineId> =
            ["10", "2", "0/lxd/10", "0/lxd/9", "0"].iter().map(|t| t.parse().expect("valid")).collect();
        ids.sort();
        assert_eq!(format!("{ids:?}"), "[0, 0/lxd/9, 0/lxd/10, 2, 10]");
    }

    #[test]
    fn model_uuids() {
        assert!("6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11".parse::<ModelUuid>().is_ok());
        for bad in ["6A4BA1D0-3C0F-4B9E-8F53-0F7D5A2F9C11", "6a4ba1d03c0f4b9e8f530f7d5a2f9c11", "nope"] {
            assert!(bad.parse::<ModelUuid>().is_err(), "{bad}");
        }
    }
}
