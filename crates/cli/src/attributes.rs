//! Attributes on the command line: what `model-config`, `model-defaults` and `controller-config` have in common
//! (`wire/commands-controllers.md` 1.6). No arguments list, a key shows, `key=value` sets, `--file` sets, `--reset` gives back.
//!
//! Must not know whose attributes they are. The surprise: values stay text here, and the controller knows their types.

use serde_json::{Map, Value, json};
use wire::yaml::{Node, print};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::flags::Flag;

pub const COLOR: Flag = Flag::bool(&["color"], "Use ANSI color codes in output");
pub const NO_COLOR: Flag = Flag::bool(&["no-color"], "Disable ANSI color codes in tabular output");
pub const FILE: Flag = Flag::text(&["file"], "Path to yaml-formatted configuration file");
pub const RESET: Flag = Flag::texts(&["reset"], "Reset the provided comma delimited keys");
pub const IGNORE_READ_ONLY: Flag = Flag::bool(
    &["ignore-read-only-fields"],
    "Ignore read only fields that might cause errors to be emitted while processing yaml documents",
);

/// What the line asks for; carried out in the order file, reset, set, and only then get.
#[derive(Debug, Default)]
pub struct Request {
    pub get: Option<String>,
    pub set: Map<String, Value>,
    pub reset: Vec<String>,
    pub file: Option<String>,
}

impl Request {
    /// `kept`: what cannot be reset.
    pub fn read(context: &Context, kept: &[&str]) -> Result<Request> {
        let args = &context.args;
        let mut request = Request { file: args.text("file").map(str::to_owned), ..Request::default() };
        let resets = context.command.flags.iter().any(|flag| flag.names == RESET.names);
        for given in if resets { args.texts("reset") } else { Vec::new() } {
            for key in given.split(',') {
                if key.contains('=') {
                    return Err(Error::usage(format!(
                        "--reset accepts a comma delimited set of keys \"a,b,c\", received: {given:?}"
                    )));
                }
                request.reset.push(key.to_owned());
            }
        }
        let mut keys = Vec::new();
        for word in args.positional() {
            match word.split_once('=') {
                Some(("", _)) => return Err(Error::usage(format!("expected \"key=value\", got {word:?}"))),
                Some((key, _)) if request.set.contains_key(key) => {
                    return Err(Error::usage(format!("key {key:?} specified more than once")));
                }
                Some((key, value)) => {
                    request.set.insert(key.to_owned(), json!(value));
                }
                None => keys.push(word.clone()),
            }
        }
        request.get = request.one(keys)?;
        if let Some(key) = request.reset.iter().find(|key| request.set.contains_key(key.as_str())) {
            return Err(Error::usage(format!("cannot set and reset key {key:?} simultaneously")));
        }
        if let Some(key) = request.reset.iter().find(|key| kept.contains(&key.as_str())) {
            return Err(Error::usage(format!("{key:?} cannot be reset")));
        }
        Ok(request)
    }

    /// The key to show: at most one, and beside nothing else.
    fn one(&self, mut keys: Vec<String>) -> Result<Option<String>> {
        let at_once = |what: &str| Error::usage(format!("cannot {what} simultaneously"));
        match keys.len() {
            0 => Ok(None),
            _ if !self.set.is_empty() => Err(at_once("get value and set key=value pairs")),
            1 if !self.reset.is_empty() => Err(at_once("use --reset flag and get value")),
            1 if self.file.is_some() => Err(at_once("use --file flag and get value")),
            1 => Ok(keys.pop()),
            _ => Err(Error::usage("cannot specify multiple keys to get")),
        }
    }
}

/// The pairs of a YAML file, `-` for standard input.
pub fn file(context: &mut Context, typed: &str) -> Result<Map<String, Value>> {
    let text = match typed {
        "-" => context.io.read_all()?,
        _ => std::fs::read_to_string(context.io.path(typed))
            .map_err(|e| Error::failed(format!("open {typed}: {}", crate::context::reason(&e))))?,
    };
    match client::files::yaml::read(&text) {
        Ok(Value::Object(entries)) => Ok(entries),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::failed(format!("cannot parse {typed}: expected a map of keys to values"))),
        Err(why) => Err(Error::failed(format!("cannot parse {typed}: {why}"))),
    }
}

/// A key that nobody knows may be the user's own, or a slip; it is set all the same.
pub fn warn_unknown<'k>(
    context: &mut Context,
    of: &str,
    is_known: impl Fn(&str) -> bool,
    keys: impl Iterator<Item = &'k String>,
) {
    let mut unknown: Vec<&String> = keys.filter(|key| !is_known(key)).collect();
    unknown.sort();
    for key in unknown {
        context.warn(format!("key {key:?} is not defined in the {of} model configuration: possible misspelling"));
    }
}

/// What a model has of its own is changed by a command of its own: refused, or passed over when that was asked for.
pub fn without_own(context: &Context, values: &mut Map<String, Value>, own: &[(&str, &str)]) -> Result<()> {
    for (key, command) in own {
        if values.shift_remove(*key).is_some() && !context.args.is_set("ignore-read-only-fields") {
            return Err(Error::failed(format!("{key:?} must be set via {command:?}")));
        }
    }
    Ok(())
}

/// A value alone: text as it is, anything else as YAML.
pub fn smart(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("{text}\n"),
        Value::Bool(true) => "True\n".to_owned(),
        Value::Bool(false) => "False\n".to_owned(),
        other => print(&Node::from(other).sorted()),
    }
}

/// A value whose numbers the original holds as floating points: from a million on they are printed so.
pub fn floating(value: &Value) -> Node {
    fn all(node: Node) -> Node {
        match node {
            // A float from there on has no more digits than this needs.
            #[allow(clippy::cast_precision_loss)]
            Node::Int(n) if n.abs() >= 1_000_000 => Node::Float(n as f64),
            Node::Seq(items) => Node::Seq(items.into_iter().map(all).collect()),
            Node::Map(entries) => Node::Map(entries.into_iter().map(|(key, value)| (key, all(value))).collect()),
            other => other,
        }
    }
    all(Node::from(value).sorted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_floating_points_wherever_they_stand() {
        for (value, expected) in [
            (json!(999_999), "999999\n"),
            (json!(1_000_000), "1e+06\n"),
            (json!([2_097_152, 1]), "- 2.097152e+06\n- 1\n"),
            (json!({"b": 1, "a": -250_000_000}), "a: -2.5e+08\nb: 1\n"),
            (json!("1000000"), "\"1000000\"\n"),
        ] {
            assert_eq!(print(&floating(&value)), expected, "{value}");
        }
    }

    #[test]
    fn a_value_alone_is_bare() {
        for (value, expected) in [
            (json!(null), ""),
            (json!(""), ""),
            (json!("text"), "text\n"),
            (json!(true), "True\n"),
            (json!(17), "17\n"),
            (json!({"b": 1, "a": 2}), "a: 2\nb: 1\n"),
        ] {
            assert_eq!(smart(&value), expected, "{value}");
        }
    }
}
