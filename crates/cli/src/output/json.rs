//! JSON as Go writes it: one line, `<`, `>` and `&` escaped, and with colours one key and one value at a time.

use std::fmt::Write as _;

use wire::yaml::Node;

use super::colour::Ink;

/// The document on one line.
#[must_use]
pub fn print(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out.push('\n');
    out
}

/// The same in colours; every map sorted bytewise, as the original's coloured printer sorts structures too.
#[must_use]
pub fn print_coloured(node: &Node) -> String {
    let mut out = String::new();
    coloured(node, &mut out);
    out.push('\n');
    out
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Node::Int(n) => {
            // Writing to a string does not fail.
            let _ = write!(out, "{n}");
        }
        Node::Float(f) => out.push_str(&number(*f)),
        Node::Str(text) | Node::Time(text) => string(text, out),
        Node::Seq(items) | Node::FlowSeq(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Node::Map(entries) => {
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn coloured(node: &Node, out: &mut String) {
    let paint = super::colour::Paint(true);
    match node {
        Node::Map(entries) => {
            let mut sorted: Vec<&(String, Node)> = entries.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            for (at, (key, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                let mut text = String::new();
                string(key, &mut text);
                let _ = write!(out, "\x1b[1;96m{text}\x1b[95m:\x1b[0m\x1b[0m");
                coloured(value, out);
            }
            out.push('}');
        }
        Node::Seq(items) | Node::FlowSeq(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                coloured(item, out);
            }
            out.push(']');
        }
        other => {
            let mut text = String::new();
            write(other, &mut text);
            let ink = match other {
                Node::Str(_) | Node::Time(_) => Ink::Text,
                Node::Null => Ink::Block,
                _ => Ink::Number,
            };
            out.push_str(&paint.ink(ink, &text));
        }
    }
}

/// Go's float64 in JSON: plain digits from 1e-6 to below 1e21.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return match text.split_once("e-") {
            Some((mantissa, power)) => format!("{mantissa}e-{power:0>2}"),
            None => text.replace('e', "e+"),
        };
    }
    format!("{value}")
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn as_go_writes_it() {
        for (value, expected) in [
            (json!({"b": 1, "a": [true, null, "x"]}), r#"{"b":1,"a":[true,null,"x"]}"#),
            (
                json!("<404> & \"more\"\n\u{1b}é\u{2028}"),
                "\"\\u003c404\\u003e \\u0026 \\\"more\\\"\\n\\u001bé\\u2028\"",
            ),
            (json!([1e6, 0.5, 1e21, 1e-7, 3.0]), "[1000000,0.5,1e+21,1e-07,3]"),
        ] {
            assert_eq!(print(&Node::from(&value)), format!("{expected}\n"));
        }
    }
}
