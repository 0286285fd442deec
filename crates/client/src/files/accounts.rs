//! `accounts.yaml`: as whom we log in (wire/protocol.md 6.4).
//!
//! The surprise: the password stands here in clear text, in a file of mode 0600, because libjuju refuses to connect
//! without it. In memory it is a `Secret`.

use base::secret::Secret;
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Document, yaml};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Accounts {
    #[serde(default, deserialize_with = "super::models::map_or_null")]
    pub controllers: IndexMap<String, Account>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// The user's name, without `user-`.
    #[serde(default)]
    pub user: String,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "reveal", deserialize_with = "conceal")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_known_access: Option<String>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

impl Document for Accounts {
    const FILE: &'static str = "accounts.yaml";

    fn order(&mut self) {
        yaml::sort(&mut self.controllers);
    }
}

fn reveal<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::reveal).serialize(serializer)
}

fn conceal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    // A password of digits is a number to YAML.
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(Secret::new(text)),
        other => Some(Secret::new(other.to_string())),
    })
}
