//! What values a key of a model takes (`wire/commands-controllers.md` 9.2). It must not know where a value comes from.
//! The surprise: keys that nobody knows take anything, as the original has it; clients warn of them.

use std::collections::BTreeMap;

use base::{OsBase, Refusal, duration};
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::default_of;

/// The key whose value is YAML of its own.
pub const CLOUD_INIT: &str = "cloudinit-userdata";
const MINUTE: i128 = 60_000_000_000;
const LEVELS: &[&str] = &["UNSPECIFIED", "TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
/// Proxies of both kinds, of which a model has one.
const PROXIES: [[&str; 3]; 2] =
    [["http-proxy", "https-proxy", "ftp-proxy"], ["juju-http-proxy", "juju-https-proxy", "juju-ftp-proxy"]];

/// The value as it is kept, or why it cannot be this key's.
pub fn check(name: &str, value: &Value) -> Result<Value, Refusal> {
    let wrong = |wanted: &str| Refusal::plain(format!("{name}: expected {wanted}, got {value}"));
    match default_of(name) {
        Some(Value::Bool(_)) => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) => text.to_lowercase().parse().map(Value::Bool).map_err(|_| wrong("bool")),
            _ => Err(wrong("bool")),
        },
        Some(Value::Number(_)) => {
            let number = match value {
                Value::String(text) => text.parse::<i64>().ok(),
                other => other.as_i64(),
            };
            let number = number.ok_or_else(|| wrong("number"))?;
            let (least, most) = bounds(name);
            match (least..=most).contains(&number) {
                true => Ok(number.into()),
                false => Err(wrong(&format!("number of {least} to {most}"))),
            }
        }
        Some(_) if name == "resource-tags" && !value.is_string() => Ok(value.clone()),
        Some(_) => match value {
            Value::String(text) if text.is_empty() && !NEVER_EMPTY.contains(&name) => Ok(value.clone()),
            Value::String(text) if name == CLOUD_INIT => cloud_init(text).map(|_| value.clone()),
            Value::String(text) => match text_is(name, text) {
                Ok(()) => Ok(value.clone()),
                Err(wanted) => Err(wrong(&wanted)),
            },
            Value::Null => Ok(json!("")),
            _ => Err(wrong("string")),
        },
        None => Ok(value.clone()),
    }
}

