//! Constraints: what a machine must have, as text, as JSON, merged (`wire/protocol.md` 5.6).
//! The surprise: absent and empty differ. `mem=` is a value (zero) that overrides a model's default.

use serde::{Deserialize, Serialize};
use std::fmt;

/// All keys optional; sizes in MiB. JSON form is Juju's; `null` reads as absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Constraints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_power: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_disk: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_disk_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spaces: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virt_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocate_public_ip: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
}

/// Text that is no constraint set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintsError {
    #[error("malformed constraint {0:?}")]
    Malformed(String),
    #[error("unknown constraint {0:?}")]
    Unknown(String),
    #[error("bad {key:?} constraint: {why}")]
    Bad { key: String, why: String },
}

/// Architectures that Juju knows.
pub const ARCHES: [&str; 5] = ["amd64", "arm64", "ppc64el", "riscv64", "s390x"];

impl Constraints {
    /// Reads `key=value` words separated by blanks; a blank inside a value is written `\ `.
    pub fn parse(text: &str) -> Result<Constraints, ConstraintsError> {
        let mut found = Constraints::default();
        for word in words(text) {
            found.set_word(&word)?;
        }
        Ok(found)
    }

    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Constraints::default()
    }

    /// These, with what they do not name taken from `fallback`.
    pub fn or(self, fallback: &Constraints) -> Constraints {
        let f = fallback.clone();
        Constraints {
            arch: self.arch.or(f.arch),
            container: self.container.or(f.container),
            cores: self.cores.or(f.cores),
            cpu_power: self.cpu_power.or(f.cpu_power),
            instance_role: self.instance_role.or(f.instance_role),
            instance_type: self.instance_type.or(f.instance_type),
            mem: self.mem.or(f.mem),
            root_disk: self.root_disk.or(f.root_disk),
            root_disk_source: self.root_disk_source.or(f.root_disk_source),
            tags: self.tags.or(f.tags),
            spaces: self.spaces.or(f.spaces),
            virt_type: self.virt_type.or(f.virt_type),
            zones: self.zones.or(f.zones),
            allocate_public_ip: self.allocate_public_ip.or(f.allocate_public_ip),
            image_id: self.image_id.or(f.image_id),
        }
    }

    fn set_word(&mut self, word: &str) -> Result<(), ConstraintsError> {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) if !key.is_empty() => (key, value),
            _ => return Err(ConstraintsError::Malformed(word.to_owned())),
        };
        let bad = |why: String| ConstraintsError::Bad { key: key.to_owned(), why };
        let twice = || bad("already set".to_owned());
        let text = || value.to_owned();
        // Printed before another word it would join the two.
        if value.split(',').any(|part| part.trim_end().ends_with('\\')) {
            return Err(bad("must not end with a backslash".to_owned()));
        }
        match key {
            "arch" if !value.is_empty() && !ARCHES.contains(&value) => {
                return Err(bad(format!("{value:?} not recognized")));
            }
            "arch" => put(&mut self.arch, text()),
            "container" => put(&mut self.container, text()),
            "cores" | "cpu-cores" => put(&mut self.cores, whole(value).map_err(bad)?),
            "cpu-power" => put(&mut self.cpu_power, whole(value).map_err(bad)?),
            "instance-role" => put(&mut self.instance_role, text()),
            "instance-type" => put(&mut self.instance_type, text()),
            "mem" => put(&mut self.mem, size_mib(value).map_err(bad)?),
            "root-disk" => put(&mut self.root_disk, size_mib(value).map_err(bad)?),
            "root-disk-source" => put(&mut self.root_disk_source, text()),
            "tags" => put(&mut self.tags, list(value)),
            "spaces" => put(&mut self.spaces, list(value)),
            "virt-type" => put(&mut self.virt_type, text()),
            "zones" => put(&mut self.zones, list(value)),
            "allocate-public-ip" => match value {
                "" | "0" | "f" | "F" | "false" | "False" | "FALSE" => put(&mut self.allocate_public_ip, false),
                "1" | "t" | "T" | "true" | "True" | "TRUE" => put(&mut self.allocate_public_ip, true),
                _ => return Err(bad("must be 'true' or 'false'".to_owned())),
            },
            "image-id" => put(&mut self.image_id, text()),
            _ => return Err(ConstraintsError::Unknown(key.to_owned())),
        }
        .ok_or_else(twice)
    }
}

