//! Which recorded answer a request gets.

use serde_json::{Value, json};

use crate::replay::Recording;
use crate::replay::recording::Exchange;

pub(super) enum Answer {
    Reply(Value),
    /// Recorded as never answered.
    Never,
    /// Nothing recorded.
    None,
}

pub(super) struct Answers {
    exchanges: Vec<(Exchange, bool)>,
}

impl Answers {
    pub(super) fn new(recording: &Recording) -> Self {
        Answers { exchanges: recording.exchanges.iter().map(|e| (e.clone(), false)).collect() }
    }

    pub(super) fn take(&mut self, path: &str, request: &Value) -> Answer {
        let same_call = |e: &Exchange| {
            e.path == path && e.request["type"] == request["type"] && e.request["request"] == request["request"]
        };
        let params = bare(&request["params"]);
        let id = &request["id"];
        let same_params = |e: &Exchange| bare(&e.request["params"]) == params && e.request["id"] == *id;
        // The same parameters first, unused before used; then any call of the method in order.
        let unused = self.exchanges.iter().position(|(e, used)| !used && same_call(e) && same_params(e));
        let last = || self.exchanges.iter().rposition(|(e, _)| same_call(e) && same_params(e));
        let other = || self.exchanges.iter().position(|(e, used)| !used && same_call(e));
        let any = || self.exchanges.iter().rposition(|(e, _)| same_call(e));
        let Some(at) = unused.or_else(last).or_else(other).or_else(any) else { return Answer::None };
        self.exchanges[at].1 = true;
        self.exchanges[at].0.response.clone().map_or(Answer::Never, Answer::Reply)
    }
}

/// Parameters without what means nothing: nulls and absent keys are the same, and a missing object is an empty one.
fn bare(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> =
                map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), bare(v))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(bare).collect()),
        other => other.clone(),
    }
}
