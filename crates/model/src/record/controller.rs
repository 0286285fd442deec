//! The controller itself: who it is, where it is found, how it is set. One record for each controller cluster, under the key `controller`.
//! It holds no secret: the CA's key and the server's are files that only the server reads.

use super::Record;
use super::address::Endpoint;
use super::machine::Removal;
use base::clock::Time;
use base::{Life, ModelUuid};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Controller {
    pub uuid: String,
    pub name: String,
    /// The model that holds the controller's own machines.
    pub model_uuid: ModelUuid,
    pub cloud: String,
    #[serde(default)]
    pub region: String,
    pub ca_cert: String,
    /// Where its API is; agents and clients follow when it changes.
    pub endpoints: Vec<Endpoint>,
    #[serde(default)]
    pub config: BTreeMap<String, serde_json::Value>,
    pub life: Life,
    pub created: Time,
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
}

impl Record for Controller {
    const NOUN: &'static str = "controller";
}
