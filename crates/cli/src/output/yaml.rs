//! YAML in colours: the plain text, line by line, keys and values told apart.
//!
//! The surprise: colours are put on lines and not on values, so that a folded line's rest counts as text.

use wire::yaml::Node;

/// The document in colours.
#[must_use]
pub fn print_coloured(node: &Node) -> String {
    let text = wire::yaml::print(node);
    let mut out = String::new();
    let mut block: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(of) = block {
            if indent > of || line.trim().is_empty() {
                out += &format!("\x1b[90m{line}\n\x1b[0m");
                continue;
            }
            block = None;
        }
        let Some((key, value)) = split(line) else {
            // The rest of a folded text keeps the terminal's own colour.
            out += &match line.trim_start().starts_with("- ") {
                true => format!("\x1b[39m{line}\n\x1b[0m"),
                false => format!("{line}\n"),
            };
            continue;
        };
        out += &format!("\x1b[1;96m{key}\x1b[95m:\x1b[0m \x1b[0m");
        if value.starts_with('|') {
            block = Some(indent);
        }
        out += &match kind(value) {
            Kind::Number => format!("\x1b[35m{value}\n\x1b[0m"),
            Kind::Address => format!("\x1b[36m{value}\x1b[0m\n"),
            Kind::Text => format!("\x1b[39m{value}\x1b[0m\n"),
        };
    }
    out
}

/// Key and value of a line that has both; list items and the rest of folded texts have not.
fn split(line: &str) -> Option<(&str, &str)> {
    let trimmed = line.trim_start();
    if trimmed.starts_with("- ") && !trimmed.contains(": ") {
        return None;
    }
    if let Some(rest) = trimmed.strip_prefix('"') {
        let end = rest.find('"')? + line.len() - trimmed.len() + 2;
        let value = line[end..].strip_prefix(':')?;
        return Some((&line[..end], value.strip_prefix(' ').unwrap_or(value)));
    }
    match line.find(": ") {
        Some(at) => Some((&line[..at], &line[at + 2..])),
        None => line.strip_suffix(':').map(|key| (key, "")),
    }
}

enum Kind {
    Number,
    Address,
    Text,
}

fn kind(value: &str) -> Kind {
    if value == "true" || value == "false" || value.parse::<f64>().is_ok() {
        return Kind::Number;
    }
    let dotted = value.split('.').count() >= 3 && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if dotted || value.parse::<std::net::Ipv4Addr>().is_ok() { Kind::Address } else { Kind::Text }
}
