//! The settings of a controller: their defaults, and what values they take (`wire/commands-controllers.md` 5.3). Which keys they are
//! is in `base::attribute`.

use crate::record::controller::Controller;
use base::{Refusal, duration};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub use base::attribute::is_updatable;

const NUMBERS: &[&str] = &[
    "agent-logfile-max-backups",
    "agent-ratelimit-max",
    "application-resource-download-limit",
    "audit-log-max-backups",
    "controller-api-port",
    "controller-resource-download-limit",
    "max-agent-state-size",
    "max-charm-state-size",
    "max-prune-txn-batch-size",
    "max-prune-txn-passes",
    "model-logfile-max-backups",
    "prune-txn-query-count",
];

const FLAGS: &[&str] = &["audit-log-capture-args", "auditing-enabled", "query-tracing-enabled"];

const SIZES: &[&str] = &["agent-logfile-max-size", "audit-log-max-size", "model-logfile-max-size", "model-logs-size"];

const DURATIONS: &[&str] = &[
    "agent-ratelimit-rate",
    "api-port-open-delay",
    "max-debug-log-duration",
    "migration-agent-wait-time",
    "prune-txn-sleep-time",
    "query-tracing-threshold",
];

const LISTS: &[&str] = &["audit-log-exclude-methods", "features"];

/// The value as it is kept, or why it cannot be this key's. A command line sends all as text.
pub fn check(name: &str, value: &Value) -> Result<Value, Refusal> {
    let wrong = |wanted: &str| Refusal::plain(format!("{name}: expected {wanted}, got {value}"));
    let is = |names: &[&str]| names.contains(&name);
    match value {
        Value::Number(number) if is(NUMBERS) && number.as_i64().is_some_and(|number| number >= 0) => Ok(value.clone()),
        Value::String(text) if is(NUMBERS) => text.parse::<u32>().map(Value::from).map_err(|_| wrong("number")),
        _ if is(NUMBERS) => Err(wrong("number")),
        Value::Bool(_) if is(FLAGS) => Ok(value.clone()),
        Value::String(text) if is(FLAGS) => text.to_lowercase().parse().map(Value::Bool).map_err(|_| wrong("bool")),
        _ if is(FLAGS) => Err(wrong("bool")),
        Value::String(text) if is(SIZES) && base::constraints::size_mib(text).is_ok() => Ok(value.clone()),
        _ if is(SIZES) => Err(wrong("size")),
        Value::String(text) if is(DURATIONS) && duration::parse(text).is_some_and(|nanos| nanos >= 0) => {
            Ok(value.clone())
        }
        // In nanoseconds, as clients of the original have it.
        Value::Number(number) if is(DURATIONS) && number.as_i64().is_some_and(|number| number >= 0) => {
            Ok(value.clone())
        }
        _ if is(DURATIONS) => Err(wrong("duration")),
        Value::Array(items) if is(LISTS) && items.iter().all(Value::is_string) => Ok(value.clone()),
        Value::String(text) if is(LISTS) => {
            let items = text.trim_start_matches('[').trim_end_matches(']').split(',').map(str::trim);
            Ok(items.filter(|item| !item.is_empty()).map(Value::from).collect())
        }
        _ if is(LISTS) => Err(wrong("list")),
        Value::String(_) => Ok(value.clone()),
        _ => Err(wrong("string")),
    }
}

/// What is set, over the defaults.
pub fn effective(controller: &Controller) -> BTreeMap<String, Value> {
    let defaults = json!({
        "agent-logfile-max-backups": 2, "agent-logfile-max-size": "100M", "agent-ratelimit-max": 10, "agent-ratelimit-rate": "250ms",
        "api-port": 17070, "api-port-open-delay": "2s", "audit-log-capture-args": false, "audit-log-exclude-methods": ["ReadOnlyMethods"],
        "audit-log-max-backups": 10, "audit-log-max-size": "300M", "auditing-enabled": true, "max-agent-state-size": 524288,
        "max-charm-state-size": 2097152, "max-debug-log-duration": "24h0m0s", "migration-agent-wait-time": "15m0s",
        "model-logfile-max-backups": 2, "model-logfile-max-size": "10M", "model-logs-size": "20M", "set-numa-control-policy": false,
    });
    let mut all: BTreeMap<String, Value> = match defaults {
        Value::Object(map) => map.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    all.extend(controller.config.clone());
    if let Some(endpoint) = controller.endpoints.first() {
        all.insert("api-port".into(), endpoint.port.into());
    }
    all.insert("controller-uuid".into(), controller.uuid.clone().into());
    all.insert("controller-name".into(), controller.name.clone().into());
    all.insert("ca-cert".into(), controller.ca_cert.clone().into());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_against_what_the_key_takes() {
        let check = |name: &str, value: Value, expected: Result<Value, &str>| {
            let got = super::check(name, &value).map_err(|refusal| refusal.words().to_owned());
            assert_eq!(got, expected.map_err(str::to_owned), "{name}");
        };
        check("max-agent-state-size", json!("4096"), Ok(json!(4096)));
        check("max-agent-state-size", json!(-1), Err("max-agent-state-size: expected number, got -1"));
        check("max-agent-state-size", json!(null), Err("max-agent-state-size: expected number, got null"));
        check("auditing-enabled", json!("False"), Ok(json!(false)));
        check("auditing-enabled", json!("maybe"), Err("auditing-enabled: expected bool, got \"maybe\""));
        check("audit-log-max-size", json!("200M"), Ok(json!("200M")));
        check("audit-log-max-size", json!("much"), Err("audit-log-max-size: expected size, got \"much\""));
        check("agent-ratelimit-rate", json!("1m30.5s"), Ok(json!("1m30.5s")));
        check("agent-ratelimit-rate", json!("0"), Ok(json!("0")));
        check("agent-ratelimit-rate", json!(250_000_000), Ok(json!(250_000_000)));
        for bad in ["", "5", "s", "5 s", "5y"] {
            let words = format!("agent-ratelimit-rate: expected duration, got {bad:?}");
            check("agent-ratelimit-rate", json!(bad), Err(&words));
        }
        check("features", json!("[a, b]"), Ok(json!(["a", "b"])));
        check("features", json!(["a"]), Ok(json!(["a"])));
        check("features", json!([1]), Err("features: expected list, got [1]"));
        check("juju-ha-space", json!({"a": 1}), Err("juju-ha-space: expected string, got {\"a\":1}"));
    }
}
