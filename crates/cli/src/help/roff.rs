//! The language of man pages, as much as ours need: headings, paragraphs, terms, verbatim lines.
//!
//! It knows no commands. The surprise: every dash, quote, tilde and caret is spelled out, or a reader's terminal would get
//! a typographer's one, and what is copied from a page would not run.

/// A page that is being written.
pub struct Page(String);

impl Page {
    /// `name` without its section, which is always 1. `date` is `2026-01-31`.
    pub fn new(name: &str, date: &str, source: &str) -> Page {
        // A date with its dashes spelled out is none to some readers.
        Page(format!(".TH {} \"1\" \"{date}\" {} \"Grigri\"\n", quoted(&name.to_uppercase()), quoted(source)))
    }

    pub fn section(&mut self, title: &str) {
        self.0.push_str(&format!(".SH {}\n", quoted(title)));
    }

    /// `name \- purpose`, which `apropos` reads.
    pub fn name(&mut self, name: &str, purpose: &str) {
        self.section("NAME");
        let purpose = purpose.trim_end_matches('.');
        self.0.push_str(&format!("{} \\- {}\n", escaped(name), escaped(purpose)));
    }

    /// What is typed in bold, the rest as it is.
    pub fn synopsis(&mut self, typed: &str, rest: &str) {
        self.section("SYNOPSIS");
        self.0.push_str(&format!("{}\n", bold(typed)));
        if !rest.is_empty() {
            self.0.push_str(&format!("{}\n", line(rest)));
        }
    }

    /// Text with blank lines between its paragraphs. One that is laid out by blanks stays as it is.
    pub fn text(&mut self, text: &str) {
        for (at, paragraph) in text.split("\n\n").enumerate() {
            if at > 0 {
                self.0.push_str(".PP\n");
            }
            let laid_out = paragraph.lines().any(|line| line.starts_with(' ') || line.trim().contains("  "));
            if laid_out {
                self.verbatim(paragraph);
                continue;
            }
            for one in paragraph.lines().map(str::trim).filter(|one| !one.is_empty()) {
                self.0.push_str(&format!("{}\n", line(one)));
            }
        }
    }

    /// Lines that keep their blanks and breaks.
    pub fn verbatim(&mut self, text: &str) {
        self.0.push_str(".nf\n");
        for one in text.lines() {
            self.0.push_str(&format!("{}\n", line(one.trim_end())));
        }
        self.0.push_str(".fi\n");
    }

    /// A term with what it means. `term` has several parts; those that are typed are bold.
    pub fn term(&mut self, typed: &[String], rest: &str, meaning: &str) {
        let typed: Vec<String> = typed.iter().map(|one| bold(one)).collect();
        let rest = if rest.is_empty() { String::new() } else { format!(" {}", escaped(rest)) };
        self.0.push_str(&format!(".TP\n{}{rest}\n{}\n", typed.join(", "), line(meaning)));
    }

    /// Pages of section 1.
    pub fn see_also(&mut self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        self.section("SEE ALSO");
        for (at, name) in names.iter().enumerate() {
            let comma = if at + 1 < names.len() { "," } else { "" };
            self.0.push_str(&format!("{}(1){comma}\n", bold(name)));
        }
    }

    pub fn finish(self) -> String {
        self.0
    }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

/// A line of text; one that begins like a request does not.
fn line(text: &str) -> String {
    if text.is_empty() {
        // An empty line is a request of its own to some readers.
        return "\\&".to_owned();
    }
    let escaped = escaped(text);
    if escaped.starts_with('.') { format!("\\&{escaped}") } else { escaped }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('"', "\\(dq"))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\(rs"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            _ if letter.is_ascii() => out.push(letter),
            _ => out.push_str(&format!("\\[u{:04X}]", u32::from(letter))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_is_a_request() {
        for (text, expected) in [
            ("--all", "\\-\\-all"),
            (".hidden", "\\&.hidden"),
            ("'quoted'", "\\(aqquoted\\(aq"),
            ("a\\nb", "a\\(rsnb"),
            ("`x` ~/y ^z", "\\(gax\\(ga \\(ti/y \\(haz"),
            ("caf\u{e9}", "caf\\[u00E9]"),
            ("", "\\&"),
        ] {
            assert_eq!(line(text), expected, "{text}");
        }
        assert_eq!(quoted("a \"b\""), "\"a \\(dqb\\(dq\"");
    }
}
