//! Statuses, in the three forms that the wire has for them.

use base::Life;
use base::status::Status;
use serde_json::{Value, json};
use std::fmt::Display;
use wire::facade::client::DetailedStatus;
use wire::shared::EntityStatus;

pub fn detailed<S: Display>(status: &Status<S>, life: Life, version: &str) -> DetailedStatus {
    DetailedStatus {
        status: status.current.to_string(),
        info: status.message.clone(),
        since: status.since,
        life: life.status_str().to_owned(),
        version: version.to_owned(),
        ..DetailedStatus::default()
    }
}

pub fn entity<S: Display>(status: &Status<S>) -> EntityStatus {
    EntityStatus {
        status: status.current.to_string(),
        info: status.message.clone(),
        since: status.since,
        data: status.data.clone(),
    }
}

/// As in AllWatcher deltas; `version` is only filled for a machine's agent.
pub fn info<S: Display>(status: &Status<S>, version: &str) -> Value {
    let mut info = json!({
        "current": status.current.to_string(), "message": status.message, "since": status.since, "version": version,
    });
    if let (false, Some(info)) = (status.data.is_empty(), info.as_object_mut()) {
        info.insert("data".into(), json!(status.data));
    }
    info
}
