//! Facade `Leaks`, version 1: what clouds have and no record stands for, and the reverse. Grigri's own; clients that know only Juju pass it over.
//!
//! - `Fix`: Fix -> Fixed
//! - `List`: (nothing) -> Audit

use crate::error::Error;
use crate::omit::is_false;
use base::clock::Time;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Audit {
    /// Every cloud of the controller, by account.
    pub clouds: Vec<Asked>,
    pub leaks: Vec<Leak>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `builtin`, or with a credential `lxd/admin/default`.
    pub cloud: String,
    /// Why it could not be asked: then nothing is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// Cloud, kind and id name it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Leak {
    pub cloud: String,
    /// `instance`: of no machine. `machine`: one whose instance is not in its cloud. Else the cloud's own word for what is of no model: `profile`.
    pub kind: String,
    /// In the cloud; of a machine: of the instance that is missed.
    pub id: String,
    #[serde(rename = "model-uuid", skip_serializing_if = "String::is_empty")]
    pub model_uuid: String,
    /// `admin/default`, while there is such a model.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// What is to be set right, and no more: cloud, kind and id of each are read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fix {
    pub leaks: Vec<Leak>,
}

/// In the order that was asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fixed {
    pub results: Vec<FixedOne>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FixedOne {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// It was no leak any more: nothing was done.
    #[serde(skip_serializing_if = "is_false")]
    pub gone: bool,
}

/// The kind of a machine whose instance is not in its cloud.
pub const MACHINE: &str = "machine";
/// The kind of an instance of no machine.
pub const INSTANCE: &str = "instance";
