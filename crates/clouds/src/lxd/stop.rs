//! Taking instances away.
//! The surprise: two may do so at once, and a server says so with an error; what counts is that the instance is gone in the end.

use std::time::Duration;

use cloud::Error;
use hyper::Method;
use serde_json::Value;

use super::client::Client;
use super::instance::Instance;
use super::start::{find, set_state};

/// Of its last moments.
const PATIENCE: Duration = Duration::from_secs(60);
const TRIES: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(300);

/// Stops and deletes it, whatever its state. `Ok`: the server has it no more.
pub async fn remove(client: &Client, instance: &Instance) -> Result<(), Error> {
    let mut instance = instance.clone();
    for attempt in 1.. {
        let failed = match try_once(client, &instance).await {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        match find(client, &instance.name).await {
            Ok(None) => return Ok(()),
            // Somebody else's by now: ours is gone.
            Ok(Some(now)) if !same_marks(&now, &instance) => return Ok(()),
            Ok(Some(now)) => instance = now,
            // A server fails to look at what is ending just now (seen: Incus, "Invalid PID").
            Err(_) => {}
        }
        if attempt >= TRIES {
            return Err(failed.into());
        }
        tokio::time::sleep(BETWEEN * attempt).await;
    }
    Ok(())
}

fn same_marks(one: &Instance, other: &Instance) -> bool {
    let marks = |instance: &Instance| -> Vec<(String, String)> {
        // Others say what is inside it just now.
        let ours = instance.config.iter().filter(|(key, _)| key.starts_with("user.juju-"));
        ours.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    marks(one) == marks(other)
}

async fn try_once(client: &Client, instance: &Instance) -> Result<(), super::error::Failed> {
    if instance.status != "Stopped" {
        set_state(client, &instance.name, "stop", PATIENCE).await?;
    }
    let path = ["instances", instance.name.as_str()];
    match client.change(Method::DELETE, &path, "", &Value::Null).await {
        Err(failed) if failed.is_missing() => Ok(()),
        other => other.map(drop),
    }
}
