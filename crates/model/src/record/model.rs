//! A model: a named set of machines on one cloud, with an owner. It does not hold its settings, constraints or keys: those are records beside it.
//! The surprise: a model's name is unique per owner, kept so by a second key (`model-name/<owner>/<name>`) in the same transaction.
//!
//! ```text
//!   create --> alive --(user: destroy)--> dying --(worker: no machines left)--> removed, with all keys under it
//! ```

use super::Record;
use super::machine::Removal;
use super::status::{ModelStatus, Status};
use base::clock::Time;
use base::{Life, ModelUuid};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Model {
    pub uuid: ModelUuid,
    pub name: String,
    /// A user's name, without `@local`.
    pub owner: String,
    pub cloud: String,
    #[serde(default)]
    pub region: String,
    /// `<cloud>/<owner>/<name>`, or empty.
    #[serde(default)]
    pub credential: String,
    pub life: Life,
    pub status: Status<ModelStatus>,
    pub created: Time,
    /// The agent version its machines should run.
    pub agent_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
}

impl Model {
    /// Whose part of its cloud it is in: its credential, or, without one, the cloud.
    pub fn account(&self) -> &str {
        if self.credential.is_empty() { &self.cloud } else { &self.credential }
    }
}

impl Record for Model {
    const NOUN: &'static str = "model";
}

/// The value under `model-name/<owner>/<name>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelName(pub ModelUuid);

impl Record for ModelName {
    const NOUN: &'static str = "model name";
}