/// Fills an empty place; `None` when it is taken.
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.is_none().then(|| *place = Some(value))
}

fn words(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&' ') => {
                chars.next();
                push(&mut found, ' ');
            }
            c if c.is_whitespace() => found.push(String::new()),
            c => push(&mut found, c),
        }
    }
    found.retain(|w| !w.is_empty());
    found
}

fn push(found: &mut [String], c: char) {
    if let Some(last) = found.last_mut() {
        last.push(c);
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

fn whole(value: &str) -> Result<u64, String> {
    match value {
        "" => Ok(0),
        _ => value.parse().map_err(|_| "must be a non-negative integer".to_owned()),
    }
}

/// A size in MiB from `512`, `512M`, `1.5G`, `2T`, `1P`; rounded up.
pub fn size_mib(value: &str) -> Result<u64, String> {
    let bad = || "must be a non-negative float with optional M/G/T/P suffix".to_owned();
    if value.is_empty() {
        return Ok(0);
    }
    let (digits, factor) = match value.as_bytes()[value.len() - 1] {
        b'M' => (&value[..value.len() - 1], 1.0),
        b'G' => (&value[..value.len() - 1], 1024.0),
        b'T' => (&value[..value.len() - 1], 1024.0 * 1024.0),
        b'P' => (&value[..value.len() - 1], 1024.0 * 1024.0 * 1024.0),
        _ => (value, 1.0),
    };
    let number: f64 = digits.parse().map_err(|_| bad())?;
    let size = (number * factor).ceil();
    match number.is_finite() && number >= 0.0 && size < 2f64.powi(53) {
        true => Ok(size as u64),
        false => Err(bad()),
    }
}

impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut word = |key: &str, value: Option<String>| {
            parts.extend(value.map(|v| format!("{key}={}", v.replace(' ', "\\ "))));
        };
        let size = |n: &Option<u64>| n.map(|n| if n == 0 { String::new() } else { format!("{n}M") });
        let count = |n: &Option<u64>| n.map(|n| if n == 0 { String::new() } else { n.to_string() });
        let joined = |l: &Option<Vec<String>>| l.as_ref().map(|l| l.join(","));
        word("arch", self.arch.clone());
        word("container", self.container.clone());
        word("cores", count(&self.cores));
        word("cpu-power", count(&self.cpu_power));
        word("instance-role", self.instance_role.clone());
        word("instance-type", self.instance_type.clone());
        word("mem", size(&self.mem));
        word("root-disk", size(&self.root_disk));
        word("root-disk-source", self.root_disk_source.clone());
        word("tags", joined(&self.tags));
        word("spaces", joined(&self.spaces));
        word("virt-type", self.virt_type.clone());
        word("zones", joined(&self.zones));
        word("allocate-public-ip", self.allocate_public_ip.map(|b| b.to_string()));
        word("image-id", self.image_id.clone());
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = Constraints::parse(text).map_or_else(|e| e.to_string(), |c| c.to_string());
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn text_forms() {
        check("", "");
        check("mem=8G cores=2", "cores=2 mem=8192M");
        check("mem=0.5G cpu-cores=1", "cores=1 mem=512M");
        check("mem= arch=arm64", "arch=arm64 mem=");
        check("zones=a,b\u{20}tags=x,^y", "tags=x,^y zones=a,b");
        check("instance-type=a\\ b", "instance-type=a\\ b");
        check("mem=1 mem=2", "bad \"mem\" constraint: already set");
        check("mem=-1", "bad \"mem\" constraint: must be a non-negative float with optional M/G/T/P suffix");
        check("mem=1e400G", "bad \"mem\" constraint: must be a non-negative float with optional M/G/T/P suffix");
        check("cores=x", "bad \"cores\" constraint: must be a non-negative integer");
        check("colour=red", "unknown constraint \"colour\"");
        check("mem", "malformed constraint \"mem\"");
        check("image-id= zones=a\\", "bad \"zones\" constraint: must not end with a backslash");
        check("arch=vax", "bad \"arch\" constraint: \"vax\" not recognized");
    }

    #[test]
    fn merging_keeps_what_is_set_even_when_empty() {
        let own = Constraints::parse("mem= cores=2").expect("valid");
        let model = Constraints::parse("mem=4G arch=amd64").expect("valid");
        assert_eq!(own.or(&model).to_string(), "arch=amd64 cores=2 mem=");
    }
}
