//! The settings a model may have: their defaults, and which of them are fixed (`wire/commands-controllers.md` 9.2).
//! It stores nothing. The surprise: keys that nobody knows are kept and shown, as Juju does; clients put their own there.

mod check;
mod inherited;
mod proxies;

pub use check::{CLOUD_INIT, check, check_together, cloud_init};
pub(crate) use inherited::defaults_of;
pub use inherited::{Inherited, merged};
pub use proxies::{Proxies, apt_proxies, proxies};

use crate::beliefs::{Beliefs, InModel};
use base::Refusal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Default,
    /// The defaults of the model's cloud, its definition's among them; the name is the wire's.
    Controller,
    /// Those of its region.
    Region,
    Model,
}

impl Source {
    pub fn word(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Controller => "controller",
            Source::Region => "region",
            Source::Model => "model",
        }
    }
}

/// Keys whose default is the empty text.
const EMPTY: &[&str] = &[
    "agent-metadata-url",
    "apt-ftp-proxy",
    "apt-http-proxy",
    "apt-https-proxy",
    "apt-mirror",
    "apt-no-proxy",
    "backup-dir",
    "cloudinit-userdata",
    "container-image-metadata-url",
    "container-inherit-properties",
    "container-networking-method",
    "default-base",
    "default-space",
    "egress-subnets",
    "extra-info",
    "fan-config",
    "ftp-proxy",
    "http-proxy",
    "https-proxy",
    "image-metadata-url",
    "juju-ftp-proxy",
    "juju-http-proxy",
    "juju-https-proxy",
    "logging-output",
    "resource-tags",
    "snap-http-proxy",
    "snap-https-proxy",
    "snap-store-assertions",
    "snap-store-proxy",
    "snap-store-proxy-url",
    "storage-default-filesystem-source",
    "syslog-ca-cert",
    "syslog-client-cert",
    "syslog-client-key",
    "syslog-host",
];

const OFF: &[&str] = &[
    "container-image-metadata-defaults-disabled",
    "development",
    "disable-network-management",
    "disable-telemetry",
    "ignore-machine-addresses",
    "image-metadata-defaults-disabled",
    "logforward-enabled",
    "proxy-ssh",
    "test-mode",
];

const ON: &[&str] = &[
    "automatically-retry-hooks",
    "enable-os-refresh-update",
    "enable-os-upgrade",
    "ssl-hostname-verification",
    "transmit-vendor-metrics",
];

const TEXTS: &[(&str, &str)] = &[
    ("agent-stream", "released"),
    ("charmhub-url", "https://api.charmhub.io"),
    ("container-image-stream", "released"),
    ("firewall-mode", "instance"),
    ("image-stream", "released"),
    ("juju-no-proxy", "127.0.0.1,localhost,::1"),
    ("logging-config", "<root>=INFO"),
    ("lxd-snap-channel", "5.0/stable"),
    ("max-action-results-age", "336h"),
    ("max-action-results-size", "5G"),
    ("max-status-history-age", "336h"),
    ("max-status-history-size", "5G"),
    ("mode", "requires-prompts"),
    ("no-proxy", "127.0.0.1,localhost,::1"),
    ("provisioner-harvest-mode", "destroyed"),
    ("saas-ingress-allow", "0.0.0.0/0,::/0"),
    ("secret-backend", "auto"),
    ("ssh-allow", "0.0.0.0/0,::/0"),
    ("update-status-hook-interval", "5m"),
];

const NUMBERS: &[(&str, i64)] =
    &[("net-bond-reconfigure-delay", 17), ("num-container-provision-workers", 4), ("num-provision-workers", 16)];

fn default_of(name: &str) -> Option<Value> {
    let text = || TEXTS.iter().find(|(key, _)| *key == name).map(|(_, value)| json!(value));
    let number = || NUMBERS.iter().find(|(key, _)| *key == name).map(|(_, value)| json!(value));
    match name {
        _ if EMPTY.contains(&name) => Some(json!("")),
        _ if OFF.contains(&name) => Some(json!(false)),
        _ if ON.contains(&name) => Some(json!(true)),
        _ => text().or_else(number),
    }
}

