//! What of a call's arguments may be kept: names and numbers, and no text that stands where secrets do.
//!
//! The surprise: it stops when it has enough, so that a call with ten thousand items costs no more than one with ten.

use serde_json::Value;
use std::fmt::Write;

/// Bytes that are kept of a call's arguments.
const MOST: usize = 1024;
/// Behind these stands a setting.
const FLAGS_OF_SETTINGS: &[&str] = &["--config", "--model-default"];
const HIDDEN: &str = "\"...\"";

/// Whether what stands under this name may be secret, all the way down.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = ["password", "secret", "token", "macaroon", "private", "cipher", "nonce"];
    words.iter().any(|word| name.contains(word))
        || matches!(name.as_str(), "attrs" | "attributes" | "config" | "credential")
}

/// JSON of at most some 1 KiB.
pub fn redacted(params: &Value) -> String {
    let mut out = String::new();
    if !matches!(params, Value::Null) && params.as_object().is_none_or(|all| !all.is_empty()) {
        write(&mut out, params, false);
    }
    out
}

fn write(out: &mut String, value: &Value, hidden: bool) {
    match value {
        Value::Object(all) => {
            out.push('{');
            for (at, (name, value)) in all.iter().filter(|(_, value)| !value.is_null()).enumerate() {
                if at > 0 {
                    out.push(',');
                }
                if out.len() > MOST {
                    out.push_str("...");
                    break;
                }
                let _ = write!(out, "{}:", text(name));
                write(out, value, hidden || is_secret(name));
            }
            out.push('}');
        }
        Value::Array(all) => {
            out.push('[');
            for (at, value) in all.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                if out.len() > MOST {
                    let _ = write!(out, "... {} more", all.len() - at);
                    break;
                }
                write(out, value, hidden);
            }
            out.push(']');
        }
        Value::String(_) if hidden => out.push_str(HIDDEN),
        Value::String(given) => {
            let end = (0..=given.len().min(MOST)).rev().find(|at| given.is_char_boundary(*at)).unwrap_or(0);
            out.push_str(&text(&given[..end]));
        }
        Value::Number(_) if hidden => out.push_str(HIDDEN),
        other => _ = write!(out, "{other}"),
    }
}

fn text(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// One line of text that a terminal does not obey.
pub fn plain(text: &str) -> String {
    match text.chars().any(char::is_control) {
        true => {
            text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
        }
        false => text.to_owned(),
    }
}

/// A command line without what is set in it: `key=value` of settings and the like may be secret, and so may a registration string be.
pub fn command(line: &str) -> String {
    let (mut after, mut last, mut in_value) = ("", "", false);
    let words = line.split(' ').filter_map(|word| {
        let before = std::mem::replace(&mut last, word);
        // `--config=x=y`, in one word.
        let joined = FLAGS_OF_SETTINGS.iter().find_map(|flag| word.strip_prefix(flag)?.strip_prefix('='));
        let (flag, rest) = word.split_at(word.len() - joined.unwrap_or(word).len());
        let is_setting = joined.is_some() || FLAGS_OF_SETTINGS.contains(&before) || !matches!(after, "" | "register");
        let hidden = match rest.split_once('=') {
            Some((name, _)) if joined.is_some() || is_setting && is_name(name) || is_secret(name) => {
                Some(format!("{flag}{name}=..."))
            }
            None if joined.is_some() => Some(format!("{flag}...")),
            _ if after == "register" && !word.starts_with('-') => Some("...".to_owned()),
            _ => None,
        };
        // A value may have blanks in it, and is several words here.
        in_value = hidden.is_some() && is_setting || in_value && !word.starts_with('-');
        if matches!(word, "model-config" | "controller-config" | "model-defaults" | "add-model" | "register") {
            after = word;
        }
        match hidden {
            None if in_value => None,
            hidden => Some(hidden.unwrap_or_else(|| word.to_owned())),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Of a setting, or of a flag before one.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_left_out_and_names_are_not() {
        for (params, expected) in [
            (json!({}), ""),
            (json!(null), ""),
            (
                json!({"changes": [{"tag": "user-bob", "password": "s3cret"}]}),
                r#"{"changes":[{"tag":"user-bob","password":"..."}]}"#,
            ),
            (
                json!({"credentials": [{"tag": "cloudcred-a_b_c", "credential": {"auth-type": "x", "attrs": {"key": "s3cret"}}}]}),
                r#"{"credentials":[{"tag":"cloudcred-a_b_c","credential":{"auth-type":"...","attrs":{"key":"..."}}}]}"#,
            ),
            (
                json!({"config": {"http-proxy": "http://u:s3cret@x", "n": 7, "on": true}, "name": null}),
                r#"{"config":{"http-proxy":"...","n":"...","on":true}}"#,
            ),
            (json!({"commands": "ls", "line": "a\u{1b}[2Jb"}), r#"{"commands":"ls","line":"a\u001b[2Jb"}"#),
        ] {
            assert_eq!(redacted(&params), expected);
        }
        let many: Vec<String> = (0..10_000).map(|n| format!("machine-{n}")).collect();
        let kept = redacted(&json!({ "entities": many }));
        assert!(kept.len() < MOST + 100 && kept.ends_with(" more]}"), "{kept}");
        assert!(redacted(&json!({"words": "é".repeat(5000)})).len() < MOST + 100);
    }

    #[test]
    fn a_command_line_keeps_its_words_and_not_what_is_set() {
        for (line, expected) in [
            ("juju add-model web --config x=y --no-switch", "juju add-model web --config x=... --no-switch"),
            ("juju add-model web --config x=a=b c=d", "juju add-model web --config x=... c=..."),
            (
                "juju model-config cloudinit-userdata={packages: [s3cret, \"a=b\"]} -m lab:web",
                "juju model-config cloudinit-userdata=... -m lab:web",
            ),
            (
                "juju bootstrap builtin --model-default x=my own --config file",
                "juju bootstrap builtin --model-default x=... --config file",
            ),
            ("juju add-model web --config=x=y --config file", "juju add-model web --config=x=... --config file"),
            ("juju model-config http-proxy=http://u:p@x mode=strict", "juju model-config http-proxy=... mode=..."),
            ("juju register MEETA2Jv --replace", "juju register ... --replace"),
            ("juju exec --machine 0 -- env PASSWORD=x true", "juju exec --machine 0 -- env PASSWORD=... true"),
        ] {
            assert_eq!(command(line), expected);
        }
        assert_eq!(plain("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
    }
}
