//! A model's settings as its users set them (not the defaults: those are in `crate::settings`), and its constraints.

use super::Record;
use base::Constraints;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, serde_json::Value>);

impl Record for Settings {
    const NOUN: &'static str = "settings";
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelConstraints(pub Constraints);

impl Record for ModelConstraints {
    const NOUN: &'static str = "constraints";
}
