//! JSON as the original prints it: one line, keys in the order given, `<`, `>` and `&` escaped.

use wire::yaml::Node;

/// One line and its end.
pub fn print(node: &Node) -> String {
    let mut text = String::new();
    write(node, &mut text);
    text.push('\n');
    text
}

fn write(node: &Node, text: &mut String) {
    match node {
        Node::Null => text.push_str("null"),
        Node::Bool(b) => text.push_str(if *b { "true" } else { "false" }),
        Node::Int(i) => text.push_str(&i.to_string()),
        Node::Float(f) => match serde_json::Number::from_f64(*f) {
            Some(n) => text.push_str(&n.to_string()),
            None => text.push_str("null"),
        },
        Node::Str(s) => string(s, text),
        Node::Seq(items) | Node::FlowSeq(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Node::Map(entries) => {
            text.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                string(key, text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
    }
}

fn string(s: &str, text: &mut String) {
    text.push('"');
    for c in s.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", c as u32)),
            c if c.is_control() && (c as u32) < 0x20 => text.push_str(&format!("\\u{:04x}", c as u32)),
            c => text.push(c),
        }
    }
    text.push('"');
}
