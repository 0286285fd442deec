//! The writer: columns, indents, folding. Which style a scalar gets is `scalar`'s business.

use super::Node;
use super::scalar::{self, Style};

/// A space beyond this column is where a line is folded.
const WIDTH: usize = 80;

pub(super) fn document(node: &Node) -> String {
    let mut out = Emitter::default();
    out.node(node, Place { indent: 0, scalar: 2 });
    // Of a text that keeps its last line ends every one counts.
    if out.kept {
        return out.text;
    }
    let text = out.text.trim_end_matches('\n').to_owned();
    text + "\n"
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// The column of its keys or dashes, if it is a collection.
    indent: usize,
    /// The column where a folded scalar goes on.
    scalar: usize,
}

#[derive(Default)]
struct Emitter {
    text: String,
    column: usize,
    /// Only blanks and dashes on the line so far: a collection may begin on it.
    fresh: bool,
    /// The last thing written is a literal that keeps all its line ends.
    kept: bool,
}

impl Emitter {
    fn put(&mut self, c: char) {
        self.text.push(c);
        if c == '\n' {
            self.column = 0;
            self.fresh = true;
        } else {
            self.column += 1;
            self.kept = false;
        }
    }

    fn put_str(&mut self, text: &str) {
        text.chars().for_each(|c| self.put(c));
    }

    /// Begin a line at a column, unless the line so far already ends there.
    fn line(&mut self, indent: usize) {
        if self.column > indent || (self.column > 0 && !self.fresh) {
            self.put('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
    }

    fn node(&mut self, node: &Node, place: Place) {
        match node {
            Node::Map(entries) if !entries.is_empty() => self.map(entries, place),
            Node::Seq(items) if !items.is_empty() => self.seq(items, place),
            Node::Map(_) => self.word("{}"),
            Node::Seq(_) => self.word("[]"),
            Node::FlowSeq(items) => self.flow(items, place),
            Node::Null => self.word("null"),
            Node::Bool(b) => self.word(if *b { "true" } else { "false" }),
            Node::Int(n) => self.word(&n.to_string()),
            Node::Float(f) => self.word(&float(*f)),
            Node::Str(text) => self.scalar(text, place.scalar, false, false),
            Node::Time(text) => self.word(text),
        }
    }

    fn map(&mut self, entries: &[(String, Node)], place: Place) {
        for (key, value) in entries {
            self.line(place.indent);
            self.fresh = false;
            let inner = Place { indent: place.indent + 2, scalar: place.indent + 2 };
            if key.len() > 128 || key.contains('\n') {
                self.put('?');
                self.scalar(key, inner.scalar, false, false);
                self.line(place.indent);
                self.fresh = false;
            } else {
                self.scalar(key, inner.scalar, true, false);
            }
            self.put(':');
            match value {
                Node::Seq(_) => self.node(value, Place { indent: place.indent, ..inner }),
                _ => self.node(value, inner),
            }
        }
    }

    fn seq(&mut self, items: &[Node], place: Place) {
        for item in items {
            self.line(place.indent);
            self.put('-');
            self.fresh = true;
            let inner = place.indent + 2;
            self.node(item, Place { indent: inner, scalar: inner });
            self.fresh = false;
        }
    }

    fn flow(&mut self, items: &[Node], place: Place) {
        self.word("[");
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.put(',');
            }
            if self.column > WIDTH {
                self.fresh = false;
                self.line(place.scalar);
            }
            match item {
                Node::Str(text) if at == 0 => self.glued(|e| e.scalar(text, place.scalar, false, true)),
                Node::Str(text) => self.scalar(text, place.scalar, false, true),
                other if at == 0 => self.glued(|e| e.node(other, place)),
                other => self.node(other, place),
            }
        }
        self.put(']');
    }

    /// Something written straight after a bracket: no space before it.
    fn glued(&mut self, write: impl FnOnce(&mut Self)) {
        let at = self.text.len();
        write(self);
        if self.text[at..].starts_with(' ') {
            self.text.remove(at);
            self.column -= 1;
        }
    }

    /// A space before a value that follows a colon, a dash or a comma.
    fn gap(&mut self) {
        if self.column > 0 && !self.text.ends_with(' ') {
            self.put(' ');
        }
        self.fresh = false;
    }

    fn word(&mut self, word: &str) {
        self.gap();
        self.put_str(word);
    }

    fn scalar(&mut self, text: &str, indent: usize, key: bool, flow: bool) {
        match scalar::style(text, key, flow) {
            Style::Plain => {
                if !key {
                    self.gap();
                }
                self.folded(text, indent, !key, false);
            }
            Style::Single => {
                if !key {
                    self.gap();
                }
                self.put('\'');
                self.folded(text, indent, !key, true);
                self.put('\'');
            }
            Style::Double => {
                if !key {
                    self.gap();
                }
                self.double(text, indent, !key);
            }
            Style::Literal => self.literal(text, indent),
        }
    }

    /// Plain and single-quoted text.
    fn folded(&mut self, text: &str, indent: usize, fold: bool, quoted: bool) {
        let (mut spaces, mut breaks) = (false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if c == ' ' {
                let inside = !quoted || (at > 0 && next.is_some());
                if fold && !spaces && self.column > WIDTH && inside && next != Some(' ') {
                    self.line(indent);
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else if scalar::is_break(c) {
                if !breaks && c == '\n' {
                    self.put('\n');
                }
                self.put(c);
                breaks = true;
            } else {
                if breaks {
                    self.line(indent);
                }
                if quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.fresh = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    fn double(&mut self, text: &str, indent: usize, fold: bool) {
        self.put('"');
        let mut spaces = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if !scalar::is_printable(c) || scalar::is_break(c) || c == '"' || c == '\\' {
                self.put('\\');
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                if fold && !spaces && self.column > WIDTH && at > 0 && next.is_some() {
                    self.line(indent);
                    if next == Some(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.put('"');
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = c as u32;
                let text = match code {
                    0..=0xff => format!("x{code:02X}"),
                    0x100..=0xffff => format!("u{code:04X}"),
                    _ => format!("U{code:08X}"),
                };
                return self.put_str(&text);
            }
        };
        self.put(short);
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.gap();
        let mut keep = false;
        self.put('|');
        if text.starts_with([' ', '\n']) {
            self.put('2');
        }
        if !text.ends_with(scalar::is_break) {
            self.put('-');
        } else if text.trim_end_matches(scalar::is_break).is_empty() || text.ends_with("\n\n") {
            self.put('+');
            keep = true;
        }
        self.put('\n');
        let mut breaks = true;
        for c in text.chars() {
            if scalar::is_break(c) {
                self.put(c);
                breaks = true;
            } else {
                if breaks {
                    while self.column < indent {
                        self.put(' ');
                    }
                }
                self.put(c);
                self.fresh = false;
                breaks = false;
            }
        }
        self.kept = keep;
    }
}

/// The shortest exact digits, with an exponent from a million on: `1e+06`, `2.5`, `250000`.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&power) || value == 0.0 {
        return format!("{value}");
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.abs())
}
