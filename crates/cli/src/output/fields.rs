//! Building a structure to print: fields in declared order, empty ones left out where the original leaves them out.

use wire::yaml::{Node, natural_cmp};

/// A structure being built.
#[derive(Debug, Default, Clone)]
pub struct Fields(Vec<(String, Node)>);

impl Fields {
    pub fn new() -> Fields {
        Fields::default()
    }

    /// Always there.
    pub fn text(mut self, key: &str, value: &str) -> Fields {
        self.0.push((key.to_owned(), Node::str(value)));
        self
    }

    /// Left out when empty.
    pub fn some(self, key: &str, value: &str) -> Fields {
        if value.is_empty() { self } else { self.text(key, value) }
    }

    pub fn int(mut self, key: &str, value: i64) -> Fields {
        self.0.push((key.to_owned(), Node::Int(i128::from(value))));
        self
    }

    /// Left out when zero.
    pub fn count(self, key: &str, value: i64) -> Fields {
        if value == 0 { self } else { self.int(key, value) }
    }

    pub fn bool(mut self, key: &str, value: bool) -> Fields {
        self.0.push((key.to_owned(), Node::Bool(value)));
        self
    }

    /// Left out when false.
    pub fn when(self, key: &str, value: bool) -> Fields {
        if value { self.bool(key, true) } else { self }
    }

    pub fn node(mut self, key: &str, value: Node) -> Fields {
        self.0.push((key.to_owned(), value));
        self
    }

    /// Left out when a map or list is empty.
    pub fn filled(self, key: &str, value: Node) -> Fields {
        let empty = match &value {
            Node::Map(entries) => entries.is_empty(),
            Node::Seq(items) | Node::FlowSeq(items) => items.is_empty(),
            Node::Null => true,
            Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Str(_) | Node::Time(_) => false,
        };
        if empty { self } else { self.node(key, value) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn done(self) -> Node {
        Node::Map(self.0)
    }
}

/// A map with names of the user's: yaml sorts them naturally, json by bytes.
pub fn named(mut entries: Vec<(String, Node)>, json: bool) -> Node {
    match json {
        true => entries.sort_by(|a, b| a.0.cmp(&b.0)),
        false => entries.sort_by(|a, b| natural_cmp(&a.0, &b.0)),
    }
    Node::Map(entries)
}

/// A list on one line.
pub fn flow<S: AsRef<str>>(items: &[S]) -> Node {
    Node::FlowSeq(items.iter().map(|i| Node::str(i.as_ref())).collect())
}
