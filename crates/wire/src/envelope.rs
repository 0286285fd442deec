//! The envelope of a call (`wire/protocol.md` 2.1, corrected by running servers).
//! The surprise: keys match without regard to case, and a frame that is no envelope ends the connection.

use crate::lenient;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// A call. `version` 0 and an empty `id` are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    pub request_id: u64,
    /// Facade.
    pub facade: String,
    pub version: i64,
    /// Watcher id and the like; empty for ordinary facades.
    pub id: String,
    pub method: String,
    /// `Null` when the frame had none.
    pub params: Value,
    /// `trace-id`, `span-id`, `trace-flags`, to be repeated in the answer.
    pub trace: Map<String, Value>,
}

/// An answer. With an error the response is `{}`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    pub request_id: u64,
    /// Empty on success.
    pub error: String,
    pub code: String,
    pub info: Option<Map<String, Value>>,
    pub response: Value,
}

/// What a text frame turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    Request(Request),
    Response(Response),
}

/// A frame that is no envelope: the connection is to be closed with code 1000.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("frame is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("frame has no usable {0}")]
    Field(&'static str),
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Raw {
    request_id: Option<u64>,
    #[serde(rename = "type")]
    facade: String,
    version: i64,
    id: String,
    request: String,
    error: String,
    error_code: String,
    error_info: Option<Map<String, Value>>,
    trace_id: Option<Value>,
    span_id: Option<Value>,
    trace_flags: Option<Value>,
}

impl Frame {
    /// Reads the first JSON document of a frame; what follows it is ignored, as the original does.
    pub fn parse(text: &[u8]) -> Result<Frame, FrameError> {
        let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let value = match documents.next() {
            Some(Ok(value)) => value,
            Some(Err(e)) => return Err(FrameError::Json(e)),
            None => return Err(FrameError::Field("document")),
        };
        let Value::Object(mut fields) = value else {
            return Err(FrameError::Field("object"));
        };
        // Free-form and large: taken as they are, never built a second time.
        let (params, response) = (take(&mut fields, "params"), take(&mut fields, "response"));
        let raw: Raw = lenient::from_value(Value::Object(fields)).map_err(FrameError::Json)?;
        let request_id = match raw.request_id {
            Some(id) if id > 0 => id,
            _ => return Err(FrameError::Field("request-id")),
        };
        if raw.facade.is_empty() && raw.request.is_empty() {
            return Ok(Frame::Response(Response {
                request_id,
                error: raw.error,
                code: raw.error_code,
                info: raw.error_info,
                response,
            }));
        }
        let mut trace = Map::new();
        for (key, value) in [("trace-id", raw.trace_id), ("span-id", raw.span_id), ("trace-flags", raw.trace_flags)] {
            trace.extend(value.map(|v| (key.to_owned(), v)));
        }
        Ok(Frame::Request(Request {
            request_id,
            facade: raw.facade,
            version: raw.version,
            id: raw.id,
            method: raw.request,
            params,
            trace,
        }))
    }
}

/// The field of that name in any case, the last one if there are several; `Null` when there is none.
fn take(fields: &mut Map<String, Value>, name: &str) -> Value {
    let mut found = Value::Null;
    // One pass: a name can be written in hundreds of ways, and each removal by itself moves all that comes after.
    fields.retain(|key, value| {
        let other = !key.eq_ignore_ascii_case(name);
        if !other {
            found = value.take();
        }
        other
    });
    found
}

impl Request {
    /// The frame's text.
    pub fn to_text(&self) -> String {
        let mut out = Map::new();
        out.insert("request-id".into(), self.request_id.into());
        out.insert("type".into(), self.facade.as_str().into());
        if self.version != 0 {
            out.insert("version".into(), self.version.into());
        }
        if !self.id.is_empty() {
            out.insert("id".into(), self.id.as_str().into());
        }
        out.insert("request".into(), self.method.as_str().into());
        out.insert("params".into(), if self.params.is_null() { json!({}) } else { self.params.clone() });
        out.extend(self.trace.clone());
        Value::Object(out).to_string()
    }
}

/// The text of a successful answer around an already encoded body.
pub fn success_text(request_id: u64, trace: &Map<String, Value>, body: &str) -> String {
    // Bodies may be long: none is moved to make room for what follows.
    let mut out = String::with_capacity(body.len() + 128);
    out.push_str(&format!("{{\"request-id\":{request_id},\"response\":"));
    out.push_str(body);
    push_trace(&mut out, trace);
    out
}

/// The text of an error answer.
pub fn error_text(request_id: u64, trace: &Map<String, Value>, error: &crate::Error) -> String {
    let mut out = format!("{{\"request-id\":{request_id},\"error\":{}", Value::from(error.message.as_str()));
    if !error.code.is_empty() {
        out.push_str(&format!(",\"error-code\":{}", Value::from(error.code.as_str())));
    }
    if let Some(info) = error.info.as_ref().filter(|i| !i.is_empty()) {
        out.push_str(&format!(",\"error-info\":{}", Value::Object(info.clone())));
    }
    out.push_str(",\"response\":{}");
    push_trace(&mut out, trace);
    out
}

fn push_trace(out: &mut String, trace: &Map<String, Value>) {
    for (key, value) in trace {
        out.push_str(&format!(",{}:{value}", Value::from(key.as_str())));
    }
    out.push('}');
}

/// The body of a successful answer, as text, when the frame is written the usual way; every answer can be read by [`Frame::parse`] too.
pub fn body_of(text: &[u8]) -> Option<(u64, &RawValue)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Success<'a> {
        request_id: u64,
        #[serde(borrow)]
        response: &'a RawValue,
    }
    let success: Success<'_> = serde_json::from_slice(text).ok()?;
    (success.request_id > 0).then_some((success.request_id, success.response))
}

