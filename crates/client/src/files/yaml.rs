//! YAML out of the store's values, by way of JSON; into them by `base::yaml`.
//!
//! Must not know any file.

pub use base::yaml::read;
use serde::Serialize;
use wire::yaml::{Node, natural_cmp, print};

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
