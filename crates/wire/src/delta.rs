//! One change that an AllWatcher reports: a JSON array of three, `[kind, "change" | "remove", entity]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A delta of `AllWatcher.Next` (`wire/protocol.md` 4.4, 4.5). `entity` is the whole entity, also on removal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    pub kind: String,
    pub removed: bool,
    pub entity: Value,
}

impl Serialize for Delta {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let verb = if self.removed { "remove" } else { "change" };
        (&self.kind, verb, &self.entity).serialize(s)
    }
}

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Delta, D::Error> {
        let (kind, verb, entity) = <(String, String, Value)>::deserialize(d)?;
        match verb.as_str() {
            "change" | "remove" => Ok(Delta { kind, removed: verb == "remove", entity }),
            _ => Err(serde::de::Error::custom("a delta changes or removes")),
        }
    }
}
