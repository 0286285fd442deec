//! `models.yaml`: the models each controller was last seen with (wire/protocol.md 6.3). A cache: the controller
//! knows better.
//!
//! The surprise: `branch` is written empty for a new model, because the 3.6 command does so.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Document, yaml};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Models {
    #[serde(default, deserialize_with = "map_or_null")]
    pub controllers: IndexMap<String, ControllerModels>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
pub struct ControllerModels {
    /// By qualified name, `owner/model`.
    #[serde(default, deserialize_with = "map_or_null")]
    pub models: IndexMap<String, Model>,
    #[serde(rename = "current-model", default, skip_serializing_if = "Option::is_none")]
    pub current_model: Option<String>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq)]
pub struct Model {
    #[serde(default)]
    pub uuid: String,
    /// `iaas` or `caas`.
    #[serde(rename = "type", default)]
    pub model_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
}

impl ControllerModels {
    /// A model that is no more; nothing is current after it.
    pub fn forget(&mut self, name: &str) {
        self.models.shift_remove(name);
        self.current_model = self.current_model.take().filter(|current| current != name);
    }
}

impl Model {
    pub fn new(uuid: &str, model_type: &str) -> Model {
        Model {
            uuid: uuid.to_owned(),
            model_type: model_type.to_owned(),
            branch: Some(String::new()),
            extra: IndexMap::new(),
        }
    }
}

impl Document for Models {
    const FILE: &'static str = "models.yaml";

    fn order(&mut self) {
        yaml::sort(&mut self.controllers);
        for entry in self.controllers.values_mut() {
            yaml::sort(&mut entry.models);
        }
    }
}

/// `controllers:` with nothing behind it is an empty map.
pub fn map_or_null<'de, D, V>(deserializer: D) -> Result<IndexMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    Ok(Option::<IndexMap<String, V>>::deserialize(deserializer)?.unwrap_or_default())
}
