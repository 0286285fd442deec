//! What the controller's daemon is told on its disk: enough to start without its database. No secrets.

use crate::layout::Layout;
use crate::published::Addresses;
use serde::{Deserialize, Serialize};
use std::io;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    pub uuid: String,
    pub name: String,
    pub api_port: u16,
    /// Where keys are published.
    #[serde(default, skip_serializing_if = "Addresses::are_default")]
    pub key_sources: Addresses,
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
