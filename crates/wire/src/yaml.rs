//! Printing YAML exactly as Juju's printer does: key order, quoting, folding, block literals.
//!
//! It knows nothing of what is printed. The surprise: a line is folded at the first space *after* column 80, so
//! folded lines are longer than 80 columns, and an empty key order is the caller's business (`Node::Map` keeps the
//! order it was given; `Node::sorted` gives the natural order Juju uses for maps).

mod emit;
mod order;
mod scalar;

pub use order::{natural_cmp, sort_natural};

/// A value to print. Maps keep the order of their entries.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    /// A moment: never quoted in YAML, a text in JSON.
    Time(String),
    Seq(Vec<Node>),
    /// A list printed on one line: `[a, b]`.
    FlowSeq(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    #[must_use]
    pub fn str(text: impl Into<String>) -> Self {
        Node::Str(text.into())
    }

    /// Every map below in natural key order: what printing a map (not a structure) gives.
    #[must_use]
    pub fn sorted(self) -> Self {
        match self {
            Node::Map(mut entries) => {
                entries.sort_by(|a, b| natural_cmp(&a.0, &b.0));
                Node::Map(entries.into_iter().map(|(key, value)| (key, value.sorted())).collect())
            }
            Node::Seq(items) => Node::Seq(items.into_iter().map(Node::sorted).collect()),
            other => other,
        }
    }
}

/// JSON as it came: maps keep their order, numbers without a fraction are integers.
impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Node::Null,
            Value::Bool(b) => Node::Bool(*b),
            Value::Number(n) => n
                .as_i64()
                .map(i128::from)
                .or_else(|| n.as_u64().map(i128::from))
                .map_or_else(|| Node::Float(n.as_f64().unwrap_or(0.0)), Node::Int),
            Value::String(s) => Node::Str(s.clone()),
            Value::Array(items) => Node::Seq(items.iter().map(Node::from).collect()),
            Value::Object(map) => Node::Map(map.iter().map(|(k, v)| (k.clone(), Node::from(v))).collect()),
        }
    }
}

/// The text of a document, one newline at its end.
#[must_use]
pub fn print(node: &Node) -> String {
    emit::document(node)
}

#[cfg(test)]
mod tests;
