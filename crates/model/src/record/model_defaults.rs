//! The settings that the models of a cloud begin with, as superusers set them: for all of it, and for each of its regions.
//! The surprise: "controller" is the wire's word for those of the whole cloud (`ModelGet` gives it as a source).

use super::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub type Values = BTreeMap<String, serde_json::Value>;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ModelDefaults {
    pub controller: Values,
    /// By region; none is empty.
    pub regions: BTreeMap<String, Values>,
}

impl ModelDefaults {
    pub fn is_empty(&self) -> bool {
        self.controller.is_empty() && self.regions.is_empty()
    }

    /// What holds in a region: the cloud's, and the region's over them.
    pub fn in_region(&self, region: &str) -> Values {
        let mut all = self.controller.clone();
        all.extend(self.regions.get(region).cloned().unwrap_or_default());
        all
    }
}

impl Record for ModelDefaults {
    const NOUN: &'static str = "model defaults";
}
