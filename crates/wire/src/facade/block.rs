//! Facade `Block`, version 2: parameters and results.
//!
//! - `List`: - -> BlockResults
//! - `SwitchBlockOff`: BlockSwitchParams -> ErrorResult
//! - `SwitchBlockOn`: BlockSwitchParams -> ErrorResult

use crate::error::Error;
pub use crate::shared::ErrorResult;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Block {
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub tag: String,
    pub r#type: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    pub result: Block,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockResults {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<BlockResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockSwitchParams {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub r#type: String,
}
