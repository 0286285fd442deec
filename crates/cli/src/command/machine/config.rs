//! The model's configuration, as far as commands on machines look into it.
//!
//! The surprise: `add-machine` reads it only to refuse a model whose configuration makes no sense.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wire::facade::model_config::{ConfigValue, ModelConfigResults};

use crate::context::Api;
use crate::error::{Error, Result};

pub(super) async fn read(api: &Api) -> Result<BTreeMap<String, ConfigValue>> {
    let results: ModelConfigResults = api.call("ModelConfig", "ModelGet", json!({})).await?;
    Ok(results.config)
}

/// What the original's own check would refuse.
pub(super) fn check(config: &BTreeMap<String, ConfigValue>) -> Result<()> {
    for key in ["type", "name", "uuid"] {
        match config.get(key).map(|v| &v.value) {
            Some(Value::String(_)) => {}
            None | Some(Value::Null) => return Err(Error::failed(format!("{key}: expected string, got nothing"))),
            Some(other) => return Err(Error::failed(format!("{key}: expected string, got {other}"))),
        }
    }
    if let Some(mode) = config.get("firewall-mode").and_then(|v| v.value.as_str())
        && !["", "instance", "global", "none"].contains(&mode)
    {
        let text = format!("firewall-mode: expected one of [instance global none], got {mode:?}");
        return Err(Error::failed(text));
    }
    Ok(())
}

/// Whether a removal asks first: unless the model's `mode` says otherwise; when in doubt it asks.
pub(super) async fn asks(api: &Api) -> bool {
    let Ok(config) = read(api).await else { return true };
    if check(&config).is_err() {
        return true;
    }
    match config.get("mode").and_then(|v| v.value.as_str()) {
        Some(mode) => mode.split(',').any(|word| word.trim() == "requires-prompts"),
        None => true,
    }
}
