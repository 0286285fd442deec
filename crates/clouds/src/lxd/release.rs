//! Letting one instance go: it runs on without the agent and its files, and bears other marks.
//! May be asked again after a crash at any point: the marks go last.

use std::time::Duration;

use cloud::Error;
use hyper::Method;
use serde_json::json;

use super::client::Client;
use super::instance::{Instance, mark};
use super::profile::DEFAULT;

const PATIENCE: Duration = Duration::from_secs(60);

/// `farewell`: what our program is run with inside; nothing: it is not run.
pub async fn release(client: &Client, instance: &Instance, farewell: &[String]) -> Result<(), Error> {
    let name = instance.name.as_str();
    let program = instance.config.get(mark::PROGRAM).filter(|program| !program.is_empty());
    if let Some(program) = program.filter(|_| !farewell.is_empty() && instance.is_running()) {
        let words: Vec<String> = std::iter::once(program).chain(farewell).cloned().collect();
        let (status, said) = client.exec(name, &words, PATIENCE).await?;
        if status != 0 {
            let last = said.trim().lines().last().unwrap_or_default();
            return Err(Error::transient(format!("its agent does not leave: exit status {status} {last}")));
        }
    }
    if let Some(unit) = instance.config.get(mark::UNIT) {
        let folder = "/etc/systemd/system";
        for path in [format!("{folder}/multi-user.target.wants/{unit}"), format!("{folder}/{unit}")] {
            client.remove_file(name, &path).await?;
        }
    }
    let mut whole = client.get(&["instances", name], "").await?;
    let controller = instance.config.get(mark::CONTROLLER).cloned().unwrap_or_default();
    let Some(config) = whole["config"].as_object_mut() else {
        return Err(client.garbled("an instance without a configuration").into());
    };
    config.retain(|key, _| !key.starts_with("user.juju-") && !key.starts_with("user.grigri-"));
    config.insert(mark::KEPT.to_owned(), json!(controller));
    // What it had of its model's profile, which goes with the model.
    for (key, value) in [("boot.autostart", "true"), ("security.nesting", "true")] {
        config.insert(key.to_owned(), json!(value));
    }
    whole["profiles"] = json!([DEFAULT]);
    let put = json!({
        "architecture": whole["architecture"], "config": whole["config"], "devices": whole["devices"],
        "ephemeral": whole["ephemeral"], "profiles": whole["profiles"], "description": whole["description"],
    });
    client.change(Method::PUT, &["instances", name], "", &put).await?;
    Ok(())
}
