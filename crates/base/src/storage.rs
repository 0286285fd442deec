//! Storage providers: what disks can be made of. These three every cloud has in Juju; whether a cloud gives disks of them it says itself.
//! And the disks of machines beside their root disk, as they are asked for and as a cloud made them. It makes nothing. The surprise: a provider is the name of a pool too, one without attributes that nobody made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One way to make disks.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    pub name: &'static str,
    /// Attributes that a pool of it may have, with the values that they take.
    pub attributes: &'static [(&'static str, &'static [&'static str])],
    /// Whether a volume comes first, with a file system on it; else there is the file system alone.
    pub has_volumes: bool,
}

/// In the order in which Juju lists them.
pub const PROVIDERS: &[Provider] = &[
    Provider { name: "rootfs", attributes: &[], has_volumes: false },
    Provider { name: "tmpfs", attributes: &[], has_volumes: false },
    Provider { name: "loop", attributes: &[(RESERVE, &["true", "false"])], has_volumes: true },
];

/// Of `loop`: whether the whole of a disk is taken on the host from the start (so it is unless it is `false`), or only what is written.
pub const RESERVE: &str = "reserve";

/// The pool of disks that name none.
pub const DEFAULT_POOL: &str = "loop";

/// MiB of disks that name no size.
pub const DEFAULT_SIZE: u64 = 1024;

impl Provider {
    pub fn named(name: &str) -> Option<&'static Provider> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }

    /// What is wrong with a pool's attributes, in words.
    pub fn check(&self, attributes: &BTreeMap<String, String>) -> Result<(), String> {
        for (key, value) in attributes {
            let Some((_, values)) = self.attributes.iter().find(|(known, _)| known == key) else {
                let known: Vec<&str> = self.attributes.iter().map(|(known, _)| *known).collect();
                let takes = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(format!("unknown attribute {key:?}: storage provider {:?} takes {takes}", self.name));
            };
            if !values.contains(&value.as_str()) {
                return Err(format!("attribute {key:?} cannot be {value:?}: it is one of {}", values.join(", ")));
            }
        }
        Ok(())
    }
}

/// A disk that a machine is to have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Disk {
    /// That of its volume or file system, `0/1`: the machine's, and a number that no other disk of the model has. Empty while it is only asked for.
    pub id: String,
    pub pool: String,
    /// As they were when it was asked for.
    pub provider: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// MiB.
    pub size: u64,
}

/// A disk that a cloud made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MadeDisk {
    /// See [`Disk::id`].
    pub id: String,
    /// The cloud's own name of it.
    pub provider_id: String,
    /// Where the machine has its file system mounted.
    pub mount_point: String,
}

impl Disk {
    /// `volume-0-1`.
    pub fn volume_name(&self) -> String {
        format!("volume-{}", self.id.replace('/', "-"))
    }

    /// `filesystem-0-1`.
    pub fn filesystem_name(&self) -> String {
        format!("filesystem-{}", self.id.replace('/', "-"))
    }

    /// A disk whose provider is known no more has no volume.
    pub fn has_volume(&self) -> bool {
        Provider::named(&self.provider).is_some_and(|provider| provider.has_volumes)
    }
}

/// Whether this can name a pool: letters, then letters, digits, `-` and `?` (`wire/commands-machines.md` 2.4).
pub fn is_pool_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_takes_its_own_attributes_with_their_values() {
        let check = |provider: &str, attributes: &[(&str, &str)], expected: Result<(), &str>| {
            let provider = Provider::named(provider).expect("known");
            let attributes = attributes.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            assert_eq!(provider.check(&attributes), expected.map_err(str::to_owned));
        };
        check("loop", &[], Ok(()));
        check("loop", &[("reserve", "false")], Ok(()));
        check("loop", &[("reserve", "no")], Err("attribute \"reserve\" cannot be \"no\": it is one of true, false"));
        check("loop", &[("x", "1")], Err("unknown attribute \"x\": storage provider \"loop\" takes reserve"));
        check("tmpfs", &[("x", "1")], Err("unknown attribute \"x\": storage provider \"tmpfs\" takes none"));
        assert_eq!(Provider::named("ebs"), None);
    }

    #[test]
    fn names_of_pools() {
        for (name, fits) in [("fast", true), ("ebs-ssd2", true), ("2fast", false), ("", false), ("a_b", false)] {
            assert_eq!(is_pool_name(name), fits, "{name}");
        }
    }
}
