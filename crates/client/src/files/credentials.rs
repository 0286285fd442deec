//! `credentials.yaml`: secrets for clouds, in clear text as the original keeps them (wire/protocol.md 6.5).

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Document;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Credentials {
    #[serde(default, deserialize_with = "super::models::map_or_null")]
    pub credentials: IndexMap<String, CloudCredentials>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CloudCredentials {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_credential: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_region: Option<String>,
    /// By name; each a map of `auth-type` and attributes.
    #[serde(flatten)]
    pub named: IndexMap<String, Attributes>,
}

/// The attributes of one credential. Does not print what it holds.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq)]
#[serde(transparent)]
pub struct Attributes(pub IndexMap<String, Value>);

impl Attributes {
    pub fn auth_type(&self) -> &str {
        self.0.get("auth-type").and_then(Value::as_str).unwrap_or("")
    }

    /// Every attribute but the type, as text.
    pub fn values(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().filter(|(name, _)| *name != "auth-type").map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), text)
        })
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Document for Credentials {
    const FILE: &'static str = "credentials.yaml";
}
