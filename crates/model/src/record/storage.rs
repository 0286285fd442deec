//! A model's storage pools: names for a provider with some attributes. Those that every model has, one for each provider, are not kept.
//! The surprise: all are one record. There are few, and they are read together.

use super::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pools(pub BTreeMap<String, Pool>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pool {
    /// One of `base::storage::PROVIDERS`.
    pub provider: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl Record for Pools {
    const NOUN: &'static str = "storage pools";
}
