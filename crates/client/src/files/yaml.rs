//! YAML in and out of the store, by way of JSON values.
//!
//! Must not know any file. The surprise: what is read has YAML 1.2's few words for true and false; `yes` and `on`
//! stay text, which is what every key of these files wants.

use std::collections::HashMap;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use saphyr_parser::{Event, Parser};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use wire::yaml::{Node, natural_cmp, print};

/// As deep as JSON may be for its own reader; what is deeper would overflow the stack of whoever walks through it.
const DEEPEST: usize = 128;

/// The first document of a text; an empty text is null. The error is the parser's, with its line.
pub fn read(text: &str) -> Result<Value, String> {
    check_depth(text)?;
    let documents = Yaml::load_from_str(text).map_err(|e| e.to_string())?;
    documents.first().map_or(Ok(Value::Null), value)
}

/// Walks through the parser's events, which need no stack, aliases counted as deep as what they stand for.
fn check_depth(text: &str) -> Result<(), String> {
    // The anchor of each collection that is open, and how deep it is so far.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut known: HashMap<usize, usize> = HashMap::new();
    for event in Parser::new_from_str(text) {
        let (event, place) = event.map_err(|e| e.to_string())?;
        let below = match event {
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push((anchor, 0));
                0
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (anchor, below) = open.pop().unwrap_or_default();
                known.insert(anchor, below + 1);
                below + 1
            }
            Event::Alias(anchor) => known.get(&anchor).copied().unwrap_or(0),
            _ => 0,
        };
        if open.len() + below > DEEPEST {
            return Err(format!("nested more than {DEEPEST} deep at line {}", place.start.line()));
        }
        if let Some((_, deepest)) = open.last_mut() {
            *deepest = (*deepest).max(below);
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

/// The text of a document; lists under the keys of `flow` stand on one line.
pub fn write<T: Serialize>(document: &T, flow: &[&str]) -> Result<String, String> {
    let value = serde_json::to_value(document).map_err(|e| e.to_string())?;
    let mut node = Node::from(&value);
    flatten(&mut node, flow);
    Ok(print(&node))
}

fn flatten(node: &mut Node, flow: &[&str]) {
    match node {
        Node::Map(entries) => {
            for (key, entry) in entries {
                match entry {
                    Node::Seq(items) if flow.contains(&key.as_str()) => {
                        *entry = Node::FlowSeq(std::mem::take(items));
                    }
                    _ => flatten(entry, flow),
                }
            }
        }
        Node::Seq(items) => items.iter_mut().for_each(|item| flatten(item, flow)),
        Node::Null
        | Node::Bool(_)
        | Node::Int(_)
        | Node::Float(_)
        | Node::Str(_)
        | Node::Time(_)
        | Node::FlowSeq(_) => {}
    }
}

/// Brings a map into the order in which maps are printed.
pub fn sort<V>(map: &mut indexmap::IndexMap<String, V>) {
    map.sort_by(|a, _, b, _| natural_cmp(a, b));
}
