//! The settings of a controller: defaults, and which may be changed later (`wire/commands-controllers.md` 5.3).

use crate::record::controller::Controller;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const UPDATABLE: &[&str] = &[
    "agent-logfile-max-backups",
    "agent-logfile-max-size",
    "agent-ratelimit-max",
    "agent-ratelimit-rate",
    "api-port-open-delay",
    "application-resource-download-limit",
    "audit-log-capture-args",
    "audit-log-exclude-methods",
    "audit-log-max-backups",
    "audit-log-max-size",
    "auditing-enabled",
    "caas-image-repo",
    "caas-operator-image-path",
    "controller-api-port",
    "controller-resource-download-limit",
    "features",
    "juju-ha-space",
    "juju-mgmt-space",
    "jujud-controller-snap-source",
    "max-agent-state-size",
    "max-charm-state-size",
    "max-debug-log-duration",
    "max-prune-txn-batch-size",
    "max-prune-txn-passes",
    "migration-agent-wait-time",
    "model-logfile-max-backups",
    "model-logfile-max-size",
    "model-logs-size",
    "mongo-memory-profile",
    "prune-txn-query-count",
    "prune-txn-sleep-time",
    "public-dns-address",
    "query-tracing-enabled",
    "query-tracing-threshold",
];

const FIXED: &[&str] = &[
    "allow-model-access",
    "api-port",
    "autocert-dns-name",
    "autocert-url",
    "ca-cert",
    "controller-name",
    "controller-uuid",
    "http-server-read-timeout",
    "http-server-write-timeout",
    "identity-public-key",
    "identity-url",
    "idle-connection-timeout",
    "juju-db-snap-channel",
    "login-token-refresh-url",
    "max-txn-log-size",
    "metering-url",
    "set-numa-control-policy",
    "state-port",
];

/// Whether a key may be changed after bootstrap; nothing for an unknown one.
pub fn is_updatable(name: &str) -> Option<bool> {
    let known = |names: &[&str]| names.contains(&name);
    known(UPDATABLE).then_some(true).or(known(FIXED).then_some(false))
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