/// What no single value shows.
pub fn check_together(all: &BTreeMap<String, Value>) -> Result<(), Refusal> {
    let is_set = |name: &&str| all.get(*name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    match PROXIES.iter().all(|names| names.iter().any(is_set)) {
        true => Err(Refusal::plain("cannot specify both legacy proxy values and juju proxy values")),
        false => Ok(()),
    }
}

/// An empty one would leave the controller without an answer.
const NEVER_EMPTY: &[&str] = &["provisioner-harvest-mode", "update-status-hook-interval"];

fn bounds(name: &str) -> (i64, i64) {
    match name {
        "num-provision-workers" => (1, 100),
        "num-container-provision-workers" => (1, 25),
        _ => (0, i64::from(i32::MAX)),
    }
}

/// Or what was expected.
fn text_is(name: &str, text: &str) -> Result<(), String> {
    let all = |separators: &[char], is: &dyn Fn(&str) -> bool| text.split(separators).map(str::trim).all(is);
    let held = |is: bool, wanted: &str| if is { Ok(()) } else { Err(wanted.to_owned()) };
    let one_of = |words: &[&str]| held(words.contains(&text), &format!("one of {words:?}"));
    let some_of = |words: &[&str]| held(all(&[','], &|word| words.contains(&word)), &format!("some of {words:?}"));
    let nanos = || duration::parse(text);
    match name {
        // What is none of these would have every client refuse the model.
        "firewall-mode" => one_of(&["instance", "global", "none"]),
        "provisioner-harvest-mode" => one_of(&["all", "none", "unknown", "destroyed"]),
        "container-networking-method" => one_of(&["fan", "provider", "local"]),
        "container-inherit-properties" => some_of(&["apt-primary", "apt-sources", "apt-security", "ca-certs"]),
        "logging-output" => some_of(&["database", "syslog"]),
        "mode" => some_of(&["requires-prompts", "strict"]),
        "logging-config" => held(
            all(&[';'], &is_level),
            "module=LEVEL;...: a level is one of TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL",
        ),
        "update-status-hook-interval" => {
            held(nanos().is_some_and(|nanos| (MINUTE..=60 * MINUTE).contains(&nanos)), "duration of 1m to 60m")
        }
        "max-action-results-age" | "max-status-history-age" => {
            held(nanos().is_some_and(|nanos| nanos >= 0), "duration")
        }
        "max-action-results-size" | "max-status-history-size" => {
            held(base::constraints::size_mib(text).is_ok(), "size")
        }
        "egress-subnets" => {
            let is_some = |word: &str| is_cidr(word) && !word.ends_with("/0");
            held(all(&[','], &is_some), "CIDRs, none of them of everything")
        }
        "saas-ingress-allow" | "ssh-allow" => held(all(&[','], &is_cidr), "CIDRs"),
        "resource-tags" => tags(text),
        "default-base" => OsBase::parse(text).map(|_| ()).map_err(|error| format!("os@channel ({error})")),
        _ => Ok(()),
    }
}

/// What instances are told beside what they need to enrol. A refusal does not show it: who set it may have a reason to show it to nobody.
pub fn cloud_init(text: &str) -> Result<Map<String, Value>, Refusal> {
    let no = |why: String| Refusal::plain(format!("{CLOUD_INIT}: {why}"));
    if text.is_empty() {
        return Ok(Map::new());
    }
    let words = match base::yaml::read(text) {
        Err(why) => return Err(no(format!("is no YAML: {why}"))),
        Ok(Value::Object(words)) => words,
        Ok(_) => return Err(no("expected a YAML map".into())),
    };
    if let Some(ours) = ["users", "runcmd", "bootcmd"].into_iter().find(|key| words.contains_key(*key)) {
        let instead = if ours == "users" { "" } else { ": use preruncmd or postruncmd" };
        return Err(no(format!("{ours:?} is not allowed{instead}")));
    }
    let lists = ["packages", "preruncmd", "postruncmd"].into_iter();
    match lists.filter_map(|key| Some((key, words.get(key)?))).find(|(_, value)| !is_words(value)) {
        Some((key, _)) => Err(no(format!("{key:?} must be a list of strings"))),
        None => Ok(words),
    }
}

fn is_words(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn is_cidr(text: &str) -> bool {
    text.parse::<IpNet>().is_ok()
}

/// `juju.worker=DEBUG`; a level alone is of all modules.
fn is_level(text: &str) -> bool {
    let level = text.rsplit_once('=').map_or(text, |(_, level)| level.trim());
    text.is_empty() || LEVELS.contains(&level.to_uppercase().as_str())
}

/// `k=v k2=v2`.
fn tags(text: &str) -> Result<(), String> {
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some((key, _)) if key.starts_with("juju-") => {
                return Err("tags that do not begin with \"juju-\"".to_owned());
            }
            Some((key, _)) if !key.is_empty() => {}
            _ => return Err("key=value ...".to_owned()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_instances_are_told_is_read() {
        for (text, expected) in [
            ("", None),
            ("{}", None),
            ("#cloud-config\npackage_upgrade: true", None),
            ("packages: [a, b]", None),
            ("packages: [[a, \"1.0\"]]", Some("\"packages\" must be a list of strings")),
            ("postruncmd: touch", Some("\"postruncmd\" must be a list of strings")),
            ("users: [me]", Some("\"users\" is not allowed")),
            ("runcmd: [x]", Some("\"runcmd\" is not allowed: use preruncmd or postruncmd")),
            ("bootcmd: [x]", Some("\"bootcmd\" is not allowed: use preruncmd or postruncmd")),
            ("s3cret", Some("expected a YAML map")),
            ("- a", Some("expected a YAML map")),
        ] {
            let got = super::check("cloudinit-userdata", &json!(text)).err().map(|refusal| refusal.words().to_owned());
            assert_eq!(got, expected.map(|words| format!("cloudinit-userdata: {words}")), "{text:?}");
        }
        let refused = super::check("cloudinit-userdata", &json!("a: [s3cret")).expect_err("no YAML");
        assert!(refused.words().starts_with("cloudinit-userdata: is no YAML: "), "{}", refused.words());
        assert!(!refused.words().contains("s3cret"), "{}", refused.words());
    }

    #[test]
    fn values_are_checked_against_what_the_key_takes() {
        let check = |name: &str, value: Value, expected: Result<Value, &str>| {
            let got = super::check(name, &value).map_err(|refusal| refusal.words().to_owned());
            assert_eq!(got, expected.map_err(|words| format!("{name}: expected {words}")), "{name}");
        };
        check("development", json!("True"), Ok(json!(true)));
        check("development", json!(3), Err("bool, got 3"));
        check("num-provision-workers", json!("8"), Ok(json!(8)));
        check("num-provision-workers", json!(101), Err("number of 1 to 100, got 101"));
        check("num-container-provision-workers", json!("0"), Err("number of 1 to 25, got \"0\""));
        check("net-bond-reconfigure-delay", json!(-1), Err("number of 0 to 2147483647, got -1"));
        check("http-proxy", json!("http://x"), Ok(json!("http://x")));
        check("http-proxy", json!(null), Ok(json!("")));
        check("http-proxy", json!([1]), Err("string, got [1]"));
        check("firewall-mode", json!("none"), Ok(json!("none")));
        check("firewall-mode", json!("some"), Err("one of [\"instance\", \"global\", \"none\"], got \"some\""));
        check("whatever", json!({"a": 1}), Ok(json!({"a": 1})));
        check("resource-tags", json!({"a": "b"}), Ok(json!({"a": "b"})));
        let told = "packages: [curl]\npostruncmd:\n- touch /x\nwrite_files: []\n";
        check("cloudinit-userdata", json!(told), Ok(json!(told)));
    }

    #[test]
    fn texts_are_checked_by_what_they_mean() {
        let check = |name: &str, text: &str, expected: Option<&str>| {
            let got = super::check(name, &json!(text)).err().map(|refusal| refusal.words().to_owned());
            assert_eq!(got, expected.map(|words| format!("{name}: expected {words}, got {text:?}")), "{name}={text}");
        };
        for (name, good) in [
            ("update-status-hook-interval", "1m"),
            ("update-status-hook-interval", "1h"),
            ("max-action-results-age", "0"),
            ("max-action-results-size", "3G"),
            ("logging-config", "<root>=INFO;juju.worker=debug; #http=TRACE"),
            ("logging-config", "WARNING"),
            ("mode", "strict,requires-prompts"),
            ("mode", ""),
            ("egress-subnets", "10.0.0.0/8, 2001:db8::/32"),
            ("saas-ingress-allow", "0.0.0.0/0,::/0"),
            ("resource-tags", "a=b c="),
            ("default-base", "debian@12"),
            ("default-base", ""),
            ("container-networking-method", "local"),
            ("container-inherit-properties", "ca-certs,apt-primary"),
        ] {
            check(name, good, None);
        }
        check("update-status-hook-interval", "59s", Some("duration of 1m to 60m"));
        check("update-status-hook-interval", "", Some("duration of 1m to 60m"));
        check("max-status-history-age", "-1h", Some("duration"));
        check("max-status-history-size", "much", Some("size"));
        check("mode", "strict,lax", Some("some of [\"requires-prompts\", \"strict\"]"));
        check("egress-subnets", "0.0.0.0/0", Some("CIDRs, none of them of everything"));
        check("ssh-allow", "10.0.0.0", Some("CIDRs"));
        check("resource-tags", "a", Some("key=value ..."));
        check("resource-tags", "juju-model=x", Some("tags that do not begin with \"juju-\""));
        let no_base = "os@channel (expected base string to contain os and channel separated by '@')";
        check("default-base", "ubuntu", Some(no_base));
        let level = "module=LEVEL;...: a level is one of TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL";
        check("logging-config", "<root>=LOUD", Some(level));
    }

    #[test]
    fn a_model_has_proxies_of_one_kind() {
        let both = |legacy: &str, own: &str| {
            let all = [("https-proxy", legacy), ("juju-http-proxy", own)];
            check_together(&all.into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect()).is_ok()
        };
        assert!(both("", "http://p") && both("http://p", "") && !both("http://p", "http://p"));
    }
}
