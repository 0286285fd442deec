//! Notes that users keep on machines and models. Plain text pairs; nothing here reads them.

use super::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Annotations(pub BTreeMap<String, String>);

impl Record for Annotations {
    const NOUN: &'static str = "annotations";
}