/// All settings of a model with their values, set or not; `authorized-keys` is none of them.
pub fn values(within: &InModel) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> = defaults().collect();
    if let Some(set) = &within.settings {
        all.extend(set.0.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    if let Some(model) = &within.model {
        for (name, value) in
            [("name", json!(model.name)), ("uuid", json!(model.uuid)), ("agent-version", json!(model.agent_version))]
        {
            all.insert(name.to_owned(), value);
        }
    }
    all
}

/// The same, and where each comes from.
pub fn effective(beliefs: &Beliefs, within: &InModel) -> BTreeMap<String, (Value, Source)> {
    let inherited = Inherited::by(beliefs, within);
    let sourced = |(name, value): (String, Value)| {
        let source = inherited.source(&name, &value);
        (name, (value, source))
    };
    values(within).into_iter().map(sourced).collect()
}

/// Juju's own defaults.
pub fn defaults() -> impl Iterator<Item = (String, Value)> {
    let names = EMPTY.iter().chain(OFF).chain(ON).chain(TEXTS.iter().map(|(name, _)| name));
    names.chain(NUMBERS.iter().map(|(name, _)| name)).filter_map(|name| Some(((*name).to_owned(), default_of(name)?)))
}

/// Keys that no user sets on a model that is there.
pub fn is_fixed(name: &str) -> bool {
    matches!(
        name,
        "name"
            | "type"
            | "uuid"
            | "agent-version"
            | "charmhub-url"
            | "firewall-mode"
            | "authorized-keys"
            | "controller-uuid"
    )
}

pub fn fixed(name: &str, from: Option<&Value>, to: &Value) -> Refusal {
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    Refusal::plain(match name {
        "authorized-keys" => "authorized-keys cannot be set".to_owned(),
        "agent-version" | "charmhub-url" => format!("{name} cannot be changed"),
        _ => format!("cannot change {name} from {} to {}", shown(from), shown(Some(to))),
    })
}

/// What clients of older releases name by a series is kept as a base.
pub fn without_series(mut values: BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, Refusal> {
    let Some(series) = values.remove("default-series") else { return Ok(values) };
    let series = series.as_str().unwrap_or_default();
    // Whoever sends back all that was read names the base, too, and an empty series where a base has none.
    match values.contains_key("default-base") {
        true if series.is_empty() => return Ok(values),
        true => return Err(Refusal::plain("cannot set both default-series and default-base")),
        false => {}
    }
    let base = match series {
        "" => String::new(),
        series => {
            let no_series = || Refusal::plain(format!("series {series:?} not valid"));
            base::release::base(series).ok_or_else(no_series)?.to_string()
        }
    };
    values.insert("default-base".into(), base.into());
    Ok(values)
}

/// Where older clients read a series: that of the `default-base`, or nothing.
pub fn default_series(default_base: &str) -> &'static str {
    base::OsBase::parse(default_base).ok().as_ref().and_then(base::release::series).unwrap_or_default()
}

/// A text setting's value; empty when it is none.
pub fn text(within: &InModel, name: &str) -> String {
    let set = within.settings.as_ref().and_then(|set| set.0.get(name).cloned());
    match set.or_else(|| default_of(name)) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// The `resource-tags`, which clients give as a map or as `k=v k2=v2`.
pub fn tags(value: Option<&Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Some(Value::Object(tags)) => tags.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        Some(Value::String(tags)) => {
            let pairs = tags.split_whitespace().filter_map(|tag| tag.split_once('='));
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// Which instances the controller ends by itself: `provisioner-harvest-mode` (`wire/commands-machines.md` 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Harvest {
    /// Those of machines that are removed; else they run on when their machines are forgotten.
    pub destroyed: bool,
    /// Those that bear the model's mark and belong to no machine.
    pub unknown: bool,
}

pub fn harvest(within: &InModel) -> Harvest {
    let mode = text(within, "provisioner-harvest-mode");
    let is_one_of = |modes: &[&str]| modes.contains(&mode.as_str());
    Harvest { destroyed: is_one_of(&["destroyed", "all"]), unknown: is_one_of(&["unknown", "all"]) }
}

pub fn flag(within: &InModel, name: &str) -> bool {
    let set = within.settings.as_ref().and_then(|set| set.0.get(name).cloned());
    set.or_else(|| default_of(name)) == Some(Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_base_by_another_name() {
        let read = |text: Value| {
            let Value::Object(values) = text else { panic!("an object") };
            without_series(values.into_iter().collect()).map_err(|refusal| refusal.words().to_owned())
        };
        let base = |text: &str| Ok([("default-base".to_owned(), json!(text))].into());
        assert_eq!(read(json!({"default-series": "jammy"})), base("ubuntu@22.04"));
        assert_eq!(read(json!({"default-series": ""})), base(""));
        assert_eq!(read(json!({"default-series": "", "default-base": "debian@12"})), base("debian@12"));
        assert_eq!(read(json!({"default-series": "disco"})), Err("series \"disco\" not valid".into()));
        let both = read(json!({"default-series": "noble", "default-base": "debian@12"}));
        assert_eq!(both, Err("cannot set both default-series and default-base".into()));
        for (base, series) in [("ubuntu@22.04", "jammy"), ("alpine@3.20", ""), ("", "")] {
            assert_eq!(default_series(base), series);
        }
    }
}
