//! Tags: how API calls name entities, `machine-0-lxd-1`, `user-bob@ldap` (`wire/protocol.md` 5.1).

use crate::id::{MachineId, ModelUuid, OperationId, TaskId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A parsed tag. Kinds that no machine model uses yet are not here: they fail as unknown ones do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    Machine(MachineId),
    /// Application name.
    Application(String),
    /// `application/N`.
    Unit(String),
    /// Name without `@local`.
    User(String),
    Model(ModelUuid),
    Controller(Uuid),
    /// An agent of a controller: `controller-0`.
    ControllerAgent(u64),
    Cloud(String),
    /// Cloud, owner, name.
    Credential {
        cloud: String,
        owner: String,
        name: String,
    },
    Action(TaskId),
    Operation(OperationId),
    Space(String),
    Subnet(String),
    Storage(String),
    Volume(String),
    Filesystem(String),
}

/// Text that is no tag, or one of another kind than wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    #[error("{0:?} is not a valid tag")]
    Invalid(String),
    #[error("{text:?} is not a valid {kind} tag")]
    Kind { text: String, kind: &'static str },
}

/// User names: two or more of letters, digits and `.+-`, ends alphanumeric; one optional `@domain`.
pub fn is_user_name(text: &str) -> bool {
    let part = |p: &str| {
        let bytes = p.as_bytes();
        bytes.len() >= 2
            && bytes[0].is_ascii_alphanumeric()
            && bytes[bytes.len() - 1].is_ascii_alphanumeric()
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b".+-".contains(b))
    };
    match text.split_once('@') {
        Some((name, domain)) => part(name) && part(domain),
        None => part(text),
    }
}

/// Model and controller names: `^[a-z0-9]+[a-z0-9-]*$`.
pub fn is_model_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Application names: dash-separated parts, each part after a dash with a letter in it.
pub fn is_application_name(text: &str) -> bool {
    let mut parts = text.split('-');
    let head = parts.next().unwrap_or_default();
    head.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && head.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && parts.all(|p| {
            p.bytes().any(|b| b.is_ascii_lowercase()) && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// Space names: words of letters and digits with single dashes between them.
pub fn is_space_name(text: &str) -> bool {
    text.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Tag, TagError> {
        let invalid = || TagError::Invalid(text.to_owned());
        let (kind, id) = text.split_once('-').ok_or_else(invalid)?;
        let tag = match kind {
            "machine" => machine_from_dashed(id).map(Tag::Machine),
            "application" => is_application_name(id).then(|| Tag::Application(id.to_owned())),
            "unit" => id
                .rsplit_once('-')
                .filter(|(app, n)| is_application_name(app) && n.parse::<TaskId>().is_ok())
                .map(|(app, n)| Tag::Unit(format!("{app}/{n}"))),
            "user" => user(id).map(Tag::User),
            "model" => id.parse().ok().map(Tag::Model),
            "controller" => match id.parse::<ModelUuid>() {
                Ok(uuid) => Some(Tag::Controller(uuid.0)),
                Err(_) => id.parse::<TaskId>().ok().map(|n| Tag::ControllerAgent(n.0)),
            },
            "cloud" => is_cloud_name(id).then(|| Tag::Cloud(id.to_owned())),
            "cloudcred" => credential(id),
            "action" => id.parse().ok().map(Tag::Action),
            "operation" => id.parse().ok().map(Tag::Operation),
            "space" => is_space_name(id).then(|| Tag::Space(id.to_owned())),
            "subnet" => (!id.is_empty()).then(|| Tag::Subnet(id.to_owned())),
            "storage" => {
                id.rsplit_once('-').filter(|_| !id.contains('/')).map(|(name, n)| Tag::Storage(format!("{name}/{n}")))
            }
            "volume" => (!id.is_empty()).then(|| Tag::Volume(id.replace('-', "/"))),
            "filesystem" => (!id.is_empty()).then(|| Tag::Filesystem(id.replace('-', "/"))),
            _ => None,
        };
        tag.ok_or_else(invalid)
    }
}

/// A user's name; `bob@local` is `bob`, and there is no other way to write it.
fn user(id: &str) -> Option<String> {
    let name = id.strip_suffix("@local").unwrap_or(id);
    (is_user_name(name) && !name.ends_with("@local")).then(|| name.to_owned())
}

fn machine_from_dashed(id: &str) -> Option<MachineId> {
    id.replace('-', "/").parse().ok()
}

/// `[a-zA-Z0-9][a-zA-Z0-9._-]*`
pub fn is_cloud_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// `[a-zA-Z][a-zA-Z0-9.@_+-]*`
pub fn is_credential_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".@_+-".contains(&b))
}

fn credential(id: &str) -> Option<Tag> {
    let mut parts = id.split('_').map(|p| p.replace("%5f", "_"));
    let (cloud, owner, name) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let owner = user(&owner)?;
    (is_cloud_name(&cloud) && is_credential_name(&name)).then_some(Tag::Credential { cloud, owner, name })
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tag::Machine(id) => write!(f, "machine-{}", id.dashed()),
            Tag::Application(name) => write!(f, "application-{name}"),
            Tag::Unit(name) => write!(f, "unit-{}", name.replace('/', "-")),
            Tag::User(name) => write!(f, "user-{name}"),
            Tag::Model(uuid) => write!(f, "model-{uuid}"),
            Tag::Controller(uuid) => write!(f, "controller-{}", uuid.hyphenated()),
            Tag::ControllerAgent(n) => write!(f, "controller-{n}"),
            Tag::Cloud(name) => write!(f, "cloud-{name}"),
            Tag::Credential { cloud, owner, name } => {
                let esc = |s: &str| s.replace('_', "%5f");
                write!(f, "cloudcred-{}_{}_{}", esc(cloud), esc(owner), esc(name))
            }
            Tag::Action(id) => write!(f, "action-{id}"),
            Tag::Operation(id) => write!(f, "operation-{id}"),
            Tag::Space(name) => write!(f, "space-{name}"),
            Tag::Subnet(id) => write!(f, "subnet-{id}"),
            Tag::Storage(id) => write!(f, "storage-{}", id.replace('/', "-")),
            Tag::Volume(id) => write!(f, "volume-{}", id.replace('/', "-")),
            Tag::Filesystem(id) => write!(f, "filesystem-{}", id.replace('/', "-")),
        }
    }
}

