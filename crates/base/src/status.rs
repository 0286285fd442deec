//! Status words and the record of one status: word, message, since when (`wire/protocol.md` 5.8).

use crate::clock::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// Juju's word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::id::IdError;
            fn from_str(text: &str) -> Result<$name, crate::id::IdError> {
                match text {
                    $($text => Ok($name::$variant),)*
                    _ => Err(crate::id::IdError { kind: "status", text: text.to_owned() }),
                }
            }
        }
    };
}

words! {
    /// A machine's agent. `Down` is never stored: it is derived from absence.
    AgentStatus {
        Pending = "pending", Started = "started", Stopped = "stopped", Error = "error", Down = "down",
    }
}

words! {
    /// A machine's instance in its cloud.
    InstanceStatus {
        Empty = "", Pending = "pending", Allocating = "allocating", Running = "running",
        ProvisioningError = "provisioning error", Error = "error", Unknown = "unknown",
    }
}

words! {
    /// A model.
    ModelStatus {
        Available = "available", Busy = "busy", Destroying = "destroying", Suspended = "suspended", Error = "error",
    }
}

words! {
    /// A volume or a file system.
    StorageStatus {
        Pending = "pending", Attached = "attached", Detaching = "detaching", Error = "error",
    }
}

words! {
    /// A task (Juju: action).
    TaskStatus {
        Pending = "pending", Running = "running", Completed = "completed", Failed = "failed",
        Cancelled = "cancelled", Aborting = "aborting", Aborted = "aborted", Error = "error",
    }
}

impl TaskStatus {
    /// Nothing changes any more.
    pub fn is_final(self) -> bool {
        match self {
            TaskStatus::Pending | TaskStatus::Running | TaskStatus::Aborting => false,
            TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled
            | TaskStatus::Aborted
            | TaskStatus::Error => true,
        }
    }
}

/// One status as recorded: word `S`, message, when it was set (the controller's clock), and free data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status<S> {
    pub current: S,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub since: Time,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, serde_json::Value>,
}

impl<S> Status<S> {
    pub fn new(current: S, message: impl Into<String>, since: Time) -> Status<S> {
        Status { current, message: message.into(), since, data: BTreeMap::new() }
    }
}
