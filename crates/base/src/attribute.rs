//! Keys of configuration by whose they are: a controller's, or of use while it is made and never again (`wire/commands-controllers.md` 3.3, 5.3).
//! All others are a model's. Values are none of its business. The surprise: both ends ask here, the command line to refuse before anything is
//! made or sent, the controller because not every client does.

/// What may be changed after bootstrap.
pub const UPDATABLE: &[&str] = &[
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

/// What may not.
pub const FIXED: &[&str] = &[
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

/// Of use to `bootstrap` alone.
const AT_BOOTSTRAP: &[&str] = &[
    "admin-secret",
    "bootstrap-addresses-delay",
    "bootstrap-retry-delay",
    "bootstrap-timeout",
    "ca-cert",
    "ca-cert-path",
    "ca-private-key",
    "ca-private-key-path",
    "controller-external-ips",
    "controller-external-name",
    "controller-service-type",
];

/// What `bootstrap` does not keep of what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unkept {
    /// The controller is the one that was asked for without it.
    Ignored(&'static str),
    Refused(&'static str),
}

/// Keys of `bootstrap --config` that cannot count in this release, and why, in words for the user.
pub fn unkept(name: &str) -> Option<Unkept> {
    Some(match name {
        "ca-cert" | "ca-cert-path" | "ca-private-key" | "ca-private-key-path" => {
            Unkept::Refused("a controller of this release makes its certificate authority itself")
        }
        "autocert-dns-name" | "autocert-url" => {
            Unkept::Refused("a controller of this release fetches no certificates of public authorities")
        }
        "identity-url" | "identity-public-key" | "login-token-refresh-url" => {
            Unkept::Refused("users of this release are the controller's own, and log in at no identity provider")
        }
        "controller-name" => Unkept::Refused("the name is an argument: bootstrap CLOUD NAME"),
        "controller-uuid" => Unkept::Refused("each controller gets its own"),
        "bootstrap-retry-delay" | "bootstrap-addresses-delay" => {
            Unkept::Ignored("the controller is asked every few milliseconds")
        }
        "controller-external-ips" | "controller-external-name" | "controller-service-type" => {
            Unkept::Ignored("it is of controllers on Kubernetes")
        }
        _ => return None,
    })
}

/// What each model has of its own.
const OF_ONE_MODEL: &[&str] = &["agent-version", "authorized-keys", "name", "type", "uuid"];

/// Whether a controller's key may be changed after bootstrap; nothing for a key that is none of a controller's.
pub fn is_updatable(name: &str) -> Option<bool> {
    let known = |names: &[&str]| names.contains(&name);
    known(UPDATABLE).then_some(true).or(known(FIXED).then_some(false))
}

/// Why models can have no default for this key, in words for the user.
pub fn is_no_default(name: &str) -> Option<String> {
    let whose = match name {
        _ if AT_BOOTSTRAP.contains(&name) => "a bootstrap only attribute",
        _ if is_updatable(name).is_some() => "a controller attribute",
        _ if OF_ONE_MODEL.contains(&name) => "an attribute of one model",
        // Derived from `default-base`, and never kept.
        "default-series" => {
            return Some("\"default-series\" cannot be set as a model-default: set default-base".into());
        }
        "" => return Some("a model-default needs a key".into()),
        _ => return None,
    };
    Some(format!("{name:?} is {whose}, and cannot be set as a model-default"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_models_is_no_default_of_models() {
        let check = |name: &str, expected: Option<&str>| assert_eq!(is_no_default(name).as_deref(), expected, "{name}");
        check("http-proxy", None);
        check("firewall-mode", None);
        check("own-key", None);
        check(
            "admin-secret",
            Some("\"admin-secret\" is a bootstrap only attribute, and cannot be set as a model-default"),
        );
        // A controller's too, but it is given at bootstrap or never.
        check("ca-cert", Some("\"ca-cert\" is a bootstrap only attribute, and cannot be set as a model-default"));
        check("api-port", Some("\"api-port\" is a controller attribute, and cannot be set as a model-default"));
        check("features", Some("\"features\" is a controller attribute, and cannot be set as a model-default"));
        check("uuid", Some("\"uuid\" is an attribute of one model, and cannot be set as a model-default"));
        check("default-series", Some("\"default-series\" cannot be set as a model-default: set default-base"));
        check("", Some("a model-default needs a key"));
    }

    #[test]
    fn what_is_for_bootstrap_alone_is_used_or_unkept() {
        let used = ["admin-secret", "bootstrap-timeout"];
        for name in AT_BOOTSTRAP {
            assert_eq!(unkept(name).is_none(), used.contains(name), "{name}");
        }
        for name in ["api-port", "auditing-enabled", "http-proxy", "own-key"] {
            assert_eq!(unkept(name), None, "{name}");
        }
    }
}
