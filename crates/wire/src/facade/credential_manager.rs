//! Facade `CredentialManager`, version 1: parameters and results.
//!
//! - `InvalidateModelCredential`: InvalidateCredentialArg -> ErrorResult

pub use crate::shared::ErrorResult;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InvalidateCredentialArg {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}
