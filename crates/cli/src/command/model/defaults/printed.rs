//! What `--file` takes: pairs of key and value; or what `--format yaml` printed, with the layers of each key, so that the defaults of one cloud
//! can be kept in a file and given to another.
//!
//! The surprise: Juju's own defaults, which are printed too, are passed over. They are nobody's to set.

use serde_json::{Map, Number, Value};

use super::At;
use crate::error::{Error, Result};

const LAYERS: [&str; 3] = ["default", "controller", "regions"];

/// What is set where, the cloud first. Of a region's own request nothing else is taken. What would set nothing is left out.
pub fn read(at: &At, values: Map<String, Value>) -> Result<Vec<(At, Map<String, Value>)>> {
    if values.is_empty() || !values.values().all(is_printed) {
        return Ok(vec![(at.clone(), values)]);
    }
    let mut all: Vec<(At, Map<String, Value>)> = vec![(At { region: String::new(), ..at.clone() }, Map::new())];
    for (key, layers) in values {
        if let Some(value) = layers.get("controller").filter(|value| !value.is_null()) {
            all[0].1.insert(key.clone(), whole(value));
        }
        for one in layers.get("regions").and_then(Value::as_array).into_iter().flatten() {
            let (Some(name), Some(value)) = (one.get("name").and_then(Value::as_str), one.get("value")) else {
                return Err(Error::failed(format!("{key}: a region must have a name and a value")));
            };
            match all.iter_mut().find(|(at, _)| at.region == name) {
                Some((_, values)) => _ = values.insert(key.clone(), whole(value)),
                None => {
                    let at = At { region: name.to_owned(), ..at.clone() };
                    all.push((at, Map::from_iter([(key.clone(), whole(value))])));
                }
            }
        }
    }
    all.retain(|(of, values)| !values.is_empty() && (at.region.is_empty() || at.region == of.region));
    Ok(all)
}

/// Whether a value is a key's layers rather than a value.
fn is_printed(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|layers| !layers.is_empty() && layers.keys().all(|key| LAYERS.contains(&key.as_str())))
}

/// From a million on whole numbers are printed as floating points.
fn whole(value: &Value) -> Value {
    match value.as_f64() {
        // Beyond that not every whole number is one of these.
        #[allow(clippy::cast_possible_truncation)]
        Some(n) if n.fract() == 0.0 && n.abs() < 9e15 => Value::Number(Number::from(n as i64)),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_printed_is_taken_apart_and_pairs_are_as_they_are() {
        let check = |region: &str, file: Value, expected: Value| {
            let at = At { cloud: "c".into(), region: region.into() };
            let Value::Object(values) = file.clone() else { panic!("a map") };
            let read = read(&at, values)
                .map(|all| all.into_iter().map(|(at, values)| json!([at.region, values])).collect::<Vec<_>>());
            assert_eq!(json!(read.map_err(|error| error.message().to_owned()).unwrap_or_default()), expected, "{file}");
        };
        let printed = json!({
            "a": {"default": "", "controller": "x", "regions": [{"name": "east", "value": 2e6}]},
            "b": {"default": 1},
            "c": {"regions": [{"name": "west", "value": false}]},
        });
        check("", printed.clone(), json!([["", {"a": "x"}], ["east", {"a": 2_000_000}], ["west", {"c": false}]]));
        check("east", printed, json!([["east", {"a": 2_000_000}]]));
        check("", json!({"b": {"default": 1}}), json!([]));
        check("", json!({"a": "x", "b": {"default": 1}}), json!([["", {"a": "x", "b": {"default": 1}}]]));
        check("east", json!({"a": {}}), json!([["east", {"a": {}}]]));
        check("", json!({"a": {"regions": [{"name": "east"}]}}), json!([]));
    }
}
