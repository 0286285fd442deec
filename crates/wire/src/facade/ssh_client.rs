//! Facade `SSHClient`, version 4: parameters and results.
//!
//! - `AllAddresses`: Entities -> SSHAddressesResults
//! - `ModelCredentialForSSH`: - -> CloudSpecResult
//! - `PrivateAddress`: Entities -> SSHAddressResults
//! - `Proxy`: - -> SSHProxyResult
//! - `PublicAddress`: Entities -> SSHAddressResults
//! - `PublicKeys`: Entities -> SSHPublicKeysResults

use crate::error::Error;
pub use crate::shared::{CloudCredential, CloudSpec, CloudSpecResult, Entities, Entity};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SSHAddressResult {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SSHAddressResults {
    pub results: Vec<SSHAddressResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SSHAddressesResult {
    pub addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SSHAddressesResults {
    pub results: Vec<SSHAddressesResult>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SSHProxyResult {
    #[serde(rename = "use-proxy")]
    pub use_proxy: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SSHPublicKeysResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(rename = "public-keys", skip_serializing_if = "Vec::is_empty")]
    pub public_keys: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SSHPublicKeysResults {
    pub results: Vec<SSHPublicKeysResult>,
}
