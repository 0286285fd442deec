//! Facade `KeyManager`, version 1: parameters and results.
//!
//! - `AddKeys`: ModifyUserSSHKeys -> ErrorResults
//! - `DeleteKeys`: ModifyUserSSHKeys -> ErrorResults
//! - `ImportKeys`: ModifyUserSSHKeys -> ErrorResults
//! - `ListKeys`: ListSSHKeys -> StringsResults

pub use crate::shared::{Entities, Entity, ErrorResult, ErrorResults, StringsResult, StringsResults};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListSSHKeys {
    pub entities: Entities,
    pub mode: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModifyUserSSHKeys {
    #[serde(rename = "ssh-keys")]
    pub ssh_keys: Vec<String>,
    pub user: String,
}