impl Tag {
    /// The machine's id, or why it is none.
    pub fn machine(text: &str) -> Result<MachineId, TagError> {
        match text.parse()? {
            Tag::Machine(id) => Ok(id),
            _ => Err(TagError::Kind { text: text.to_owned(), kind: "machine" }),
        }
    }

    /// The user's name, or why it is none.
    pub fn user(text: &str) -> Result<String, TagError> {
        match text.parse()? {
            Tag::User(name) => Ok(name),
            _ => Err(TagError::Kind { text: text.to_owned(), kind: "user" }),
        }
    }

    /// The model's UUID, or why it is none.
    pub fn model(text: &str) -> Result<ModelUuid, TagError> {
        match text.parse()? {
            Tag::Model(uuid) => Ok(uuid),
            _ => Err(TagError::Kind { text: text.to_owned(), kind: "model" }),
        }
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Tag, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_round_trip() {
        for text in [
            "machine-0",
            "machine-0-lxd-1",
            "application-mysql-k8s",
            "unit-mysql-0",
            "user-bob",
            "user-bob@ldap",
            "model-6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11",
            "controller-6a4ba1d0-3c0f-4b9e-8f53-0f7d5a2f9c11",
            "controller-0",
            "cloud-aws.x",
            "cloudcred-aws_bob@ldap_my%5fkey",
            "action-12",
            "operation-3",
            "volume-0-1",
            "storage-data-0",
        ] {
            assert_eq!(text.parse::<Tag>().map(|t| t.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("user-bob@local".parse::<Tag>(), Ok(Tag::User("bob".into())));
        for bad in [
            "",
            "machine",
            "machine-",
            "machine-x",
            "user-b",
            "user--bob",
            "unit-mysql",
            "model-x",
            "x-1",
            "user-bob@local@local",
            "storage-a/b-0",
        ] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
        assert_eq!(
            Tag::machine("user-bob").map_err(|e| e.to_string()),
            Err("\"user-bob\" is not a valid machine tag".to_owned())
        );
    }
}
