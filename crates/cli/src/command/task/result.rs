//! A task's result as it is printed: keys in order, times as Go prints them, output apart from other results.
//!
//! The surprise: numbers of results are floats, as a JSON reader of the original has them; the return code is not.

use std::collections::BTreeMap;

use base::clock::Time;
use jiff::tz::TimeZone;
use serde_json::Value;
use wire::facade::action::{ActionMessage, ActionResult};
use wire::yaml::Node;

/// Keys of what a command printed, as its agent names them.
const OUTPUT: [&str; 7] =
    ["return-code", "stdout", "stderr", "stdout-encoding", "stderr-encoding", "stdoutEncoding", "stderrEncoding"];

/// A moment by Go's default: `2026-01-02 10:11:12 +0000 UTC`.
pub(super) fn moment(time: Time, zone: &TimeZone) -> Option<String> {
    let at = time.timestamp().to_zoned_datetime(zone.clone());
    (time != Time::default()).then(|| at.strftime("%Y-%m-%d %H:%M:%S%.f %z %Z").to_string())
}

/// `8` of `action-8`.
pub(super) fn id(result: &ActionResult) -> String {
    result.action.as_ref().map(|a| a.tag.trim_start_matches("action-").to_owned()).unwrap_or_default()
}

/// The target: a unit's name, or a machine's id.
pub(super) fn target(receiver: &str) -> (&'static str, String) {
    if let Some(machine) = receiver.strip_prefix("machine-") {
        return ("machine", machine.replace('-', "/"));
    }
    let unit = receiver.strip_prefix("unit-").unwrap_or(receiver);
    let name = match unit.rsplit_once('-') {
        Some((application, number)) if receiver.starts_with("unit-") => format!("{application}/{number}"),
        _ => unit.to_owned(),
    };
    ("unit", name)
}

/// The return code, however it was sent.
pub(super) fn return_code(result: &ActionResult) -> Option<i64> {
    number(result.output.get("return-code")?)
}

fn number(value: &Value) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "an exit code")]
    match value {
        Value::Number(n) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn text(result: &ActionResult, key: &str) -> String {
    let text = match result.output.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    text.replace("\r\n", "\n")
}

/// JSON with every number a float, maps in natural order.
pub(super) fn loose(value: &Value) -> Node {
    match value {
        Value::Number(n) => Node::Float(n.as_f64().unwrap_or(0.0)),
        Value::Array(items) => Node::Seq(items.iter().map(loose).collect()),
        Value::Object(map) => Node::Map(map.iter().map(|(k, v)| (k.clone(), loose(v))).collect()).sorted(),
        other => Node::from(other),
    }
}

/// All results; empty when there are none.
pub(super) fn results(result: &ActionResult) -> Vec<(String, Node)> {
    let one = |(key, value): (&String, &Value)| match key.as_str() {
        "return-code" => number(value).map(|n| (key.clone(), Node::Int(i128::from(n)))),
        "stdout" | "stderr" => {
            let text = text(result, key);
            (!text.is_empty()).then(|| (key.clone(), Node::Str(text)))
        }
        _ => Some((key.clone(), loose(value))),
    };
    let Node::Map(entries) = Node::Map(result.output.iter().filter_map(one).collect()).sorted() else {
        return Vec::new();
    };
    entries
}

/// What is missing of a task's output, in words; both keys are Grigri's own.
pub(super) fn cuts(result: &ActionResult) -> Vec<String> {
    let bytes = |key: &str| result.output.get(key).and_then(Value::as_u64).filter(|bytes| *bytes > 0);
    let dropped = bytes("output-dropped-bytes").map(|n| format!("{n} bytes more were not kept"));
    let left_out = bytes("output-left-out-bytes")
        .map(|n| format!("{n} bytes more did not fit into the answer, 'juju show-task {}' has them", id(result)));
    dropped.into_iter().chain(left_out).collect()
}

/// The results that are no output of a command.
pub(super) fn others(result: &ActionResult) -> BTreeMap<String, Value> {
    let rest = result.output.iter().filter(|(key, _)| !OUTPUT.contains(&key.as_str()));
    rest.map(|(k, v)| (k.clone(), v.clone())).collect()
}

pub(super) fn log(messages: &[ActionMessage], zone: &TimeZone) -> Vec<Node> {
    let line =
        |m: &ActionMessage| Node::Str(format!("{} {}", moment(m.timestamp, zone).unwrap_or_default(), m.message));
    messages.iter().map(line).collect()
}

/// `enqueued`, `started`, `completed`, those that there are, in that order.
pub(super) fn timing(times: [Option<Time>; 3], zone: &TimeZone) -> Vec<(String, Node)> {
    ["enqueued", "started", "completed"]
        .iter()
        .zip(times)
        .filter_map(|(key, time)| Some(((*key).to_owned(), Node::Str(moment(time?, zone)?))))
        .collect()
}

/// The object of one task, keys in order of the alphabet.
pub(super) fn object(result: &ActionResult, zone: &TimeZone) -> Node {
    let mut out: Vec<(String, Node)> = Vec::new();
    let mut put = |key: &str, node: Node| out.push((key.to_owned(), node));
    if let Some(error) = &result.error {
        put("error", Node::str(&error.message));
    }
    put("id", Node::Str(id(result)));
    let log = log(&result.log, zone);
    if !log.is_empty() {
        put("log", Node::Seq(log));
    }
    let receiver = result.action.as_ref().map(|a| a.receiver.as_str()).unwrap_or_default();
    let (kind, name) = target(receiver);
    if kind == "machine" {
        put("machine", Node::str(&name));
    }
    if !result.message.is_empty() {
        put("message", Node::str(&result.message));
    }
    let results = results(result);
    if !results.is_empty() {
        put("results", Node::Map(results));
    }
    put("status", Node::str(&result.status));
    let mut timing = timing([result.enqueued, result.started, result.completed], zone);
    timing.sort_by(|a, b| a.0.cmp(&b.0));
    if !timing.is_empty() {
        put("timing", Node::Map(timing));
    }
    if kind == "unit" {
        put("unit", Node::str(&name));
    }
    Node::Map(out)
}

/// The plain form of one task, as `run` and `show-task` print it.
pub(super) fn plain(result: &ActionResult) -> String {
    let mut out = String::new();
    let id = id(result);
    if result.status == "failed" {
        out += &format!("Action id {id} failed: {}\n", result.message);
    }
    let others = others(result);
    if result.output.is_empty() {
        out += &format!("Task {id} {}\n", result.status);
    } else if !others.is_empty() {
        let entries = others.iter().map(|(k, v)| (k.clone(), loose(v))).collect();
        out += &wire::yaml::print(&Node::Map(entries).sorted());
    }
    out.push('\n');
    for key in ["stdout", "stderr"] {
        let text = text(result, key);
        let text = text.trim_matches('\n');
        if !text.is_empty() {
            out += &format!("{text}\n");
        }
    }
    out
}
