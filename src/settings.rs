//! What the controller's daemon is told on its disk: enough to start without its database. No secrets.

use crate::layout::Layout;
use crate::published::Addresses;
use crate::world;
use serde::{Deserialize, Serialize};
use std::io;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    pub uuid: String,
    pub name: String,
    pub api_port: u16,
    /// The cloud that it began with.
    #[serde(default)]
    pub cloud: Cloud,
    /// Names and addresses by which others know this host, beside those that it has itself; the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_as: Vec<String>,
    /// The cloud's instance that the controller is in, and that ends with it; empty: it is on a host that was there before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
    /// Where keys are published.
    #[serde(default, skip_serializing_if = "Addresses::are_default")]
    pub key_sources: Addresses,
}

/// A cloud as far as a controller has to know it before it has read its database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cloud {
    pub name: String,
    /// `builtin`, `manual`, `lxd`, `incus`.
    #[serde(rename = "type")]
    pub kind: String,
    pub region: String,
}

impl Default for Cloud {
    fn default() -> Cloud {
        Cloud { name: world::CLOUD.into(), kind: world::CLOUD.into(), region: world::REGION.into() }
    }
}

impl Settings {
    pub fn read(layout: &Layout) -> io::Result<Settings> {
        serde_json::from_slice(&std::fs::read(layout.settings())?).map_err(io::Error::other)
    }

    pub fn write(&self, layout: &Layout) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        host::files::write(&layout.settings(), &text, 0o600)
    }
}
