//! YAML as JSON values.
//!
//! It must not know whose text it is. The surprise: what is read has YAML 1.2's few words for true and false; `yes` and `on` stay text.

use std::collections::HashMap;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use saphyr_parser::{Event, Parser};
use serde_json::{Map, Number, Value};

/// As deep as JSON may be for its own reader; what is deeper would overflow the stack of whoever walks through it.
const DEEPEST: usize = 128;
/// As much as aliases may stand for, all together: a few lines of them can stand for more than any memory holds. Values, a long text for many.
const MOST_OF_ALIASES: usize = 100_000;

/// The first document of a text; an empty text is null. The error is the parser's, with its line.
pub fn read(text: &str) -> Result<Value, String> {
    check_size(text)?;
    let documents = Yaml::load_from_str(text).map_err(|e| e.to_string())?;
    documents.first().map_or(Ok(Value::Null), value)
}

/// What stands at an anchor: the collections in it, one inside the other, and all its values.
#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    values: usize,
}

/// Bytes of text that count as one value more.
const A_VALUE: usize = 64;

/// Walks through the parser's events, which need no stack, aliases counted as what they stand for.
fn check_size(text: &str) -> Result<(), String> {
    // The anchor of each collection that is open, and what it has so far.
    let mut open: Vec<(usize, Size)> = Vec::new();
    let mut known: HashMap<usize, Size> = HashMap::new();
    let mut of_aliases = 0usize;
    for event in Parser::new_from_str(text) {
        let (event, place) = event.map_err(|e| e.to_string())?;
        let size = match event {
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push((anchor, Size::default()));
                Size::default()
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (anchor, inside) = open.pop().unwrap_or_default();
                let whole = Size { depth: inside.depth + 1, values: inside.values.saturating_add(1) };
                known.insert(anchor, whole);
                whole
            }
            Event::Scalar(text, _, anchor, _) => {
                let size = Size { depth: 0, values: 1 + text.len() / A_VALUE };
                known.insert(anchor, size);
                size
            }
            Event::Alias(anchor) => {
                let size = known.get(&anchor).copied().unwrap_or_default();
                of_aliases = of_aliases.saturating_add(size.values);
                size
            }
            _ => Size::default(),
        };
        if open.len() + size.depth > DEEPEST {
            return Err(format!("nested more than {DEEPEST} deep at line {}", place.start.line()));
        }
        if of_aliases > MOST_OF_ALIASES {
            return Err(format!("aliases stand for more than {MOST_OF_ALIASES} values at line {}", place.start.line()));
        }
        if let Some((_, around)) = open.last_mut() {
            around.depth = around.depth.max(size.depth);
            around.values = around.values.saturating_add(size.values);
        }
    }
    Ok(())
}

fn value(node: &Yaml<'_>) -> Result<Value, String> {
    Ok(match node {
        Yaml::Value(scalar) => from_scalar(scalar),
        Yaml::Representation(text, ..) => Value::String(text.to_string()),
        Yaml::Tagged(_, inner) => value(inner)?,
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, entry) in entries {
                let key = match value(key)? {
                    Value::String(text) => text,
                    Value::Null => "null".to_owned(),
                    Value::Bool(b) => b.to_string(),
                    Value::Number(n) => n.to_string(),
                    Value::Array(_) | Value::Object(_) => return Err("a key must be a plain word".to_owned()),
                };
                map.insert(key, value(entry)?);
            }
            Value::Object(map)
        }
        Yaml::Alias(_) | Yaml::BadValue => return Err("unknown anchor or bad value".to_owned()),
    })
}

fn from_scalar(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(b) => Value::Bool(*b),
        Scalar::Integer(i) => Value::Number(Number::from(*i)),
        Scalar::FloatingPoint(f) => Number::from_f64(f.into_inner()).map_or(Value::Null, Value::Number),
        Scalar::String(text) => Value::String(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_few_lines_cannot_fill_the_memory() {
        assert_eq!(read("a: &a [1, 2]\nb: [*a, *a]\n"), Ok(json!({"a": [1, 2], "b": [[1, 2], [1, 2]]})));
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..40 {
            let before = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", ")));
        }
        let refused = read(&text).expect_err("refused");
        assert!(refused.starts_with("aliases stand for more than 100000 values at line"), "{refused}");
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(64 << 10), ["*a"; 100].join(", "));
        assert!(read(&text).is_err());
        // What is written out is as long as it is.
        let long = format!("[{}]", ["1"; 200_000].join(","));
        assert_eq!(read(&long).expect("read").as_array().map(Vec::len), Some(200_000));
    }
}
