//! How a record of the log is printed: a line as the original's, or an object a line (`--format json`, as of 4.0).
//!
//! Must not know where records come from. The surprise: the message is printed as it is, whatever it holds; JSON alone escapes it.

use client::log_stream::LogRecord;
use serde_json::{Map, Value};

use crate::context::Context;

pub(super) struct Style {
    /// Print objects; of the model with this uuid.
    json: Option<String>,
    zone: jiff::tz::TimeZone,
    format: &'static str,
    location: bool,
    colour: bool,
}

impl Style {
    pub(super) fn of(context: &Context, model_uuid: &str) -> Self {
        let on = |name: &str| context.args.is_set(name);
        Style {
            json: (context.args.text("format") == Some("json")).then(|| model_uuid.to_owned()),
            zone: if on("utc") { jiff::tz::TimeZone::UTC } else { context.zone() },
            format: match (on("date"), on("ms")) {
                (false, false) => "%H:%M:%S",
                (false, true) => "%H:%M:%S%.3f",
                (true, false) => "%Y-%m-%d %H:%M:%S",
                (true, true) => "%Y-%m-%d %H:%M:%S%.3f",
            },
            location: on("location"),
            colour: context.colour(),
        }
    }

    pub(super) fn line(&self, record: &LogRecord) -> String {
        if let Some(model) = &self.json {
            return object(model, record);
        }
        let at = base::clock::Time::parse(&record.ts).unwrap_or_default();
        let at = at.timestamp().to_zoned_datetime(self.zone.clone()).strftime(self.format).to_string();
        let paint = |code: &str, text: &str| match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        };
        let code = match record.sev.as_str() {
            "TRACE" => "39",
            "DEBUG" => "32",
            "INFO" => "94",
            "WARNING" => "33",
            "ERROR" => "91",
            _ => "41;97",
        };
        let mut line = format!("{}: {at} {} {} ", record.tag, paint(code, &record.sev), record.module);
        if self.location {
            line += &paint("94", &format!("{} ", record.loc));
        }
        let labels = labels(&record.lab);
        if !labels.is_empty() {
            line += &format!("{labels} ");
        }
        line + &record.msg + "\n"
    }
}

/// A list of labels, or a map of them from later servers.
fn labels(value: &Value) -> String {
    match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    }
}

/// Times stay as the controller sent them; labels are there if there are any.
fn object(model: &str, record: &LogRecord) -> String {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    put("model-uuid", model.into());
    put("timestamp", record.ts.as_str().into());
    put("entity", record.tag.as_str().into());
    put("level", record.sev.as_str().into());
    put("module", record.module.as_str().into());
    put("location", record.loc.as_str().into());
    put("message", record.msg.as_str().into());
    if !labels(&record.lab).is_empty() {
        put("labels", record.lab.clone());
    }
    Value::Object(object).to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn records_as_objects() {
        let mut record = LogRecord {
            tag: "machine-0".into(),
            ts: "2025-03-01T10:00:00.5Z".into(),
            sev: "INFO".into(),
            module: "juju.x".into(),
            loc: "f.go:1".into(),
            msg: "two\nlines \"quoted\"".into(),
            lab: Value::Null,
        };
        let expected = r#"{"model-uuid":"u","timestamp":"2025-03-01T10:00:00.5Z","entity":"machine-0","level":"INFO","module":"juju.x","location":"f.go:1","message":"two\nlines \"quoted\""}"#;
        assert_eq!(object("u", &record), format!("{expected}\n"));
        record.lab = json!(["http"]);
        assert!(object("u", &record).ends_with(",\"labels\":[\"http\"]}\n"));
    }
}
