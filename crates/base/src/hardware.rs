//! What a machine turned out to have, and its one-line text (`wire/protocol.md` 5.6, last paragraph).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Hardware of an instance. Sizes are in MiB; absent means not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Hardware {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_cores: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_power: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_disk: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_disk_source: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virt_type: Option<String>,
}

fn quoted(text: &str) -> String {
    match text.contains([' ', ',']) {
        true => format!("{text:?}"),
        false => text.to_owned(),
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut word = |key: &str, value: Option<String>| parts.extend(value.map(|v| format!("{key}={v}")));
        word("arch", self.arch.as_deref().map(quoted));
        word("cores", self.cpu_cores.map(|n| n.to_string()));
        word("cpu-power", self.cpu_power.map(|n| n.to_string()));
        word("mem", self.mem.map(|n| format!("{n}M")));
        word("root-disk", self.root_disk.map(|n| format!("{n}M")));
        word("root-disk-source", self.root_disk_source.as_deref().map(quoted));
        word("tags", (!self.tags.is_empty()).then(|| self.tags.join(",")));
        word("availability-zone", self.availability_zone.as_deref().map(quoted));
        word("virt-type", self.virt_type.as_deref().map(quoted));
        f.write_str(&parts.join(" "))
    }
}
