//! What the client has to use a cloud with: its definition's address and settings, and a credential.
//! The surprise: a server of containers on this very host wants no credential; whoever may use its socket may have one made.

use base::Secret;
use client::files::BootstrapConfig;

use crate::bootstrap::{Account, SERVERS};
use crate::command::cloud::known::{self, LOCALHOST};
use crate::command::credential::local;
use crate::context::Context;
use crate::error::Result;

/// A cloud as far as it matters here.
pub struct Of<'a> {
    pub cloud: &'a str,
    pub cloud_type: &'a str,
    pub endpoint: &'a str,
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// None: such clouds are used without. `wanted` is a credential's name.
pub fn find(context: &Context, of: Of<'_>, wanted: Option<&str>) -> Result<Option<Account>> {
    if !SERVERS.contains(&of.cloud_type) {
        return Ok(None);
    }
    let empty = Account {
        endpoint: of.endpoint.to_owned(),
        config: of.config,
        name: wanted.unwrap_or(LOCALHOST).to_owned(),
        ..Account::default()
    };
    let is_made = wanted.is_none_or(|name| name == LOCALHOST);
    if of.endpoint.is_empty() && is_made && local::of_client(context, of.cloud).is_err() {
        return Ok(Some(empty));
    }
    let (name, attributes) = local::default_of(context, of.cloud, wanted)?;
    let attributes = local::expanded(context, of.cloud_type, &attributes)?;
    Ok(Some(Account {
        name,
        auth_type: attributes.auth_type().to_owned(),
        attributes: attributes.values().map(|(key, text)| (key.to_owned(), Secret::new(text))).collect(),
        ..empty
    }))
}

/// What a controller was made with, by the client's own notes.
pub fn noted(context: &Context, noted: &BootstrapConfig) -> Result<Option<Account>> {
    let definition = known::of_client(context)?.into_iter().find(|known| known.name == noted.cloud);
    let of = Of {
        cloud: &noted.cloud,
        cloud_type: &noted.cloud_type,
        endpoint: noted.endpoint.as_deref().unwrap_or_default(),
        config: definition.map(|known| known::config(&known.cloud)).unwrap_or_default(),
    };
    find(context, of, noted.credential.as_deref())
}