impl Response {
    /// The answer as a result: the body, or the error of the call.
    pub fn into_result(self) -> Result<Value, crate::Error> {
        match self.error.is_empty() {
            true => Ok(self.response),
            false => Err(crate::Error { message: self.error, code: self.code, info: self.info }),
        }
    }
}

/// A result of a method without one: `{}` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_a_plain_answer_needs_no_reading() {
        let body = |text: &str| body_of(text.as_bytes()).map(|(id, body)| (id, body.get().to_owned()));
        let text = success_text(7, &Map::new(), r#"{"a":[null, 1]}"#);
        assert_eq!(body(&text), Some((7, r#"{"a":[null, 1]}"#.to_owned())));
        let mut trace = Map::new();
        trace.insert("trace-id".into(), "x".into());
        for other in [
            success_text(7, &trace, "{}"),
            error_text(7, &Map::new(), &crate::Error::new("no", "")),
            r#"{"request-id":0,"response":{}}"#.into(),
            r#"{"request-id":7,"response":{"#.into(),
            r#"{"request-id":7}"#.into(),
        ] {
            assert_eq!(body(&other), None, "{other}");
        }
    }

    #[test]
    fn keys_match_without_case_and_trailing_text_is_ignored() {
        let text =
            br#"{"Request-Id":3,"TYPE":"AllWatcher","Version":3,"Id":"8","request":"Next","x":1}{"request-id":4}"#;
        let Ok(Frame::Request(request)) = Frame::parse(text) else { panic!("a request") };
        assert_eq!((request.request_id, request.id.as_str(), request.version), (3, "8", 3));
        assert_eq!(request.params, Value::Null);
    }

    #[test]
    fn of_fields_that_differ_in_case_alone_the_last_counts() {
        let text = br#"{"request-id":3,"type":"a","PARAMS":{"a":1},"Type":"b","request":"r","params":{"b":2},"Params":{"c":3}}"#;
        let Ok(Frame::Request(request)) = Frame::parse(text) else { panic!("a request") };
        assert_eq!((request.facade.as_str(), request.params), ("b", json!({"c": 3})));
    }

    #[test]
    fn no_envelope() {
        for text in [
            "{}",
            "[]",
            "nope",
            "",
            "{\"request-id\":0,\"type\":\"X\"}",
            "{\"request-id\":\"1\",\"type\":\"X\"}",
            "{\"request-id\":-1,\"type\":\"X\"}",
            "{\"type\":\"X\"}",
            "{\"request-id\":1,\"type\":\"X\",\"version\":\"1\"}",
            "{\"RequestId\":1,\"type\":\"X\"}",
            "{\"request-id\":1",
        ] {
            assert!(Frame::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn answers() {
        let none = Map::new();
        assert_eq!(success_text(7, &none, "{\"a\":1}"), r#"{"request-id":7,"response":{"a":1}}"#);
        assert_eq!(
            error_text(7, &none, &crate::Error::new("no \"x\"", "not found")),
            r#"{"request-id":7,"error":"no \"x\"","error-code":"not found","response":{}}"#
        );
    }
}
